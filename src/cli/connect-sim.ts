import { connectSim as awaitSimulator } from "../../sim-bridge/index.ts";
import type { RemoteEnvironment } from "../../sim-bridge/index.ts";
import { SIMULATORS } from "./registry.ts";
import { superviseSimulators } from "./supervise.ts";

export interface ConnectSimOptions {
  /** How long to wait for a simulator to dial in. @default 30 000 */
  readonly timeoutMs?: number;
}

/**
 * A simulator to step, by name or by address.
 *
 * - `"tabletop"`: starts that simulator as a process of its own, which dials in over ZeroMQ.
 * - `"tcp://127.0.0.1:5555"` (or ipc): listens there and takes the first simulator that dials in, for
 *   instance `python -m efference_sim gymnasium CartPole-v1 --connect tcp://127.0.0.1:5555`.
 *
 * Close it (or use `await using`): that ends the connection, and the process if one was started.
 *
 * @throws {BridgeTimeoutError} if no simulator came within `timeoutMs`
 * @throws {RangeError} for a name that is neither known nor an address
 */
export async function connectSim(
  where: string,
  options: ConnectSimOptions = {},
): Promise<RemoteEnvironment> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  if (where.includes("://")) return awaitSimulator(where, { timeoutMs });
  if (!SIMULATORS.some(({ name }) => name === where)) {
    const names = SIMULATORS.map(({ name }) => `"${name}"`).join(", ");
    throw new RangeError(
      `Cannot connect to "${where}": it is neither an address nor a known simulator (${names})`,
    );
  }
  return startedSimulator(where, timeoutMs);
}

async function startedSimulator(simulator: string, timeoutMs: number): Promise<RemoteEnvironment> {
  let supervisor: { close(): Promise<void> } | undefined;
  return awaitSimulator("tcp://127.0.0.1:*", {
    timeoutMs,
    onListening: (endpoint: string) => {
      supervisor = superviseSimulators({ simulator, endpoint, workers: 1 });
    },
    onClose: () => supervisor?.close(),
  });
}
