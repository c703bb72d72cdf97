/** Energies added to a trained one: what a chunk costs beside what the demonstrations say of it. No training. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { NdArray, PolicySpec } from "../../src/core/index.ts";
import { elementCount } from "../../src/core/index.ts";
import type { Imitated } from "../../src/imitation/index.ts";
import { entryNames, imitatedOfPackage, physical } from "../../src/imitation/index.ts";
import type { Graph, GraphBuilder, Value } from "../../src/onnx/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { storedParameters } from "../../src/onnx/layers/index.ts";
import type { PackageContent, PolicyPackage } from "../../src/package/index.ts";
import { groupStatistics, readPolicyPackage, readSafetensors } from "../../src/package/index.ts";
import type { EnergyConfig } from "./config.ts";
import { parseEnergyConfig } from "./config.ts";
import type { AddedEnergy } from "./descend.ts";
import { formulaEnergy } from "./expression.ts";
import { withUnitScales } from "./fold.ts";
import { energyPackage } from "./trainable.ts";

/** What is observed now, by component: `[1, n]` each, in physical units, as the observation spec says. */
export type ObservedValues = Readonly<Record<string, Value>>;

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
      /** A formula of one row, of what is observed and of sums of rows; its mean over the rows counts. See `formulaEnergy`. */
      readonly formula: string;
    }
  | {
      /** `chunk[batch, rows, actionDim]` to `[batch]`. What it is bounded by cannot be seen: `clamp` is required. */
      readonly graph: (g: GraphBuilder, chunk: Value, observed: ObservedValues) => Value;
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
 * does: with `step.gradient: "sum"` times the numbers of a chunk. Formulas that the package was composed with stay.
 *
 * @param folder of a package of kind `energy`
 * @throws {RangeError} for a term that has no lowest value and no clamp, or of a weight that is not positive
 * @throws {SyntaxError} for a formula that is none
 * @throws {TypeError} if the package is of another kind, or was composed with a graph, which cannot be told from it
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
  const { provenance } = pack.manifest.efference ?? {};
  const all = [...formulasOf(provenance, folder), ...terms];
  const extra = addedEnergy(all, imitated);
  return energyPackage(imitated, config, {
    parameters,
    provenance: {
      ...provenance,
      ...(all.length === 0 ? {} : { composed: all.map(toldOf) }),
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

/** The terms that a package says it was made with. */
function formulasOf(
  provenance: Readonly<Record<string, unknown>> = {},
  folder: string,
): readonly EnergyTerm[] {
  const told = z.array(toldSchema).safeParse(provenance["composed"] ?? []);
  if (told.success) return told.data;
  throw new TypeError(
    `Cannot compose energies with ${folder}: it was composed with terms that are no formulas, ` +
      "must be composed anew from the package before",
  );
}

const toldSchema = z.strictObject({
  name: z.string(),
  weight: z.number(),
  clamp: z.number().exactOptional(),
  formula: z.string(),
});

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

/** The weighted sum of all terms; undefined without any. See `composeEnergyPackage` for what is thrown. */
export function addedEnergy(
  terms: readonly EnergyTerm[],
  imitated: Imitated,
): AddedEnergy | undefined {
  if (terms.length === 0) return undefined;
  for (const term of terms) assertTerm(term);
  const names = entryNames(imitated.spec.action.components);
  const observedNames = entryNames(imitated.proprio);
  return ({ g }, normalised, proprio) => {
    const chunk = physical(g, normalised, imitated.affine.action);
    const observed = { values: proprio, names: observedNames };
    const energies = terms.map((term) => {
      const { energy, bounded } =
        "formula" in term
          ? formulaEnergy(term.formula, { g, chunk, names, observed })
          : { energy: term.graph(g, chunk, byComponent(g, proprio, imitated)), bounded: false };
      assertBounded(term, bounded);
      assertShape(term, energy, chunk);
      const { clamp, weight = 1 } = term;
      const held = clamp === undefined ? energy : g.mul(g.tanh(g.div(energy, clamp)), clamp);
      return g.mul(held, weight);
    });
    return energies.reduce((sum, energy) => g.add(sum, energy));
  };
}

function byComponent(g: GraphBuilder, values: Value, { proprio }: Imitated): ObservedValues {
  const sizes = proprio.map(({ shape }) => elementCount(shape));
  const parts = sizes.length === 1 ? [values] : g.split(values, 1, sizes);
  return Object.fromEntries(proprio.map(({ name }, i) => [name, parts[i] as Value]));
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
