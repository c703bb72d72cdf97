/** Energies added to a trained one: what a chunk costs beside what the demonstrations say of it. No training. */
import { readFile } from "node:fs/promises";
import type { ActionSpec, NdArray, PolicySpec } from "../../src/core/index.ts";
import type { Imitated } from "../../src/imitation/index.ts";
import { imitatedOfPackage } from "../../src/imitation/index.ts";
import type { Graph, GraphBuilder, Value } from "../../src/onnx/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { storedParameters } from "../../src/onnx/layers/index.ts";
import type { PackageContent, PolicyPackage } from "../../src/package/index.ts";
import { groupStatistics, readPolicyPackage, readSafetensors } from "../../src/package/index.ts";
import type { EnergyConfig } from "./config.ts";
import { parseEnergyConfig } from "./config.ts";
import { entryNames, formulaEnergy } from "./expression.ts";
import { withUnitScales } from "./fold.ts";
import type { ChunkEnergy } from "./step.ts";
import { energyPackage } from "./trainable.ts";

/** One more energy. Chunks are in physical units, as the action spec says; lower is better. */
export type EnergyTerm = {
  readonly name: string;
  /** Default 1. */
  readonly weight?: number;
  /**
   * The largest size of the term, c: it goes through `c tanh(term / c)`. A descent follows whatever falls, so a term
   * without a lowest value needs it.
   */
  readonly clamp?: number;
} & (
  | {
      /** A formula of one row; its mean over the rows counts. See `formulaEnergy`. */
      readonly formula: string;
    }
  | {
      /** `chunk[batch, rows, actionDim]` to `[batch]`. What it is bounded by cannot be seen: `clamp` is required. */
      readonly graph: (g: GraphBuilder, chunk: Value) => Value;
    }
);

export interface ComposeOptions {
  readonly terms?: readonly EnergyTerm[];
  /** How descents are done, where it differs from what the package says: more steps, several samples. */
  readonly infer?: Partial<EnergyConfig["infer"]>;
}

/**
 * A trained package with other energies added, as a package of its own: the graph is built anew around the same
 * parameters.
 *
 * The sum is what descents follow and what thoughts report. The slope of a term counts as that of the learned energy
 * does: with `step.gradient: "sum"` times the numbers of a chunk.
 *
 * @param folder of a package of kind `energy`
 * @throws {RangeError} for a term that has no lowest value and no clamp, or of a weight that is not positive
 * @throws {SyntaxError} for a formula that is none
 * @throws {TypeError} if the package is of another kind
 */
export async function composeEnergyPackage(
  folder: string,
  { terms = [], infer = {} }: ComposeOptions,
): Promise<PackageContent> {
  const pack = await readPolicyPackage(folder);
  const { config, imitated } = await readEnergyPackage(pack, infer);
  const model = readModel(await readFile(pack.artifacts["model"] ?? ""));
  const found = parametersOf(model.graph);
  const known = new Set(Object.keys(found));
  const parameters = withUnitScales(storedParameters(found), known);
  const extra = await composed(terms, imitated);
  return energyPackage(imitated, config, {
    parameters,
    provenance: {
      ...pack.manifest.efference?.provenance,
      ...(terms.length === 0 ? {} : { composed: terms.map(toldOf) }),
    },
    ...(extra === undefined ? {} : { extra }),
  });
}

/** What a package says of a term that it was made with. */
function toldOf(term: EnergyTerm): Readonly<Record<string, unknown>> {
  return {
    name: term.name,
    weight: term.weight ?? 1,
    ...(term.clamp === undefined ? {} : { clamp: term.clamp }),
    ...("formula" in term ? { formula: term.formula } : {}),
  };
}

