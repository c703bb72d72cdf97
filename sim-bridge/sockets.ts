import type { Observer } from "zeromq";
import { Context, Dealer, Router } from "zeromq";
import { messageOf } from "../src/core/index.ts";
import type { CurveClient, CurveServer } from "./curve.ts";
import { decodeKey, guardContext } from "./curve.ts";
import type { Endpoint } from "./endpoint.ts";
import { assertGuarded, parseEndpoint } from "./endpoint.ts";

/** Messages ZeroMQ holds per peer and direction; beyond it the sender is stopped. */
const HIGH_WATER_MARK = 64;
/** How long a closing socket tries to deliver its last words. */
const LINGER_MS = 500;

export interface ListeningSocket {
  readonly router: Router;
  readonly endpoint: Endpoint;
  /** Where it listens really: with the port that was chosen. */
  readonly boundTo: string;
  close(): void;
}

/** Opens the runtime's socket. @throws {RangeError} for an unguarded endpoint, `Error` if it is taken */
export async function listen(
  address: string,
  options: {
    readonly curve: CurveServer | undefined;
    readonly maxFrameBytes: number;
    readonly onRefusedKey: (address: string) => void;
  },
): Promise<ListeningSocket> {
  const { curve } = options;
  const endpoint = parseEndpoint(address);
  assertGuarded(endpoint, { curve: curve !== undefined });
  // Authentication is a matter of a whole context, so a guarded hub has one of its own.
  const context = curve === undefined ? undefined : new Context();
  const guard =
    curve === undefined || context === undefined
      ? undefined
      : await guardContext(context, {
          allowedKeys: curve.allowedClientKeys,
          onRefused: options.onRefusedKey,
        });
  const router = new Router({
    // A peer that is gone is an error, and a peer that does not read never blocks the others.
    mandatory: true,
    sendTimeout: 0,
    // A peer that dials in again under its name takes over from its former connection.
    handover: true,
    linger: LINGER_MS,
    sendHighWaterMark: HIGH_WATER_MARK,
    receiveHighWaterMark: HIGH_WATER_MARK,
    maxMessageSize: options.maxFrameBytes,
    ipv6: endpoint.ipv6,
    ...(context !== undefined && { context }),
    ...(curve !== undefined && {
      curveServer: true,
      curveSecretKey: checkedKey(curve.secretKey),
      zapDomain: "efference",
    }),
  });
  const close = (): void => {
    router.close();
    guard?.close();
  };
  try {
    await router.bind(endpoint.address);
  } catch (cause) {
    close();
    throw new Error(
      `Cannot listen at ${endpoint.address}: ${messageOf(cause)}, must be a free address of this machine`,
      { cause },
    );
  }
  return { router, endpoint, boundTo: router.lastEndpoint ?? endpoint.address, close };
}

/** Opens a dialling socket; ZeroMQ connects, and connects again, in the background. */
export function dial(
  address: string,
  options: { readonly curve: CurveClient | undefined; readonly maxFrameBytes: number },
): { dealer: Dealer; endpoint: Endpoint } {
  const { curve } = options;
  const endpoint = parseEndpoint(address);
  const dealer = new Dealer({
    sendTimeout: 0,
    linger: LINGER_MS,
    sendHighWaterMark: HIGH_WATER_MARK,
    receiveHighWaterMark: HIGH_WATER_MARK,
    maxMessageSize: options.maxFrameBytes,
    reconnectInterval: 100,
    reconnectMaxInterval: 2_000,
    ipv6: endpoint.ipv6,
    ...(curve !== undefined && {
      curveServerKey: checkedKey(curve.serverPublicKey),
      curvePublicKey: checkedKey(curve.publicKey),
      curveSecretKey: checkedKey(curve.secretKey),
    }),
  });
  dealer.connect(endpoint.address);
  return { dealer, endpoint };
}

function checkedKey(key: string): string {
  decodeKey(key);
  return key;
}

/** Calls back on an event of a socket's monitor. */
export function onSocketEvent(
  socket: { readonly events: Observer },
  type: "disconnect" | "handshake:error:auth",
  callback: () => void,
): void {
  socket.events.on(type, callback);
}
