/** Proprio and actions of all datasets, in memory, and the windows that can be cut from them. */
import { elementCount, SpecMismatchError } from "../../core/index.ts";
import type { ComponentSpec } from "../../core/index.ts";
import type { Dataset, DatasetEpisode, InstructionChange } from "../../episode/node.ts";
import { instructionAt } from "../../episode/node.ts";
import type { PlannedWindow } from "./plan.ts";
import type { WindowSource } from "./types.ts";

/** One episode's numbers. */
export interface EpisodeRows {
  readonly episode: DatasetEpisode;
  readonly actions: Float32Array;
  /** `float32[length, proprioDim]` of the chosen components. */
  readonly proprio: Float32Array;
  readonly changes: readonly InstructionChange[];
  /** Number of its step 0 among the steps of all datasets. */
  readonly firstSlot: number;
}

/** The windows of one dataset: every step of every chosen episode is one. */
export class WindowTable {
  readonly windows: number;
  readonly #rows: readonly EpisodeRows[];
  /** First window of each episode. */
  readonly #starts: Float64Array;

  constructor(rows: readonly EpisodeRows[]) {
    this.#rows = rows;
    this.#starts = new Float64Array(rows.length);
    let sum = 0;
    for (const [i, { episode }] of rows.entries()) {
      this.#starts[i] = sum;
      sum += episode.length;
    }
    this.windows = sum;
  }

  /** The episode and step of a window. */
  at(window: number): { readonly rows: EpisodeRows; readonly step: number } {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= window) low = middle + 1;
      else high = middle;
    }
    return { rows: this.#rows[low - 1]!, step: window - this.#starts[low - 1]! };
  }
}

/**
 * Reads the rows of the chosen episodes.
 *
 * @throws {RangeError} if there is no such episode, a component is missing, or a number is not finite
 */
export async function loadRows(
  {
    dataset,
    episodes,
  }: { readonly dataset: Dataset; readonly episodes?: readonly number[] | undefined },
  {
    components,
    firstSlot,
  }: { readonly components: readonly ComponentSpec[]; readonly firstSlot: number },
): Promise<EpisodeRows[]> {
  const rows: EpisodeRows[] = [];
  const columns = columnsOf(dataset.spec.proprio, components);
  let slot = firstSlot;
  for (const index of episodes ?? dataset.episodes.keys()) {
    const episode = dataset.episodes[index];
    if (episode === undefined) {
      throw new RangeError(
        `Cannot load episode ${index} of "${dataset.name}": it has ${dataset.episodes.length}, must be one of them`,
      );
    }
    const proprio = pickColumns(await dataset.proprio(index), episode.length, columns);
    const changes = await dataset.instructionChanges(index);
    rows.push({
      episode,
      actions: await dataset.actions(index),
      proprio,
      changes,
      firstSlot: slot,
    });
    slot += episode.length;
  }
  return rows;
}

/** The components with these names, in this order. @throws {RangeError} if there is none of a name */
export function pickComponents(
  spec: readonly ComponentSpec[],
  names: readonly string[] | undefined,
): readonly ComponentSpec[] {
  return (names ?? spec.map(({ name }) => name)).map((name) => {
    const found = spec.find((component) => component.name === name);
    if (found !== undefined) return found;
    const known = spec.map((component) => `"${component.name}"`).join(", ");
    throw new RangeError(
      `Cannot load proprio "${name}": there are ${known === "" ? "no components" : known}, must be one of them`,
    );
  });
}

/** @throws {SpecMismatchError} naming every difference */
export function assertAlike(
  first: string,
  other: string,
  differences: ConstructorParameters<typeof SpecMismatchError>[1],
): void {
  if (differences.length === 0) return;
  throw new SpecMismatchError(`mix dataset "${other}" with "${first}"`, differences);
}

function columnsOf(
  spec: readonly ComponentSpec[],
  chosen: readonly ComponentSpec[],
): { readonly width: number; readonly columns: readonly number[] } {
  const starts = new Map<string, number>();
  let width = 0;
  for (const { name, shape } of spec) {
    starts.set(name, width);
    width += elementCount(shape);
  }
  const columns = chosen.flatMap(({ name, shape }) =>
    Array.from({ length: elementCount(shape) }, (_, i) => starts.get(name)! + i),
  );
  return { width, columns };
}

function pickColumns(
  rows: Float32Array,
  length: number,
  { width, columns }: { readonly width: number; readonly columns: readonly number[] },
): Float32Array {
  const picked = new Float32Array(length * columns.length);
  for (let step = 0, at = 0; step < length; step++) {
    for (const column of columns) picked[at++] = rows[step * width + column]!;
  }
  return picked;
}

/** What a batch says about its windows. */
export interface WindowWords {
  readonly instructions: readonly string[];
  readonly tasks: readonly string[];
  readonly windows: readonly WindowSource[];
}

export function wordsOf(
  tables: readonly WindowTable[],
  planned: readonly PlannedWindow[],
): WindowWords {
  const found = planned.map(({ part, window }) => ({ part, ...tables[part]!.at(window) }));
  return {
    instructions: found.map(({ rows, step }) => instructionAt(rows.episode, rows.changes, step)),
    tasks: found.map(({ rows }) => rows.episode.task),
    windows: found.map(({ part, rows, step }) => ({
      dataset: part,
      episode: rows.episode.index,
      step,
    })),
  };
}
