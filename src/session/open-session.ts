import { Worker } from "node:worker_threads";
import { deviceAdvice } from "./devices.ts";
import type { SessionOptions } from "./engine-options.ts";
import { assertDevice, engineOptions } from "./engine-options.ts";
import { engineMain } from "./engine.ts";
import type { Session } from "./session.ts";
import { explained, startSession } from "./session.ts";

export interface ThreadSessionOptions extends SessionOptions {
  /** Runs that may wait before `run` refuses; default 256. */
  readonly maxQueued?: number;
}

/**
 * A thread for one session. `worker.mjs` stands beside this file in the source tree and in `dist/` alike.
 * @throws {Error} if the engine is not installed
 */
export function createWorker(): Worker {
  // Fails here with advice rather than in the thread with a stack.
  const engine = engineMain();
  return new Worker(new URL("./worker.mjs", import.meta.url), {
    name: "efference-session",
    workerData: { engine },
  });
}

/**
 * Loads an ONNX model in a thread of its own, so that the main thread never waits for a run.
 * A path is needed for models with external data, which the engine reads beside the model: check such
 * a model with `readModel` first (it refuses locations outside the folder).
 * @param model serialised ModelProto, or the path of a file
 * @throws {RangeError} for an unknown device or a thread count below 1
 * @throws {Error} with what to do if the device is missing, or the engine's reason if it refuses the model
 */
export async function openSession(
  model: Uint8Array | string,
  options: ThreadSessionOptions = {},
): Promise<Session> {
  const { device = "cpu", maxQueued = 256 } = options;
  const engine = engineOptions(options);
  assertDevice(device);
  try {
    return await startSession(createWorker(), model, { engine, maxQueued });
  } catch (error) {
    if (device === "cpu") throw error;
    throw explained(`open session on ${device}`, error, deviceAdvice(device));
  }
}
