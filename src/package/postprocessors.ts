/** The postprocessors that a manifest lists, joined into what they do to a chunk. */
import { z } from "zod";
import { componentOf, parametersOf, unknownStep } from "./component.ts";
import type { Feature } from "./features.ts";
import type { PackageFiles } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import type { RelativeChunks } from "./relative-actions.ts";
import { ABSOLUTE_STEP, relativeOf } from "./relative-actions.ts";
import type { Affine } from "./statistics.ts";
import { affineOf, denormalise } from "./statistics.ts";
import { featuresOf, normalisedTwice, readStatistics } from "./statistics-step.ts";

const count = z.int().min(1).max(100_000);

/** What happens to the chunk that the graphs gave. */
export interface Postprocessing {
  /** Back to physical units, by the name of the output. */
  readonly outputs: ReadonlyMap<string, Affine>;
  /** Rows that are kept. */
  readonly rows?: number;
  /** Where chunks are told from the state: what adds it, once they are in physical units. */
  readonly relative?: RelativeChunks;
}

/** Chunks as a graph gives them, `shape` ending with the dimensions of an action chunk, in physical units. */
export type PhysicalChunks = (chunks: Float32Array, shape: readonly number[]) => Float32Array;

/**
 * @param output name of the graph's output
 * @param features of the decision, as the preprocessors left them
 */
export function physicalChunksOf(
  { outputs, relative }: Postprocessing,
  output: string,
  features: ReadonlyMap<string, Feature>,
): PhysicalChunks {
  const affine = outputs.get(output);
  return (chunks, shape) => {
    const physical = affine === undefined ? chunks : denormalise(chunks, affine, shape);
    return relative?.absolute(physical, shape.at(-1) ?? 0, features) ?? physical;
  };
}

export const POSTPROCESSORS: readonly string[] = [
  "denormalize",
  "action_chunk_trimmer",
  ABSOLUTE_STEP,
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
      case ABSOLUTE_STEP:
        // With its other half among the preprocessors, below.
        break;
      default:
        throw unknownStep(step.type, POSTPROCESSORS);
    }
  }
  const relative = relativeOf(manifest);
  return {
    outputs: affine,
    ...(rows === undefined ? {} : { rows }),
    ...(relative === undefined ? {} : { relative }),
  };
}
