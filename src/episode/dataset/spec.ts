/** Specs of datasets: widths, comparison, and the checks of every number that is read. */
import type { EnvironmentSpec, SpecDifference } from "../../core/index.ts";
import { compareEnvironments, elementCount } from "../../core/index.ts";
import type { DatasetEpisode, DatasetSpec, InstructionChange } from "./types.ts";

/** Entries of one concatenated proprio row. */
export function proprioDim({ proprio }: Pick<DatasetSpec, "proprio">): number {
  return proprio.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** Every difference between two parts that are to be learned from together. */
export function compareDatasetSpecs(expected: DatasetSpec, found: DatasetSpec): SpecDifference[] {
  return compareEnvironments(asEnvironment(expected), asEnvironment(found));
}

function asEnvironment({ images, proprio, action, controlFreqHz }: DatasetSpec): EnvironmentSpec {
  return {
    observation: { images, proprio, texts: [] },
    action,
    controlFreqHz,
    maxSteps: 0,
    privileged: false,
    snapshot: false,
  };
}

/** The instruction in force at a step. */
export function instructionAt(
  { instruction }: DatasetEpisode,
  changes: readonly InstructionChange[],
  step: number,
): string {
  return changes.findLast((change) => change.step <= step)?.instruction ?? instruction;
}

/**
 * Refuses the first value that is not finite, naming where it is.
 *
 * @param values `float32[steps, width]`
 * @throws {RangeError}
 */
export function assertFinite(
  values: Float32Array,
  where: { readonly source: string; readonly what: string; readonly width: number },
): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const [step, entry] = [Math.floor(at / where.width), at % where.width];
  throw new RangeError(
    `Cannot use "${where.source}": entry ${entry} of the ${where.what} of step ${step} is ${values[at]}, must be finite`,
  );
}

/** @throws {RangeError} if a dataset with this spec has no such camera */
export function assertCameras(
  { images }: Pick<DatasetSpec, "images">,
  cameras: readonly string[],
): void {
  for (const camera of cameras) {
    if (images.some(({ name }) => name === camera)) continue;
    const names = images.map(({ name }) => `"${name}"`).join(", ");
    throw new RangeError(
      `Cannot read camera "${camera}": the dataset has ${names === "" ? "no images" : names}, must be one of them`,
    );
  }
}

/** @throws {RangeError} if there is no such episode or step */
export function episodeAt(
  episodes: readonly DatasetEpisode[],
  index: number,
  step = 0,
): DatasetEpisode {
  const episode = episodes[index];
  if (episode === undefined) {
    throw new RangeError(
      `Cannot read episode ${index}: there are ${episodes.length}, must be one of them`,
    );
  }
  if (!Number.isInteger(step) || step < 0 || step >= episode.length) {
    throw new RangeError(
      `Cannot read step ${step} of "${episode.source}": it has ${episode.length} steps, must be one of them`,
    );
  }
  return episode;
}
