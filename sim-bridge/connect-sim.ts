import { BridgeTimeoutError } from "../src/core/index.ts";
import type { HubOptions } from "./hub-options.ts";
import { createHub } from "./hub.ts";
import type { RemoteEnvironment } from "./remote-environment.ts";

export interface ConnectSimOptions extends Omit<HubOptions, "endpoint"> {
  /** How long to wait for a simulator to dial in. @default 30 000 */
  readonly timeoutMs?: number;
  /** Called with the real endpoint once simulators can dial in: the moment to start one. */
  readonly onListening?: (endpoint: string) => void;
  /** Called after the environment was closed, or if no simulator came. */
  readonly onClose?: () => Promise<void> | void;
}

/**
 * Listens at `endpoint` and takes the first simulator that dials in. Closing the environment (or
 * `await using`) closes the connection too.
 *
 * @throws {BridgeTimeoutError} if none dials in within `timeoutMs`
 * @throws {RangeError} for an endpoint that is none, or open to others without CURVE keys
 */
export async function connectSim(
  endpoint: string,
  options: ConnectSimOptions = {},
): Promise<RemoteEnvironment> {
  const { timeoutMs = 30_000, onListening, onClose, ...hubOptions } = options;
  const hub = await createHub({ ...hubOptions, endpoint });
  const close = async (): Promise<void> => {
    await hub.close();
    await onClose?.();
  };
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    const peer = `a simulator at ${hub.endpoint}`;
    timeout.abort(new BridgeTimeoutError("connect to a simulator", { peer, timeoutMs }));
  }, timeoutMs);
  try {
    onListening?.(hub.endpoint);
    const environment = await hub.nextSimulator(timeout.signal);
    environment.closeWith(close);
    return environment;
  } catch (error) {
    await close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
