import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Decision, NdArray, Observation, Policy, PolicySpec, Rng } from "../core/index.ts";
import { actionDim, elementCount, seeded } from "../core/index.ts";
import { assertModel, externalFiles, readModel } from "../onnx/index.ts";
import type { Device, Session } from "../session/index.ts";
import { openSession } from "../session/index.ts";
import type { InputDtype } from "./bind-observation.ts";
import { assertBindings, bindObservation } from "./bind-observation.ts";
import type { Normalization } from "./components.ts";
import { assertRunner, readNormalization } from "./components.ts";
import type { InputBinding, Manifest } from "./manifest.ts";
import { specOf } from "./manifest.ts";
import { resolveInside } from "./paths.ts";
import { readPolicyPackage } from "./read-package.ts";
import type { PolicyPackage } from "./read-package.ts";
import { denormalise, normalise } from "./statistics.ts";

/** What a package of another tool does not say: what its inputs read and what its output means. */
export interface PolicyBinding {
  readonly spec: PolicySpec;
  readonly inputs: readonly InputBinding[];
  readonly output: string;
}

export interface LoadPolicyOptions {
  /** Default `cpu`; a device that is missing is an error. */
  readonly device?: Device;
  /** Threads of one inference; default 1. */
  readonly threads?: number;
  /** For policies that sample; every episode gets a child by its seed. Default seeded by the policy's name. */
  readonly rng?: Rng;
  /** For packages without an `efference` section. */
  readonly binding?: PolicyBinding;
}

/**
 * Loads a policy package: opens its graph in a worker thread and returns a `Policy` that binds
 * observations, normalises, runs, denormalises and checks. Close it to free the thread.
 * @throws {SyntaxError} if the manifest or the graph is wrong
 * @throws {RangeError} if a file leaves the folder or a step is not known
 * @throws {TypeError} if graph, bindings and spec contradict each other
 */
export async function loadPolicy(folder: string, options: LoadPolicyOptions = {}): Promise<Policy> {
  const pack = await readPolicyPackage(folder);
  const { manifest } = pack;
  assertRunner(manifest);
  const binding = options.binding ?? bindingOf(manifest);
  assertBindings(binding.inputs, binding.spec);
  const inputs = binding.inputs.map(({ input }) => input);
  const names = { inputs, outputs: [binding.output] };
  const normalization = await readNormalization(folder, manifest, names);
  const { device = "cpu", threads = 1 } = options;
  const session = await openSession(await readGraph(pack), { device, threads });
  try {
    const rng = options.rng ?? seeded(`policy/${binding.spec.name}`);
    return new PackagedPolicy({ session, binding, normalization, rng });
  } catch (error) {
    await session.close();
    throw error;
  }
}

function bindingOf({ efference }: Manifest): PolicyBinding {
  if (efference === undefined) {
    throw new TypeError(
      'Cannot load policy: its manifest has no "efference" section, must have one (or give options.binding)',
    );
  }
  return { spec: specOf(efference), inputs: efference.inputs, output: efference.output };
}

/** The graph's bytes, or its path where it has external data; checked either way. */
async function readGraph({ artifacts }: PolicyPackage): Promise<Uint8Array | string> {
  const paths = Object.values(artifacts).filter((path) => path.endsWith(".onnx"));
  const path = artifacts["model"] ?? artifacts["onnx"] ?? paths[0];
  if (path === undefined || !path.endsWith(".onnx")) {
    const found = Object.keys(artifacts).join(", ");
    throw new RangeError(`Cannot load policy: its artifacts are ${found}, must have an ONNX model`);
  }
  const bytes = await readFile(path);
  const model = readModel(bytes);
  assertModel(model);
  const external = externalFiles(model);
  // Locations count from the model's own folder.
  for (const location of external) await resolveInside(dirname(path), location);
  return external.length > 0 ? path : bytes;
}

interface Parts {
  readonly session: Session;
  readonly binding: PolicyBinding;
  readonly normalization: Normalization;
  readonly rng: Rng;
}

class PackagedPolicy implements Policy {
  readonly spec: PolicySpec;
  readonly #parts: Parts;
  readonly #dtypes: ReadonlyMap<string, InputDtype>;
  readonly #fetches: readonly string[];
  #episodeRng: Rng;
  #memory: ReadonlyMap<string, NdArray> = new Map();

