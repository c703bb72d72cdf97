/** The bytes of a file below the served folder, whole or by range, while it may still be growing. */
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, sep } from "node:path";
import { pipeline } from "node:stream";

/**
 * The file behind a path below the folder.
 * @returns undefined unless it is an `.mcap` file that lies below the folder, links followed
 */
export async function resolveEpisode(folder: string, path: string): Promise<string | undefined> {
  return path.endsWith(".mcap") ? resolveBelow(folder, path) : undefined;
}

/** @returns undefined unless it is a file that lies below the folder, links followed */
export async function resolveBelow(folder: string, path: string): Promise<string | undefined> {
  if (path.includes("\0") || path.includes("\\")) return undefined;
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, path));
    return file.startsWith(root + sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    // Absent, deleted since it was listed, or not ours to read.
    return undefined;
  }
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive, as HTTP has it. */
  readonly end: number;
}

/**
 * Reads a `Range` header of one range (RFC 9110, section 14).
 * @returns undefined for none or one we need not honour (several ranges, other units): send everything;
 * `"unsatisfiable"` where it starts beyond the end
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, first, last] = match as unknown as [string, string, string];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(size, Number(last));
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(size - 1, Number(last));
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}

export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
): Promise<void> {
  const { size } = await stat(file);
  response.setHeader("Content-Type", "application/octet-stream");
  response.setHeader("Accept-Ranges", "bytes");
  // A growing file has other bytes at the same address a moment later.
  response.setHeader("Cache-Control", "no-store");
  const range = parseRange(request.headers.range, size);
  if (range === "unsatisfiable") {
    response.writeHead(416, { "Content-Range": `bytes */${size}` }).end();
    return;
  }
  if (range === undefined) {
    response.writeHead(200, { "Content-Length": size });
  } else {
    const { start, end } = range;
    response.writeHead(206, {
      "Content-Length": end - start + 1,
      "Content-Range": `bytes ${start}-${end}/${size}`,
    });
  }
  if (request.method === "HEAD" || size === 0) {
    response.end();
    return;
  }
  const bytes = createReadStream(file, range ?? { start: 0, end: size - 1 });
  // The file may vanish or the page may leave half-way: either ends this answer and nothing else.
  pipeline(bytes, response, () => undefined);
}
