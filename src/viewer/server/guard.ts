/**
 * What every answer and every request of the viewer's server must have. The page reads files of this
 * computer, so no other page may: no CORS, no framing, and no request under a foreign host name (which is
 * how DNS rebinding reaches a loopback server).
 */
import type { IncomingMessage, ServerResponse } from "node:http";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Everything from the own origin only; WebAssembly for decompression, blobs for decoded images. The player, a
 * worker that sees no page, may also make functions from text: the physics engine's bindings do.
 */
function contentSecurityPolicy(host: string, isPlayer: boolean): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval'${isPlayer ? " 'unsafe-eval'" : ""}`,
    "style-src 'self'",
    "img-src 'self' blob: data:",
    `connect-src 'self' ws://${host}`,
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function setSecurityHeaders(request: IncomingMessage, response: ServerResponse): void {
  const isPlayer = request.url?.split("?")[0] === "/player.js";
  const policy = contentSecurityPolicy(request.headers.host ?? "", isPlayer);
  response.setHeader("Content-Security-Policy", policy);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("X-Frame-Options", "DENY");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
}

/**
 * Whether a request names this server as a person on this computer would.
 * @param boundHost the address the server was told to listen on, allowed besides the loopback names
 */
export function isOwnHost(hostHeader: string | undefined, boundHost: string): boolean {
  if (hostHeader === undefined) return false;
  const name = hostHeader.replace(/:\d+$/, "").toLowerCase();
  return (
    LOOPBACK_NAMES.has(name) ||
    name === boundHost.toLowerCase() ||
    name === `[${boundHost.toLowerCase()}]`
  );
}

/** Whether a WebSocket comes from our own page; browsers do not keep foreign pages from opening one. */
export function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  // Programs other than browsers send no origin; they could read the files anyway.
  return origin === undefined || origin === `http://${host}`;
}