  constructor(parts: Parts) {
    const { session, binding } = parts;
    this.spec = binding.spec;
    this.#parts = parts;
    this.#episodeRng = parts.rng;
    const bound = new Set(binding.inputs.map(({ input }) => input));
    const unbound = session.inputs.find(({ name }) => !bound.has(name));
    const unknown = [...bound].find((name) => !session.inputs.some((port) => port.name === name));
    const odd = session.inputs.find(({ dtype }) => dtype !== "float32" && dtype !== "uint8");
    if (unbound !== undefined) refuse(`input "${unbound.name}" is unbound`, "must have a binding");
    if (unknown !== undefined) refuse(`"${unknown}" is bound`, "must be an input of the graph");
    if (odd !== undefined)
      refuse(`input "${odd.name}" is ${odd.dtype}`, "must be float32 or uint8");
    const memories = binding.inputs.filter((entry) => entry.from === "memory");
    this.#fetches = [...new Set([binding.output, ...memories.map(({ output }) => output)])];
    const absent = this.#fetches.find(
      (name) => !session.outputs.some((port) => port.name === name),
    );
    if (absent !== undefined) refuse(`the graph has no output "${absent}"`, "must have");
    this.#dtypes = new Map(session.inputs.map(({ name, dtype }) => [name, dtype as InputDtype]));
  }

  reset(start: { readonly seed: number }): Promise<void> {
    this.#episodeRng = this.#parts.rng.split(start.seed);
    this.#memory = new Map();
    return Promise.resolve();
  }

  async decide(observation: Observation): Promise<Decision> {
    const { session, binding, normalization } = this.#parts;
    const started = performance.now();
    const context = { dtypes: this.#dtypes, rng: this.#episodeRng, memory: this.#memory };
    const feeds = bindObservation(binding.inputs, observation, context);
    for (const [name, affine] of normalization.inputs) {
      const feed = feeds[name];
      if (feed === undefined) continue;
      const data = normalise(Float32Array.from(feed.data, Number), affine);
      feeds[name] = { dtype: "float32", shape: feed.shape, data };
    }
    const bound = performance.now();
    const { outputs, runMs } = await session.run(feeds, {
      outputs: this.#fetches,
      transfer: true,
    });
    const ran = performance.now();
    const chunk = this.#chunkOf(outputs[binding.output]);
    // Only a decision that is given out is remembered.
    this.#memory = memoryOf(binding.inputs, outputs);
    const now = performance.now();
    const timing = {
      totalMs: now - started,
      bindMs: bound - started,
      runMs,
      hopMs: ran - bound - runMs,
      chunkMs: now - ran,
    };
    return { chunk, thoughts: [], timing };
  }

  async close(): Promise<void> {
    await this.#parts.session.close();
  }

  #chunkOf(output: NdArray | undefined): Decision["chunk"] {
    const { binding, normalization } = this.#parts;
    const { predictHorizon: horizon, action } = this.spec;
    const dim = action === "any" ? (output?.shape.at(-1) ?? 0) : actionDim(action);
    const shape = output?.shape ?? [];
    const fits =
      output?.dtype === "float32" &&
      elementCount(shape) === horizon * dim &&
      shape[0] === 1 &&
      shape.at(-1) === dim;
    if (!fits) {
      throw new TypeError(
        `Cannot decide: output "${binding.output}" is ${output?.dtype ?? "absent"}[${shape.join(", ")}], ` +
          `must be float32[1, ${horizon}, ${dim}]`,
      );
    }
    const raw = output.data as Float32Array;
    const affine = normalization.outputs.get(binding.output);
    const data = affine === undefined ? raw : denormalise(raw, affine);
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new RangeError(
        `Cannot decide: row ${Math.floor(bad / dim)}, entry ${bad % dim} of the chunk is ${data[bad]}, must be finite`,
      );
    }
    return { data, horizon, actionDim: dim };
  }
}

function memoryOf(
  inputs: readonly InputBinding[],
  outputs: Readonly<Record<string, NdArray>>,
): ReadonlyMap<string, NdArray> {
  const memory = new Map<string, NdArray>();
  for (const entry of inputs) {
    if (entry.from !== "memory") continue;
    const value = outputs[entry.output];
    const shape = [1, ...entry.shape].join(", ");
    if (value?.dtype !== "float32" || value.shape.join(", ") !== shape) {
      throw new TypeError(
        `Cannot decide: output "${entry.output}" is ${value?.dtype ?? "absent"}[${value?.shape.join(", ") ?? ""}], ` +
          `must be float32[${shape}]`,
      );
    }
    memory.set(entry.input, value);
  }
  return memory;
}

function refuse(what: string, must: string): never {
  throw new TypeError(`Cannot load policy: ${what}, ${must}`);
}
