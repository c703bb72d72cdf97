/** Addresses the bridge listens at and dials: `tcp://HOST:PORT`, `ipc://PATH`, `inproc://NAME`. */
export interface Endpoint {
  readonly transport: "tcp" | "ipc" | "inproc";
  /** As ZeroMQ wants it: `localhost` is written as 127.0.0.1, port 0 as `*`. */
  readonly address: string;
  /** True where only this machine can reach it. */
  readonly local: boolean;
  readonly ipv6: boolean;
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\])$/;

/** @throws {RangeError} for anything else */
export function parseEndpoint(text: string): Endpoint {
  const path = /^(ipc|inproc):\/\/.+$/.exec(text);
  if (path !== null) {
    return { transport: path[1] as "ipc" | "inproc", address: text, local: true, ipv6: false };
  }
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:.%\w]+\]|[^:/[\]]+):(\d{1,5}|\*)$/.exec(text);
  const [, host = "", port = ""] = tcp ?? [];
  if (tcp === null || Number(port) > 65_535) {
    throw new RangeError(
      `Cannot use the endpoint "${text}": it must be tcp://HOST:PORT, ipc://PATH or inproc://NAME`,
    );
  }
  const numeric = host === "localhost" ? "127.0.0.1" : host;
  return {
    transport: "tcp",
    address: `tcp://${numeric}:${Number(port) === 0 ? "*" : port}`,
    local: LOOPBACK.test(numeric),
    ipv6: numeric.startsWith("["),
  };
}

/** @throws {RangeError} if others could reach the endpoint and nothing would keep them out */
export function assertGuarded(endpoint: Endpoint, { curve }: { curve: boolean }): void {
  if (endpoint.local || curve) return;
  throw new RangeError(
    `Cannot listen at ${endpoint.address}: it is reachable from other machines, must have CURVE keys ` +
      "(or listen at 127.0.0.1)",
  );
}
