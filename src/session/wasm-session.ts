/**
 * Sessions on the engine's WebAssembly, in the caller's thread: how graphs run in a browser's worker. The engine is
 * given by whoever loads it, so that nothing of it is fetched before a graph is to run.
 */
import type { Dtype, NdArray } from "../core/index.ts";
import { messageOf } from "../core/index.ts";
import type { Engine, EngineSession, EngineTensor } from "./engine-api.ts";
import { engineTensor } from "./engine-api.ts";
import type { Feeds, SessionPort } from "./ports.ts";
import { assertFeeds, assertFetches, portsOf } from "./ports.ts";
import type { ExternalData } from "./protocol.ts";
import type { RunOptions, RunResult, Session } from "./session.ts";

export interface WasmSessionOptions {
  /** Files that the model names, by the location it gives them. */
  readonly externalData?: readonly ExternalData[];
}

/**
 * Opens a model on one thread. More than one needs shared memory, which browsers give to isolated pages only.
 * @param model serialised ModelProto
 * @throws {Error} with the engine's reason if it refuses the model
 */
export async function openWasmSession(
  engine: Engine,
  model: Uint8Array,
  { externalData }: WasmSessionOptions = {},
): Promise<Session> {
  const started = performance.now();
  let native: EngineSession;
  try {
    native = await engine.InferenceSession.create(model, {
      executionProviders: ["wasm"],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      enableCpuMemArena: true,
      ...(externalData === undefined ? {} : { externalData }),
    });
  } catch (error) {
    throw new Error(`Cannot open session: ${messageOf(error)}`, { cause: error });
  }
  return new WasmSession(engine, native, performance.now() - started);
}

class WasmSession implements Session {
  readonly inputs: readonly SessionPort[];
  readonly outputs: readonly SessionPort[];
  readonly device = "cpu";
  readonly denormalsAsZero = false;
  readonly openMs: number;
  readonly #engine: Engine;
  readonly #native: EngineSession;
  /** The engine takes one run at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, native: EngineSession, openMs: number) {
    this.#engine = engine;
    this.#native = native;
    this.openMs = openMs;
    this.inputs = portsOf(native.inputNames, native.inputMetadata);
    this.outputs = portsOf(native.outputNames, native.outputMetadata);
  }

  /** Buffers are never taken away: `transfer` would save nothing where there is no other thread. */
  async run(feeds: Feeds, { outputs }: RunOptions = {}): Promise<RunResult> {
    if (this.#closing !== undefined) {
      throw new Error("Cannot run: the session is closed, must be open");
    }
    assertFeeds(feeds, this.inputs);
    assertFetches(outputs, this.outputs);
    const asked = performance.now();
    const wanted = outputs ?? this.outputs.map(({ name }) => name);
    const turn = this.#last.then(() => this.#run(feeds, wanted));
    this.#last = turn.catch(() => undefined);
    const result = await turn;
    return { ...result, totalMs: performance.now() - asked };
  }

  close(): Promise<void> {
    this.#closing ??= this.#last.then(() => this.#native.release());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(feeds: Feeds, wanted: readonly string[]): Promise<Omit<RunResult, "totalMs">> {
    const tensors: Record<string, EngineTensor> = {};
    for (const [name, array] of Object.entries(feeds)) {
      tensors[name] = engineTensor(this.#engine, array);
    }
    const fetches = Object.fromEntries(wanted.map((name) => [name, null]));
    const started = performance.now();
    let results: Readonly<Record<string, EngineTensor>>;
    try {
      results = await this.#native.run(tensors, fetches);
    } catch (error) {
      throw new Error(`Cannot run: ${messageOf(error)}`, { cause: error });
    }
    const runMs = performance.now() - started;
    const arrays = Object.entries(results).map(([name, tensor]) => [name, arrayOf(tensor)]);
    return { outputs: Object.fromEntries(arrays) as Record<string, NdArray>, runMs };
  }
}

/** The engine's outputs are copies of its memory already. */
function arrayOf({ type, dims, data }: EngineTensor): NdArray {
  return { dtype: type as Dtype, shape: dims, data };
}
