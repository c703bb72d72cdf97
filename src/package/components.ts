/** What the manifest's runner, preprocessors and postprocessors ask for, in our words. */
import { readFile } from "node:fs/promises";
import type { ComponentEntry, Manifest } from "./manifest.ts";
import { resolveInside } from "./paths.ts";
import { readSafetensors } from "./safetensors.ts";
import type { Affine, NormalizationMode } from "./statistics.ts";
import { affineOf, groupStatistics } from "./statistics.ts";

/** Affine maps by feature: the name of a graph input (before the run) or output (after it). */
export interface Normalization {
  readonly inputs: ReadonlyMap<string, Affine>;
  readonly outputs: ReadonlyMap<string, Affine>;
}

const MODES: readonly NormalizationMode[] = ["mean_std", "min_max", "quantiles", "identity"];
/** Python classes that the published runtime registers under the short name. */
const CLASS_NAMES: Readonly<Record<string, string>> = {
  StatsNormalizer: "normalize",
  StatsDenormalizer: "denormalize",
  SinglePass: "single_pass",
  ActionChunking: "action_chunking",
};

interface Step {
  readonly type: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** `{ type, ...parameters }` and `{ class_path, init_args }` alike. */
function stepOf(entry: ComponentEntry): Step {
  const { type, class_path: classPath, init_args: args, ...flat } = entry;
  if (type !== undefined) return { type, parameters: flat };
  const last = classPath?.split(".").at(-1) ?? "";
  return { type: CLASS_NAMES[last] ?? last, parameters: args ?? {} };
}

/** @throws {RangeError} for a runner that this runtime does not have */
export function assertRunner(manifest: Manifest): void {
  const entry = manifest.model.runner;
  const type = entry === undefined ? "single_pass" : stepOf(entry).type;
  if (type !== "single_pass" && type !== "action_chunking") {
    throw new RangeError(
      `Cannot load policy: its runner is "${type}", must be single_pass or action_chunking`,
    );
  }
  if (manifest.model.n_obs_steps !== 1) {
    throw new RangeError(
      `Cannot load policy: n_obs_steps is ${manifest.model.n_obs_steps}, must be 1`,
    );
  }
}

/**
 * Reads the statistics that the manifest's `normalize` and `denormalize` steps refer to.
 * @throws {RangeError} for any other step
 */
export async function readNormalization(
  folder: string,
  manifest: Manifest,
  names: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
): Promise<Normalization> {
  const { preprocessors, postprocessors } = manifest.model;
  return {
    inputs: await readSteps(folder, preprocessors, { type: "normalize", known: names.inputs }),
    outputs: await readSteps(folder, postprocessors, { type: "denormalize", known: names.outputs }),
  };
}

async function readSteps(
  folder: string,
  entries: readonly ComponentEntry[],
  want: { readonly type: string; readonly known: readonly string[] },
): Promise<ReadonlyMap<string, Affine>> {
  const affine = new Map<string, Affine>();
  for (const { type, parameters } of entries.map(stepOf)) {
    if (type !== want.type) {
      throw new RangeError(`Cannot load policy: it has a step "${type}", must be "${want.type}"`);
    }
    const artifact = parameters["artifact"] ?? parameters["stats_path"];
    const mode = MODES.find((m) => m === (parameters["mode"] ?? "mean_std"));
    if (typeof artifact !== "string" || mode === undefined) {
      throw new RangeError(
        `Cannot load policy: its step "${type}" has artifact ${JSON.stringify(artifact)} and mode ` +
          `${JSON.stringify(parameters["mode"])}, must have a path and one of ${MODES.join(", ")}`,
      );
    }
    const statistics = groupStatistics(
      readSafetensors(await readFile(await resolveInside(folder, artifact))),
    );
    for (const feature of featuresOf(parameters["features"], [...statistics.keys()], want.known)) {
      if (affine.has(feature)) {
        throw new RangeError(`Cannot load policy: "${feature}" is normalised twice, must be once`);
      }
      affine.set(feature, affineOf(feature, statistics.get(feature), mode));
    }
  }
  return affine;
}

/** Features named, or (none named) those in the statistics that the graph has. */
function featuresOf(named: unknown, inFile: readonly string[], known: readonly string[]): string[] {
  const list = Array.isArray(named) ? named.map(String) : [];
  if (list.length === 0) return inFile.filter((feature) => known.includes(feature));
  for (const feature of list) {
    if (!known.includes(feature)) {
      throw new RangeError(
        `Cannot load policy: it normalises "${feature}", must be one of ${known.join(", ")}`,
      );
    }
  }
  return list;
}
