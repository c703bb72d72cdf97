import type { Dtype, NdArray } from "../core/index.ts";
import { messageOf } from "../core/index.ts";
import { agreedOptions } from "./denormals.ts";
import type { DeviceTensor } from "./device-tensor.ts";
import { isDeviceTensor } from "./device-tensor.ts";
import type { Device } from "./devices.ts";
import { deviceAdvice } from "./devices.ts";
import type { SessionOptions } from "./engine-options.ts";
import { assertDevice, engineOptions } from "./engine-options.ts";
import type { EngineSession } from "./engine-api.ts";
import { loadEngine } from "./engine.ts";
import { fillOnlyModel } from "./fill-only.ts";
import type { SessionPort } from "./ports.ts";
import type { EngineOptions } from "./protocol.ts";
import { explained } from "./session.ts";
import { ThreadlessSession } from "./threadless-session.ts";

export interface LocalSessionOptions extends SessionOptions {
  /**
   * Outputs that runs may keep on the device (`keepOnDevice`): the engine wants to know at opening. On
   * `webgpu` they are then made in the card's memory in every run, and a run that does not keep one
   * pays for its way back. On `cpu` the device's memory is the host's. On `cuda` this is an error: the
   * engine has no device tensors for it in Node.
   */
  readonly deviceOutputs?: readonly string[];
  /**
   * Every wanted output is written straight into its buffer (`into`), or into a new array where there is none, and
   * nothing is copied afterwards, as the engine's binding does with all outputs otherwise; default false. For
   * models given as bytes, on `cpu`. Outputs without a buffer must have a shape without names.
   */
  readonly fillOnly?: boolean;
}

export interface LocalRunOptions {
  /** Names of the outputs wanted; default all. */
  readonly outputs?: readonly string[];
  /**
   * Arrays to be filled instead of new ones. `outputs` of the result then holds these very arrays. One
   * may be a feed of the same run only if the graph is done reading that feed when it writes the output.
   */
  readonly into?: Readonly<Record<string, NdArray>>;
  /** Outputs, out of `deviceOutputs`, that come as device tensors. */
  readonly keepOnDevice?: readonly string[];
}

export interface LocalResult {
  readonly outputs: Readonly<Record<string, NdArray | DeviceTensor>>;
  /** In the engine. */
  readonly runMs: number;
}

/** A graph that runs in the caller's thread and blocks it meanwhile: for threads that do nothing else. */
export interface LocalSession {
  readonly inputs: readonly SessionPort[];
  readonly outputs: readonly SessionPort[];
  /** The device in use, which is the one asked for. */
  readonly device: Device;
  /** Whether this thread counts denormal numbers as 0; see `SessionOptions.denormalsAsZero`. */
  readonly denormalsAsZero: boolean;
  readonly openMs: number;
  /**
   * Feeds are used where they are, without a copy: arrays, views into larger buffers and into a
   * `WebAssembly.Memory`. The caller leaves them alone until the run is done.
   * @throws {TypeError} if feeds or buffers are not what the graph declares, or lie in shared memory, or if an
   *   output of a `fillOnly` session has neither a buffer nor a fixed shape
   * @throws {RangeError} if `keepOnDevice` names an output that is not among `deviceOutputs`
   */
  run(
    feeds: Readonly<Record<string, NdArray | DeviceTensor>>,
    options?: LocalRunOptions,
  ): Promise<LocalResult>;
  /** The numbers of a device tensor, which stays as it is. @throws {TypeError} if it is disposed or elsewhere */
  download(tensor: DeviceTensor): Promise<NdArray>;
  /** Lets pending runs finish, then frees the native session. Device tensors live on. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Loads an ONNX model in the caller's own thread, like `openSession` without its thread, copies and
 * queue. A run blocks the event loop, so this is for worker threads (training) and for scripts.
 * @param model serialised ModelProto, or the path of a file
 * @throws {RangeError} for an unknown device, a thread count below 1, unknown `deviceOutputs`, or `fillOnly` on
 *   another device than `cpu`
 * @throws {TypeError} for a file with `fillOnly`
 * @throws {Error} with what to do if the device is missing, or the engine's reason if it refuses the model
 */
export async function openLocalSession(
  model: Uint8Array | string,
  options: LocalSessionOptions = {},
): Promise<LocalSession> {
  const { device = "cpu", deviceOutputs = [], fillOnly = false } = options;
  const plain = engineOptions(options);
  if (device === "cuda" && deviceOutputs.length > 0) {
    throw new RangeError(
      "Cannot open session: deviceOutputs is given on cuda, must be empty there " +
        "(the engine keeps no tensors on CUDA devices in Node; several steps in one run do: loopSteps)",
    );
  }
  if (fillOnly && device !== "cpu") {
    throw new RangeError(`Cannot open session: fillOnly is set on ${device}, must be on cpu alone`);
  }
  assertDevice(device);
  const started = performance.now();
  const opened = fillOnly ? fillOnlyModel(model) : model;
  const native = await create(opened, placed(plain, device, deviceOutputs), device);
  try {
    return new ThreadlessSession(native, {
      device,
      deviceOutputs,
      fillOnly,
      profiling: options.profilePrefix !== undefined,
      openMs: performance.now() - started,
    });
  } catch (error) {
    await native.release();
    throw error;
  }
}

async function create(
  model: Uint8Array | string,
  options: EngineOptions,
  device: Device,
): Promise<EngineSession> {
  const engine = loadEngine();
  try {
    return await engine.InferenceSession.create(model, await agreedOptions(engine, options));
  } catch (error) {
    if (device !== "cpu") throw explained(`open session on ${device}`, error, deviceAdvice(device));
    throw new Error(`Cannot open session: ${messageOf(error)}`, { cause: error });
  }
}

/** Only WebGPU has a memory of its own that the engine lets tensors stay in. */
function placed(
  options: EngineOptions,
  device: Device,
  deviceOutputs: readonly string[],
): EngineOptions {
  if (device !== "webgpu" || deviceOutputs.length === 0) return options;
  const places = deviceOutputs.map((name) => [name, "gpu-buffer"] as const);
  return { ...options, preferredOutputLocation: Object.fromEntries(places) };
}

/**
 * An output that must be an array on the host, by name.
 * @throws {TypeError} if there is none of that name, if it is on a device or of another dtype
 */
export function hostArray(outputs: LocalResult["outputs"], name: string, dtype?: Dtype): NdArray {
  const output = outputs[name];
  if (output === undefined) {
    const known = Object.keys(outputs).map((key) => `"${key}"`);
    throw new TypeError(
      `Cannot take output "${name}": it is absent, must be one of ${known.join(", ")}`,
    );
  }
  if (isDeviceTensor(output)) {
    throw new TypeError(
      `Cannot take output "${name}": it is on ${output.device}, must be downloaded`,
    );
  }
  const array = output;
  if (dtype !== undefined && array.dtype !== dtype) {
    throw new TypeError(`Cannot take output "${name}": it is ${array.dtype}, must be ${dtype}`);
  }
  return array;
}
