import type { Worker } from "node:worker_threads";
import type { Dtype, NdArray } from "../core/index.ts";
import { messageOf } from "../core/index.ts";
import { primerModel } from "./denormals.ts";
import type { Device } from "./devices.ts";
import { deviceOf } from "./engine-options.ts";
import type { Feeds, SessionPort } from "./ports.ts";
import { assertFeeds, assertFetches, portOf } from "./ports.ts";
import type { EngineOptions, OpenedBody, RunBody, WireTensor } from "./protocol.ts";
import { WorkerLink } from "./worker-link.ts";

export interface RunOptions {
  /** Names of the outputs wanted; default all. */
  readonly outputs?: readonly string[];
  /**
   * Hands the feeds' buffers over instead of copying them once. The caller's arrays are empty (detached)
   * afterwards. Arrays that are views into a larger buffer are copied even so. Default false.
   */
  readonly transfer?: boolean;
}

export interface RunResult {
  readonly outputs: Readonly<Record<string, NdArray>>;
  /** In the engine. */
  readonly runMs: number;
  /** From the call to its answer: queue, thread hop, engine. */
  readonly totalMs: number;
}

/** A graph that is loaded on a device and ready to run. */
export interface Session {
  readonly inputs: readonly SessionPort[];
  readonly outputs: readonly SessionPort[];
  /** The device in use, which is the one asked for. */
  readonly device: Device;
  /** Whether denormal numbers count as 0 in its thread; see `SessionOptions.denormalsAsZero`. */
  readonly denormalsAsZero: boolean;
  readonly openMs: number;
  /**
   * Runs are done in the order they were asked for.
   * @throws {TypeError} if the feeds are not what the graph's inputs declare
   * @throws {RangeError} if `maxQueued` runs are waiting already
   * @throws {SessionLostError} if the worker thread dies
   */
  run(feeds: Feeds, options?: RunOptions): Promise<RunResult>;
  /** Lets pending runs finish, then frees the native session and its thread. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartOptions {
  readonly engine: EngineOptions;
  readonly maxQueued: number;
}

/**
 * Opens a model in a worker thread that speaks `protocol.ts`.
 * @throws {Error} with the engine's reason as `cause` if it cannot
 */
export async function startSession(
  worker: Worker,
  model: Uint8Array | string,
  options: StartOptions,
): Promise<Session> {
  const link = new WorkerLink(worker);
  try {
    const { engine } = options;
    const zero = engine.extra?.session.set_denormal_as_zero !== undefined;
    const primer = zero ? { primer: primerModel() } : {};
    const request = { kind: "open", model, options: engine, ...primer } as const;
    const opened = (await link.request("open session", request)) as OpenedBody;
    return new ThreadSession(link, opened, options);
  } catch (error) {
    await link.terminate();
    throw error;
  }
}

class ThreadSession implements Session {
  readonly inputs: readonly SessionPort[];
  readonly outputs: readonly SessionPort[];
  readonly device: Device;
  readonly denormalsAsZero: boolean;
  readonly openMs: number;
  readonly #link: WorkerLink;
  readonly #maxQueued: number;
  #closing: Promise<void> | undefined;

  constructor(link: WorkerLink, opened: OpenedBody, options: StartOptions) {
    this.#link = link;
    this.#maxQueued = options.maxQueued;
    this.device = deviceOf(options.engine);
    this.denormalsAsZero = opened.denormalsAsZero;
    this.inputs = opened.inputs.map(portOf);
    this.outputs = opened.outputs.map(portOf);
    this.openMs = opened.openMs;
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<RunResult> {
    if (this.#closing !== undefined)
      throw new Error("Cannot run: the session is closed, must be open");
    if (this.#link.pendingCount >= this.#maxQueued) {
      throw new RangeError(
        `Cannot run: ${this.#maxQueued} runs are waiting, must be fewer (maxQueued)`,
      );
    }
    assertFeeds(feeds, this.inputs);
    assertFetches(options.outputs, this.outputs);
    const started = performance.now();
    const transfer: ArrayBuffer[] = [];
    const wire: Record<string, WireTensor> = {};
    for (const [name, array] of Object.entries(feeds)) {
      const data = ownBuffer(array, options.transfer ?? false);
      transfer.push(data.buffer as ArrayBuffer);
      wire[name] = { dtype: array.dtype, shape: array.shape, data };
    }
    const request = { kind: "run", feeds: wire, fetches: options.outputs ?? null } as const;
    const body = (await this.#link.request("run", request, [...new Set(transfer)])) as RunBody;
    const outputs = Object.fromEntries(
      Object.entries(body.outputs).map(([name, tensor]) => [name, arrayOf(tensor)]),
    );
    return { outputs, runMs: body.runMs, totalMs: performance.now() - started };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Runs come before this request in the thread's queue. A thread that is gone has freed everything.
    await this.#link.request("close session", { kind: "close" }).catch(() => undefined);
    await this.#link.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function arrayOf({ dtype, shape, data }: WireTensor): NdArray {
  return { dtype: dtype as Dtype, shape, data };
}

/**
 * A typed array whose buffer is its own and may be sent away. Posting a view would copy the whole
 * buffer behind it (a received message, a pool), and the engine refuses shared memory; `slice` copies
 * exactly the view.
 */
function ownBuffer({ data }: NdArray, giveAway: boolean): NdArray["data"] {
  const whole = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
  if (giveAway && whole) return data;
  // Buffer.prototype.slice makes a view; copying through the constructor never does.
  const Array = Object.getPrototypeOf(data) === Buffer.prototype ? Uint8Array : data.constructor;
  return new (Array as new (from: NdArray["data"]) => NdArray["data"])(data);
}

/** The same error with more words in front, the first one kept as `cause`. */
export function explained(action: string, error: unknown, advice: string): Error {
  const reason = messageOf(error)
    .replace(/^Cannot open session: /, "")
    .trim();
  return new Error(`Cannot ${action}: ${reason}; ${advice}`, { cause: error });
}
