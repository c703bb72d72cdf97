/**
 * The viewer's server: offers the page, the episodes of one folder and word of their growth. It only reads,
 * keeps nothing on disk, and may be killed at any time. Knows no policy, no simulator and no recorder.
 */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import sirv from "sirv";
import { messageOf } from "../../core/index.ts";
import type { EpisodeIndex } from "../protocol.ts";
import { METRICS_NAME, comparePaths } from "../protocol.ts";
import { resolveBelow, resolveEpisode, sendFile } from "./episode-file.ts";
import type { FolderIndex } from "./folder-index.ts";
import { createFolderIndex } from "./folder-index.ts";
import { isOwnHost, setSecurityHeaders } from "./guard.ts";
import { createLiveHub } from "./live.ts";
import type { TrainingIndex } from "./training-index.ts";
import { createTrainingIndex } from "./training-index.ts";

export interface ServeViewerOptions {
  /** Folder with `.mcap` episodes, at any depth; may still be empty or absent. */
  readonly folder: string;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 takes any free port; a taken port is an error. @default 0 */
  readonly port?: number;
  /** Folders with the data of worlds that the page can play, by world: `libero`. */
  readonly worldFolders?: Readonly<Record<string, string>>;
  /** Folders of policy packages that may drive those worlds, by name. */
  readonly policyFolders?: Readonly<Record<string, string>>;
  /** The built page. @default the one that was built with this code */
  readonly appFolder?: string;
}

export interface ViewerServer {
  /** For instance `http://127.0.0.1:4870/`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the viewer's server on the loopback interface.
 * @throws {RangeError} if `folder` is a file, the page is not built, or the port is taken
 */
export async function serveViewer(options: ServeViewerOptions): Promise<ViewerServer> {
  const { host = "127.0.0.1", port = 0, appFolder = builtAppFolder() } = options;
  const folder = resolve(options.folder);
  await assertServable(folder, appFolder);
  const index = createFolderIndex(folder);
  const training = createTrainingIndex(folder);
  const { worldFolders = {}, policyFolders = {} } = options;
  const handle = createHandler({
    ...{ folder, host, appFolder, index, training, worldFolders, policyFolders },
  });
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: messageOf(error) });
    });
  });
  const live = createLiveHub(server, { folder, host, index, training });
  const bound = await listen(server, { host, port });
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${bound}/`,
    close() {
      live.close();
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

function builtAppFolder(): string {
  // dist/src/viewer/server beside dist/viewer when built; src/viewer/server when run from source.
  const places = ["../../../viewer", "../../../dist/viewer"];
  const folders = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return folders.find((folder) => existsSync(join(folder, "index.html"))) ?? folders[0]!;
}

async function assertServable(folder: string, appFolder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) {
    throw new RangeError(`Cannot view ${folder}: it is a file, must be a folder of episodes`);
  }
  if (!existsSync(join(appFolder, "index.html"))) {
    throw new RangeError(
      `Cannot serve the viewer: ${appFolder} has no index.html, must be built with "npm run build"`,
    );
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

function createHandler(context: {
  folder: string;
  host: string;
  appFolder: string;
  index: FolderIndex;
  training: TrainingIndex;
  worldFolders: Readonly<Record<string, string>>;
  policyFolders: Readonly<Record<string, string>>;
}): Handler {
  const { folder, host, index, training, worldFolders, policyFolders } = context;
  const page = sirv(context.appFolder, { gzip: true, etag: true, single: false, dotfiles: false });
  return async (request, response) => {
    if (!isOwnHost(request.headers.host, host)) {
      sendJson(response, 403, { error: "this server answers to its own name only" });
      return;
    }
    setSecurityHeaders(request, response);
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      sendJson(response, 405, { error: "this server only reads" });
      return;
    }
    const path = pathOf(request);
    if (path === "/api/episodes") {
      await index.scan();
      sendJson(response, 200, indexOf(folder, index));
    } else if (path === "/api/results") {
      sendJson(response, 200, await index.results());
    } else if (path === "/api/training") {
      await training.scan();
      sendJson(response, 200, training.runs());
    } else if (path === "/api/worlds") {
      sendJson(response, 200, Object.keys(worldFolders));
    } else if (path === "/api/policies") {
      sendJson(response, 200, Object.keys(policyFolders));
    } else if (path?.startsWith("/worlds/") === true) {
      const file = await resolveNamed(worldFolders, path.slice("/worlds/".length));
      await answerFile(request, response, { file, what: "file of a world" });
    } else if (path?.startsWith("/policies/") === true) {
      const file = await resolveNamed(policyFolders, path.slice("/policies/".length));
      await answerFile(request, response, { file, what: "file of a policy" });
    } else if (path?.startsWith("/training/") === true) {
      const file = await resolveMetrics(folder, training, path.slice("/training/".length));
      await answerFile(request, response, { file, what: "training run" });
    } else if (path?.startsWith("/episodes/") === true) {
      const file = await resolveEpisode(folder, path.slice("/episodes/".length));
      await answerFile(request, response, { file, what: "episode" });
    } else {
      page(request, response, () => sendJson(response, 404, { error: "there is nothing here" }));
    }
  };
}

/** The decoded path; undefined where it is not valid. */
function pathOf(request: IncomingMessage): string | undefined {
  try {
    return decodeURIComponent((request.url ?? "/").split("?")[0]!);
  } catch {
    return undefined;
  }
}

/** `NAME/PATH`, below the folder of that name. */
async function resolveNamed(
  folders: Readonly<Record<string, string>>,
  path: string,
): Promise<string | undefined> {
  const [name = "", ...rest] = path.split("/");
  const folder = Object.hasOwn(folders, name) ? folders[name] : undefined;
  return folder === undefined ? undefined : resolveBelow(folder, rest.join("/"));
}

/** Metrics of known runs only: no other file of theirs is offered. */
async function resolveMetrics(
  folder: string,
  training: TrainingIndex,
  path: string,
): Promise<string | undefined> {
  const known = training
    .runs()
    .some((run) => path === (run.path === "." ? METRICS_NAME : `${run.path}/${METRICS_NAME}`));
  return known ? resolveBelow(folder, path) : undefined;
}

async function answerFile(
  request: IncomingMessage,
  response: ServerResponse,
  { file, what }: { file: string | undefined; what: string },
): Promise<void> {
  if (file === undefined) sendJson(response, 404, { error: `there is no such ${what}` });
  else await sendFile(request, response, file);
}

function indexOf(folder: string, index: FolderIndex): EpisodeIndex {
  const episodes = [...index.entries()].sort((a, b) => comparePaths(a.path, b.path));
  return { folder: basename(folder), episodes };
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
  });
  response.end(text);
}

function listen(server: Server, at: { host: string; port: number }): Promise<number> {
  return new Promise((resolvePort, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      const words = `Cannot serve the viewer: port ${at.port} of ${at.host} is taken, must be free (0 takes any)`;
      reject(taken ? new RangeError(words, { cause: error }) : error);
    });
    server.listen(at.port, at.host, () => resolvePort((server.address() as AddressInfo).port));
  });
}
