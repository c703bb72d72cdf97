/** What `normalize` and `denormalize` share: statistics from a file of the package, and which features they are for. */
import { z } from "zod";
import type { Component } from "./component.ts";
import { parametersOf } from "./component.ts";
import type { PackageFiles } from "./files.ts";
import { readFrom } from "./files.ts";
import { wrongManifest } from "./manifest.ts";
import { readSafetensors } from "./safetensors.ts";
import type { FeatureStatistics, NormalizationMode } from "./statistics.ts";
import { groupStatistics } from "./statistics.ts";

const path = z.string().min(1).max(1024);
const name = z.string().min(1).max(256);

const statisticsSchema = z.looseObject({
  artifact: path.optional(),
  stats_path: path.optional(),
  mode: z.enum(["mean_std", "standard", "min_max", "quantiles", "identity"]).default("mean_std"),
  features: z.array(name).nullish(),
});

export interface StepStatistics {
  readonly mode: NormalizationMode;
  /** Absent: all that the file and the graph both have. */
  readonly features: readonly string[] | undefined;
  readonly groups: ReadonlyMap<string, FeatureStatistics>;
}

/**
 * @throws {SyntaxError} naming the parameter that is wrong, or if the file is no safetensors
 * @throws {RangeError} if the file is not in the package
 */
export async function readStatistics(
  { files, at }: { readonly files: PackageFiles; readonly at: string },
  step: Component,
): Promise<StepStatistics> {
  const { artifact, stats_path: old, mode, features } = parametersOf(step, statisticsSchema, at);
  const file = artifact ?? old;
  if (file === undefined) wrongManifest(`${at}.artifact: it is absent, must be a path`);
  const groups = groupStatistics(readSafetensors(await readFrom(files, file)));
  return {
    mode: mode === "standard" ? "mean_std" : mode,
    features: features === null || features?.length === 0 ? undefined : features,
    groups,
  };
}

export function normalisedTwice(feature: string): RangeError {
  return new RangeError(`Cannot load policy: "${feature}" is normalised twice, must be once`);
}

/**
 * Features named, or (none named) those in the statistics that are known.
 * @throws {RangeError} for a name that is not known
 */
export function featuresOf(
  named: readonly string[] | undefined,
  inFile: readonly string[],
  known: readonly string[],
): readonly string[] {
  if (named === undefined) return inFile.filter((feature) => known.includes(feature));
  for (const feature of named) {
    if (!known.includes(feature)) {
      throw new RangeError(
        `Cannot load policy: it normalises "${feature}", must be one of ${known.join(", ")}`,
      );
    }
  }
  return named;
}
