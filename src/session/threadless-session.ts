import type { NdArray } from "../core/index.ts";
import { elementCount, messageOf } from "../core/index.ts";
import { allocate } from "../onnx/index.ts";
import { flushesDenormals } from "./denormals.ts";
import type { DeviceTensor } from "./device-tensor.ts";
import { engineTensorOf, isDeviceTensor, keep } from "./device-tensor.ts";
import type { Device } from "./devices.ts";
import { Downloader } from "./downloader.ts";
import type { EngineSession, EngineTensor } from "./engine-api.ts";
import { engineTensor } from "./engine-api.ts";
import { loadEngine } from "./engine.ts";
import { saysFilled, UNRETURNABLE } from "./fill-only.ts";
import type { LocalResult, LocalRunOptions, LocalSession } from "./local-session.ts";
import type { SessionPort } from "./ports.ts";
import {
  assertBuffer,
  assertFeedTypes,
  assertFetches,
  assertValues,
  portWords,
  portsOf,
} from "./ports.ts";

export interface Opened {
  readonly device: Device;
  readonly deviceOutputs: readonly string[];
  readonly fillOnly: boolean;
  readonly profiling: boolean;
  readonly openMs: number;
}

/** A native session with checks around it, in the caller's thread. */
export class ThreadlessSession implements LocalSession {
  readonly inputs: readonly SessionPort[];
  readonly outputs: readonly SessionPort[];
  readonly device: Device;
  readonly denormalsAsZero: boolean;
  readonly openMs: number;
  readonly #native: EngineSession;
  readonly #deviceOutputs: ReadonlySet<string>;
  readonly #fillOnly: boolean;
  readonly #profiling: boolean;
  readonly #downloader: Downloader;
  readonly #pending = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(native: EngineSession, opened: Opened) {
    this.#native = native;
    this.inputs = portsOf(native.inputNames, native.inputMetadata);
    this.outputs = portsOf(native.outputNames, native.outputMetadata, UNRETURNABLE);
    this.#fillOnly = opened.fillOnly;
    this.device = opened.device;
    this.denormalsAsZero = flushesDenormals();
    this.openMs = opened.openMs;
    this.#deviceOutputs = new Set(opened.deviceOutputs);
    this.#profiling = opened.profiling;
    this.#downloader = new Downloader(opened.device);
    for (const name of opened.deviceOutputs) {
      if (native.outputNames.includes(name)) continue;
      const known = native.outputNames.map((output) => `"${output}"`).join(", ");
      throw new RangeError(
        `Cannot open session: deviceOutputs has "${name}", must be some of ${known}`,
      );
    }
  }

  async run(
    feeds: Readonly<Record<string, NdArray | DeviceTensor>>,
    options: LocalRunOptions = {},
  ): Promise<LocalResult> {
    this.#assertOpen();
    this.#assertOptions(options);
    assertFeedTypes(feeds, this.inputs);
    const engine = loadEngine();
    const tensors: Record<string, EngineTensor> = {};
    for (const [name, feed] of Object.entries(feeds)) {
      if (isDeviceTensor(feed)) tensors[name] = engineTensorOf(feed, this.device);
      else {
        assertValues(feed, `input "${name}"`);
        assertPrivateMemory(feed, `input "${name}"`);
        tensors[name] = engineTensor(engine, feed);
      }
    }
    return this.#track(this.#run(tensors, options));
  }

  download(tensor: DeviceTensor): Promise<NdArray> {
    this.#assertOpen();
    return this.#track(this.#downloader.download(engineTensorOf(tensor, this.device)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(
    feeds: Readonly<Record<string, EngineTensor>>,
    options: LocalRunOptions,
  ): Promise<LocalResult> {
    const { into = {}, keepOnDevice = [] } = options;
    const wanted = options.outputs ?? this.outputs.map(({ name }) => name);
    if (this.#fillOnly) return this.#fill(feeds, this.#buffers(wanted, into));
    const started = performance.now();
    const results = await this.#call(feeds, this.#fetches(wanted, into));
    const runMs = performance.now() - started;
    const outputs: Record<string, NdArray | DeviceTensor> = {};
    for (const [name, tensor] of Object.entries(results)) {
      if (!wanted.includes(name)) tensor.dispose();
      else if (keepOnDevice.includes(name)) outputs[name] = keep(tensor, this.device);
      else outputs[name] = await this.#toHost(tensor, into[name]);
    }
    return { outputs, runMs };
  }

  async #fill(
    feeds: Readonly<Record<string, EngineTensor>>,
    outputs: Readonly<Record<string, NdArray>>,
  ): Promise<LocalResult> {
    const engine = loadEngine();
    const fetches: Record<string, EngineTensor | null> = { [UNRETURNABLE]: null };
    for (const [name, buffer] of Object.entries(outputs)) {
      fetches[name] = engineTensor(engine, buffer);
    }
    const started = performance.now();
    try {
      await this.#native.run(feeds, fetches);
    } catch (error) {
      if (!saysFilled(error)) {
        throw new Error(`Cannot run: ${messageOf(error)}`, { cause: error });
      }
    }
    return { outputs, runMs: performance.now() - started };
  }

  /** Where the outputs go: buffers of the caller's, new ones for the rest. */
  #buffers(
    wanted: readonly string[],
    into: Readonly<Record<string, NdArray>>,
  ): Record<string, NdArray> {
    const missing = this.outputs.filter(({ name }) => wanted.includes(name) && !(name in into));
    const fresh = missing.map((port) => [port.name, arrayFor(port)] as const);
    return { ...into, ...Object.fromEntries(fresh) };
  }

  async #call(
    feeds: Readonly<Record<string, EngineTensor>>,
    fetches: Readonly<Record<string, EngineTensor | null>>,
  ): Promise<Readonly<Record<string, EngineTensor>>> {
    try {
      return await this.#native.run(feeds, fetches);
    } catch (error) {
      throw new Error(`Cannot run: ${messageOf(error)}`, { cause: error });
    }
  }

  /** With outputs on the device the engine wants all of them fetched, and fills no buffers. */
  #fetches(
    wanted: readonly string[],
    into: Readonly<Record<string, NdArray>>,
  ): Record<string, EngineTensor | null> {
    const engine = loadEngine();
    const fetches: Record<string, EngineTensor | null> = {};
    const names = this.#bindsOutputs ? this.#native.outputNames : wanted;
    for (const name of names) {
      const buffer = this.#bindsOutputs ? undefined : into[name];
      fetches[name] = buffer === undefined ? null : engineTensor(engine, buffer);
    }
    return fetches;
  }

  get #bindsOutputs(): boolean {
    return this.device === "webgpu" && this.#deviceOutputs.size > 0;
  }

  async #toHost(tensor: EngineTensor, buffer: NdArray | undefined): Promise<NdArray> {
    // The engine has filled the buffer itself; what it returned beside it is a second copy.
    if (buffer !== undefined && !this.#bindsOutputs) return buffer;
    const array = await this.#downloader.download(tensor);
    if (tensor.location !== "cpu") tensor.dispose();
    if (buffer === undefined) return array;
    if (array.shape.join() !== buffer.shape.join()) {
      throw new TypeError(
        `Cannot run: an output is [${array.shape.join(", ")}], its buffer is [${buffer.shape.join(", ")}], must be equal`,
      );
    }
    // One dtype, checked before the run; the union of array types hides that.
    (buffer.data as Float32Array).set(array.data as Float32Array);
    return buffer;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined)
      throw new Error("Cannot run: the session is closed, must be open");
  }

  #assertOptions({ outputs, into = {}, keepOnDevice = [] }: LocalRunOptions): void {
    assertFetches(outputs, this.outputs);
    for (const [name, buffer] of Object.entries(into)) {
      assertFetches([name], this.outputs);
      const port = this.outputs.find((output) => output.name === name);
      if (port !== undefined) assertBuffer(buffer, port);
      assertPrivateMemory(buffer, `the buffer for output "${name}"`);
      if (outputs?.includes(name) === false || keepOnDevice.includes(name)) {
        throw new TypeError(
          `Cannot run: output "${name}" has a buffer, must be wanted and not kept on the device`,
        );
      }
    }
    for (const name of keepOnDevice) {
      if (!this.#deviceOutputs.has(name)) {
        throw new RangeError(
          `Cannot run: keepOnDevice has "${name}", must be some of the session's deviceOutputs ` +
            `(${[...this.#deviceOutputs].join(", ") || "none"})`,
        );
      }
      if (outputs?.includes(name) === false) {
        throw new TypeError(`Cannot run: keepOnDevice has "${name}", must be among the outputs`);
      }
    }
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    try {
      return await work;
    } finally {
      this.#pending.delete(work);
    }
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#pending]);
    if (this.#profiling) this.#native.endProfiling();
    await this.#downloader.close();
    await this.#native.release();
  }
}

/** @throws {TypeError} if the graph leaves a dimension open */
function arrayFor({ name, dtype, shape }: SessionPort): NdArray {
  const sizes = shape.filter((dim) => typeof dim === "number");
  if (sizes.length < shape.length) {
    throw new TypeError(
      `Cannot run: output "${name}" is ${portWords({ name, dtype, shape })} and has no buffer, ` +
        "must have one or a fixed shape (fillOnly)",
    );
  }
  return { dtype, shape: sizes, data: allocate(dtype, elementCount(sizes)) };
}

function assertPrivateMemory({ data }: NdArray, what: string): void {
  if (data.buffer instanceof ArrayBuffer) return;
  throw new TypeError(
    `Cannot run: ${what} lies in shared memory, must not (the engine refuses SharedArrayBuffer)`,
  );
}
