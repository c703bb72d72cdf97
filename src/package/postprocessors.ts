/** The postprocessors that a manifest lists, joined into what they do to a chunk. */
import { z } from "zod";
import { componentOf, disabledSchema, parametersOf, unknownStep } from "./component.ts";
import type { PackageFiles } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import type { Affine } from "./statistics.ts";
import { affineOf } from "./statistics.ts";
import { featuresOf, normalisedTwice, readStatistics } from "./statistics-step.ts";

const count = z.int().min(1).max(100_000);

/** What happens to the chunk that the graphs gave. */
export interface Postprocessing {
  /** Back to physical units, by the name of the output. */
  readonly outputs: ReadonlyMap<string, Affine>;
  /** Rows that are kept. */
  readonly rows?: number;
}

export const POSTPROCESSORS: readonly string[] = [
  "denormalize",
  "action_chunk_trimmer",
  "absolute_actions",
];

/**
 * @throws {RangeError} for a step that this runtime does not have, or one that names no output
 * @throws {SyntaxError} naming every parameter that is wrong
 */
export async function openPostprocessors(
  files: PackageFiles,
  manifest: Manifest,
  outputs: readonly string[],
): Promise<Postprocessing> {
  const affine = new Map<string, Affine>();
  let rows: number | undefined;
  for (const [i, entry] of manifest.model.postprocessors.entries()) {
    const step = componentOf(entry);
    const at = `model.postprocessors.${i}`;
    switch (step.type) {
      case "denormalize": {
        const { mode, features, groups } = await readStatistics({ files, at }, step);
        for (const feature of featuresOf(features, [...groups.keys()], outputs)) {
          if (affine.has(feature)) throw normalisedTwice(feature);
          affine.set(feature, affineOf(feature, groups.get(feature), mode));
        }
        break;
      }
      case "action_chunk_trimmer":
        rows = parametersOf(step, z.looseObject({ n_action_steps: count }), at).n_action_steps;
        break;
      case "absolute_actions":
        parametersOf(step, disabledSchema, at);
        break;
      default:
        throw unknownStep(step.type, POSTPROCESSORS);
    }
  }
  return { outputs: affine, ...(rows === undefined ? {} : { rows }) };
}
