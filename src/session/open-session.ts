import { Worker } from "node:worker_threads";
import type { Device } from "./devices.ts";
import { deviceAdvice, missingForDevice, providerOf } from "./devices.ts";
import { engineMain } from "./engine.ts";
import type { EngineOptions } from "./protocol.ts";
import type { Session } from "./session.ts";
import { explained, startSession } from "./session.ts";

export interface SessionOptions {
  /** Default `cpu`. Never changed silently: a device that is missing is an error. */
  readonly device?: Device;
  /** Which one of several cards; default 0. */
  readonly deviceIndex?: number;
  /**
   * Threads of one run; default 1, which gives bit-identical results on every run. More threads
   * make large graphs faster, and `ScatterND(reduction=add)` wrong (a data race in onnxruntime 1.30).
   */
  readonly threads?: number;
  /** Graph rewriting by the engine; default `all`. Exact float64 work needs `basic` or less. */
  readonly optimization?: EngineOptions["graphOptimizationLevel"];
  /** Files a model given as bytes keeps tensors in, by their location in the model. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
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
  options: SessionOptions = {},
): Promise<Session> {
  const { device = "cpu", maxQueued = 256 } = options;
  const engine = engineOptions(options);
  const missing = missingForDevice(device);
  if (missing !== undefined) {
    throw new Error(`Cannot open session on ${device}: ${missing}, ${deviceAdvice(device)}`);
  }
  try {
    return await startSession(createWorker(), model, { engine, maxQueued });
  } catch (error) {
    if (device === "cpu") throw error;
    throw explained(`open session on ${device}`, error, deviceAdvice(device));
  }
}

function engineOptions(options: SessionOptions): EngineOptions {
  const { device = "cpu", deviceIndex = 0, threads = 1, optimization = "all" } = options;
  const name = providerOf(device);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(
      `Cannot open session: threads is ${threads}, must be an integer of 1 or more`,
    );
  }
  const files = Object.entries(options.externalData ?? {}).map(([path, data]) => ({ path, data }));
  return {
    executionProviders: device === "cuda" ? [{ name, deviceId: deviceIndex }] : [name],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimization,
    enableCpuMemArena: true,
    ...(files.length === 0 ? {} : { externalData: files }),
  };
}
