/**
 * The WebSocket `/live`: tells pages what has changed in the folder. It sends no episode bytes; a page reads
 * what was appended by range, so that a live and a recorded episode are the same bytes read the same way.
 *
 * The folder is polled, and only while a page is connected: file-system events differ between systems and
 * do not exist on network drives, where clusters record.
 */
import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import type { LiveMessage } from "../protocol.ts";
import type { FolderIndex } from "./folder-index.ts";
import { isOwnHost, isOwnOrigin } from "./guard.ts";
import type { TrainingIndex } from "./training-index.ts";
import { watchTraining } from "./training-index.ts";

const SCAN_MS = 700;
/** A scan may take at most this share of the time. */
const SCAN_SHARE = 0.05;
const GROWTH_MS = 120;
/** A file that has not grown for so long is watched by scans alone. */
const QUIET_AFTER_MS = 30_000;

export interface LiveHub {
  close(): void;
}

export interface LiveHubOptions {
  readonly folder: string;
  readonly host: string;
  readonly index: FolderIndex;
  readonly training: TrainingIndex;
}

export function createLiveHub(server: Server, options: LiveHubOptions): LiveHub {
  const { folder, index } = options;
  const trainingChange = watchTraining(options.training);
  const serverId = randomUUID();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 });
  const grownTo = new Map<string, number>();
  let scanTimer: NodeJS.Timeout | undefined;
  let growthTimer: NodeJS.Timeout | undefined;

  const broadcast = (message: LiveMessage): void => {
    const text = JSON.stringify(message);
    for (const socket of sockets.clients) if (socket.readyState === socket.OPEN) socket.send(text);
  };
  const scan = async (): Promise<void> => {
    const startedMs = performance.now();
    const { changed, removed, resultsChanged } = await index.scan();
    if (changed.length > 0 || removed.length > 0) broadcast({ kind: "episodes", changed, removed });
    if (resultsChanged) broadcast({ kind: "results" });
    const runs = await trainingChange();
    if (runs.changed.length + runs.removed.length > 0) broadcast({ kind: "training", ...runs });
    scanAfter(Math.max(SCAN_MS, (performance.now() - startedMs) / SCAN_SHARE));
  };
  const scanAfter = (ms: number): void => {
    clearTimeout(scanTimer);
    scanTimer = sockets.clients.size === 0 ? undefined : setTimeout(() => void scan(), ms);
    scanTimer?.unref();
  };
  const watchGrowth = async (): Promise<void> => {
    const nowMs = Date.now();
    for (const { path, summary, modifiedMs, bytes } of index.entries()) {
      if (summary?.complete !== false || nowMs - modifiedMs > QUIET_AFTER_MS) continue;
      const size = await sizeOf(join(folder, path));
      if (size === undefined || size === (grownTo.get(path) ?? bytes)) continue;
      grownTo.set(path, size);
      broadcast({ kind: "grew", path, bytes: size });
    }
    growthAfter();
  };
  const growthAfter = (): void => {
    clearTimeout(growthTimer);
    const wanted = sockets.clients.size > 0;
    growthTimer = wanted ? setTimeout(() => void watchGrowth(), GROWTH_MS) : undefined;
    growthTimer?.unref();
  };
  const welcome = (socket: WebSocket): void => {
    socket.on("error", () => socket.terminate());
    socket.send(JSON.stringify({ kind: "hello", serverId } satisfies LiveMessage));
    scanAfter(0);
    growthAfter();
  };

  server.on("upgrade", (request, socket, head) => {
    const path = (request.url ?? "").split("?")[0];
    const allowed =
      path === "/live" && isOwnHost(request.headers.host, options.host) && isOwnOrigin(request);
    if (!allowed) {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, welcome);
  });

  return {
    close() {
      clearTimeout(scanTimer);
      clearTimeout(growthTimer);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch {
    // Deleted; the next scan says so.
    return undefined;
  }
}