async function readEnergyPackage(
  { manifest, artifacts, folder }: PolicyPackage,
  infer: Partial<EnergyConfig["infer"]>,
): Promise<{ readonly config: EnergyConfig; readonly imitated: Imitated }> {
  const { efference } = manifest;
  const section = efference?.["policy"];
  const of = (value: unknown, key: string): unknown =>
    typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)[key]
      : undefined;
  const kind = of(section, "kind");
  if (efference === undefined || kind !== "energy" || artifacts["statistics"] === undefined) {
    throw new TypeError(
      `Cannot compose energies with ${folder}: it is a package of kind ${String(kind)}, must be one of "energy"`,
    );
  }
  const stored = of(section, "infer");
  const config = parseEnergyConfig({
    ...(section as object),
    infer: { ...(stored as object), ...infer },
  });
  const tensors = readSafetensors(await readFile(artifacts["statistics"]));
  const imitated = imitatedOfPackage("energy", config, {
    spec: efference.spec as PolicySpec,
    inputs: efference.inputs,
    view: efference["view"],
    statistics: groupStatistics(tensors),
  });
  return { config, imitated };
}

const LOOP = "loop/";

/** The parameters that the graph and its loop were built with, by the names they were given. */
function parametersOf(graph: Graph): Record<string, NdArray> {
  const found: Record<string, NdArray> = {};
  for (const { name, payload } of graph.initializers) {
    if (payload.kind === "array") {
      found[name.startsWith(LOOP) ? name.slice(LOOP.length) : name] = payload.array;
    }
  }
  for (const { attributes } of graph.nodes) {
    for (const attribute of Object.values(attributes)) {
      if (attribute.kind === "graph") Object.assign(found, parametersOf(attribute.value));
    }
  }
  return found;
}

/** The weighted sum of all terms; undefined without any. */
async function composed(
  terms: readonly EnergyTerm[],
  imitated: Imitated,
): Promise<ChunkEnergy | undefined> {
  if (terms.length === 0) return undefined;
  for (const term of terms) assertTerm(term);
  const { parse } = await import("mathjs");
  const names = entryNames((imitated.spec.action satisfies ActionSpec).components);
  return ({ g }, normalised) => {
    const chunk = physical(g, normalised, imitated);
    const energies = terms.map((term) => {
      const { energy, bounded } =
        "formula" in term
          ? formulaEnergy(term.formula, { g, chunk, names, parse })
          : { energy: term.graph(g, chunk), bounded: false };
      assertBounded(term, bounded);
      assertShape(term, energy, chunk);
      const { clamp, weight = 1 } = term;
      const held = clamp === undefined ? energy : g.mul(g.tanh(g.div(energy, clamp)), clamp);
      return g.mul(held, weight);
    });
    return energies.reduce((sum, energy) => g.add(sum, energy));
  };
}

function physical(g: GraphBuilder, chunk: Value, { affine, actionDim }: Imitated): Value {
  const row = (values: Float64Array): Value =>
    g.constant({ dtype: "float32", shape: [1, 1, actionDim], data: Float32Array.from(values) });
  return g.add(g.mul(chunk, row(affine.action.scale)), row(affine.action.offset));
}

function assertTerm({ name, weight = 1, clamp = 1 }: EnergyTerm): void {
  for (const [what, value] of Object.entries({ weight, clamp })) {
    if (value > 0 && Number.isFinite(value)) continue;
    throw new RangeError(
      `Cannot compose energy "${name}": its ${what} is ${value}, must be a positive number`,
    );
  }
}

function assertBounded({ name, clamp }: EnergyTerm, bounded: boolean): void {
  if (bounded || clamp !== undefined) return;
  throw new RangeError(
    `Cannot compose energy "${name}": it may have no lowest value, must have one ` +
      "(even powers, abs, exp, tanh, ...) or a clamp",
  );
}

function assertShape({ name }: EnergyTerm, energy: Value, chunk: Value): void {
  if (energy.elementType === "float32" && energy.shape.join() === String(chunk.shape[0])) return;
  throw new TypeError(
    `Cannot compose energy "${name}": it is ${energy.elementType}[${energy.shape.join(", ")}], must be float32[${chunk.shape[0]}]`,
  );
}
