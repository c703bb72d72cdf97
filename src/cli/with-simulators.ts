import type { Hub, RemoteEnvironment } from "../../sim-bridge/index.ts";
import type { OpenHubOptions } from "./open-hub.ts";
import { openHub } from "./open-hub.ts";
import { SimulatorPool } from "./pool.ts";
import type { Progress } from "./progress.ts";
import { assertSimulatorReady } from "./registry.ts";
import type { SimSettings } from "./sim-settings.ts";
import { superviseSimulators } from "./supervise.ts";

export interface WithSimulatorsOptions extends Partial<OpenHubOptions> {
  /** Name from the registry, to be started here; empty = whoever dials in. */
  readonly simulator: string;
  readonly settings?: SimSettings;
  readonly workers: number;
  readonly progress: Progress;
  readonly onListening?: (endpoint: string) => void;
}

/** Opens the hub, starts the workers where asked to, and closes both whatever happens. */
export async function withSimulators<T>(
  options: WithSimulatorsOptions,
  work: (pool: SimulatorPool<RemoteEnvironment>, hub: Hub) => Promise<T>,
): Promise<T> {
  const { simulator, settings = {}, workers, progress, onListening, ...hubOptions } = options;
  if (simulator !== "") await assertSimulatorReady(simulator, settings);
  const stepTimeoutS = hubOptions.stepTimeoutS ?? 30;
  const endpoint = hubOptions.endpoint ?? "tcp://127.0.0.1:*";
  const hub = await openHub({ ...hubOptions, endpoint, stepTimeoutS });
  onListening?.(hub.endpoint);
  const pool = new SimulatorPool(hub);
  const supervisor =
    simulator === ""
      ? undefined
      : superviseSimulators({
          simulator,
          settings,
          workers,
          endpoint: hub.endpoint,
          silenceS: stepTimeoutS,
          onExit: (reason) => progress.line(reason),
          // Where others may dial in, they are waited for.
          ...(hubOptions.endpoint === undefined
            ? { onGivenUp: (error: Error): void => pool.fail(error) }
            : {}),
        });
  try {
    return await work(pool, hub);
  } finally {
    pool.close();
    await hub.close();
    await supervisor?.close();
  }
}
