import type { Device } from "./devices.ts";
import { deviceAdvice, missingForDevice, providerOf } from "./devices.ts";
import type { EngineOptions, ExtraOptions } from "./protocol.ts";

/** What sessions of both kinds can be told. */
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
  /**
   * Counts denormal numbers as 0, which makes softmax with masks and whatever follows it faster; default
   * false. The engine sets the processor's mode for the calling thread only when it opens the **first
   * session of the process**, and then for everything that thread does, JavaScript included. A thread is
   * born with the mode of the thread that starts it. So open such a session first, in the thread that
   * will run it. Where it comes too late nothing is changed, in no thread of the session, and its
   * `denormalsAsZero` is false.
   */
  readonly denormalsAsZero?: boolean;
  /**
   * Whether the engine's threads wait for work by turning in circles; default true. False costs some
   * speed and is kinder where several processes share the cores.
   */
  readonly allowSpinning?: boolean;
  /**
   * Whether the engine lays out one block for all inner values, from what it saw in the first run; default
   * true. It keeps what it used before beside it, so that graphs with many values, as of training, take up
   * to twice the memory and are no faster for it.
   */
  readonly planMemory?: boolean;
  /** Files a model given as bytes keeps tensors in, by their location in the model. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
  /** The engine measures every node and writes `PREFIX_<date>.json` (Chrome's trace format) on close. */
  readonly profilePrefix?: string;
}

/**
 * The engine's words for our options.
 * @throws {RangeError} for an unknown device or a thread count below 1
 */
export function engineOptions(options: SessionOptions): EngineOptions {
  const { device = "cpu", deviceIndex = 0, threads = 1, optimization = "all" } = options;
  const name = providerOf(device);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(
      `Cannot open session: threads is ${threads}, must be an integer of 1 or more`,
    );
  }
  const files = Object.entries(options.externalData ?? {}).map(([path, data]) => ({ path, data }));
  const extra = extraOptions(options);
  const { profilePrefix, planMemory = true } = options;
  return {
    executionProviders: device === "cuda" ? [{ name, deviceId: deviceIndex }] : [name],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimization,
    enableCpuMemArena: true,
    ...(planMemory ? {} : { enableMemPattern: false }),
    ...(files.length === 0 ? {} : { externalData: files }),
    ...(profilePrefix === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    ...(extra === undefined ? {} : { extra }),
  };
}

function extraOptions(options: SessionOptions): ExtraOptions | undefined {
  const { denormalsAsZero = false, allowSpinning = true } = options;
  if (!denormalsAsZero && allowSpinning) return undefined;
  return {
    session: {
      ...(denormalsAsZero ? { set_denormal_as_zero: "1" } : {}),
      ...(allowSpinning ? {} : { intra_op: { allow_spinning: "0" } }),
    },
  };
}

/** The device that `engineOptions` was asked for. */
export function deviceOf({ executionProviders: [provider] }: EngineOptions): Device {
  return (typeof provider === "string" ? provider : provider?.name) as Device;
}

/** @throws {Error} with what to do, if it can be seen without trying that the device is missing */
export function assertDevice(device: Device): void {
  const missing = missingForDevice(device);
  if (missing !== undefined) {
    throw new Error(`Cannot open session on ${device}: ${missing}, ${deviceAdvice(device)}`);
  }
}
