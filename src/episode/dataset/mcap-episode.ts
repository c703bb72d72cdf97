/** One finished MCAP episode as rows of numbers and places of images. */
import { actionDim } from "../../core/index.ts";
import { fileSource } from "../node-source.ts";
import { openEpisode } from "../reader.ts";
import type { EpisodeReader, RecordedDecision, RecordedStep } from "../types.ts";
import type { EpisodeRows } from "./loaded-episodes.ts";
import { assertFinite, proprioDim } from "./spec.ts";
import type { DatasetSpec, FramePlaces, InstructionChange } from "./types.ts";

export interface LoadedEpisode extends EpisodeRows {
  readonly places: Readonly<Record<string, FramePlaces | undefined>>;
}

/**
 * What is learned at step s: the row that the newest decision meant for it, or the action that was executed.
 * They differ where executed actions were perturbed on purpose (the decisions are then the clean labels), or
 * blended from several decisions.
 */
export type ActionLabels = "decided" | "executed";

interface EpisodeFile {
  readonly path: string;
  /** The name that errors say. */
  readonly source: string;
  readonly length: number;
  readonly labels: ActionLabels;
}

/**
 * @throws {RangeError} if a step or number is missing or not finite, or a row has another width
 * @throws {SyntaxError} if the file is damaged
 */
export async function loadMcapEpisode(
  file: EpisodeFile,
  spec: DatasetSpec,
): Promise<LoadedEpisode> {
  const source = fileSource(file.path);
  try {
    const reader = await openEpisode(source);
    assertSteps(reader.steps, file);
    const found = await Promise.all(spec.images.map(({ name }) => reader.imagePlaces(name)));
    // In order, so that what is wrong with several cameras is always told of the same one.
    const places = spec.images.map(
      ({ name }, index) => [name, placesOf(found[index], name, file)] as const,
    );
    return {
      actions: actionRows(reader, file, actionDim(spec.action)),
      proprio: proprioRows(reader.steps, file, spec),
      instructionChanges: changesOf(reader),
      places: Object.fromEntries(places),
    };
  } finally {
    await source.close();
  }
}

function assertSteps(steps: readonly RecordedStep[], { source, length }: EpisodeFile): void {
  const wrong = steps.findIndex(({ step }, i) => step !== i);
  if (wrong >= 0) {
    throw refused(source, `step ${wrong} is recorded as ${steps[wrong]!.step}, must be in order`);
  }
  if (steps.length !== length + 1) {
    throw refused(
      source,
      `it has ${steps.length} steps, must have the ${length + 1} it was ended with`,
    );
  }
}

function actionRows(
  reader: EpisodeReader,
  { source, length, labels }: EpisodeFile,
  width: number,
): Float32Array {
  const rows = new Float32Array(length * width);
  const decided = labels === "decided" ? decidedRows(reader.decisions, length) : [];
  for (let step = 0; step < length; step++) {
    // An action is recorded with the step it led to.
    const action = decided[step] ?? reader.steps[step + 1]?.action;
    if (action?.length !== width) {
      const found = action === undefined ? "no action" : `an action of ${action.length} entries`;
      throw refused(source, `step ${step} has ${found}, must have one of ${width}`);
    }
    rows.set(action, step * width);
  }
  assertFinite(rows, { source, what: "action", width });
  return rows;
}

/** By step; undefined where no decision reaches, as in recordings without decisions. */
function decidedRows(
  decisions: readonly RecordedDecision[],
  length: number,
): (Float32Array | undefined)[] {
  const rows = new Array<Float32Array | undefined>(length).fill(undefined);
  for (const { step, chunk } of decisions) {
    for (let row = 0; row < chunk.horizon && step + row < length; row++) {
      rows[step + row] = chunk.data.subarray(row * chunk.actionDim, (row + 1) * chunk.actionDim);
    }
  }
  return rows;
}

function proprioRows(
  steps: readonly RecordedStep[],
  { source, length }: EpisodeFile,
  spec: DatasetSpec,
): Float32Array {
  const width = proprioDim(spec);
  const rows = new Float32Array(length * width);
  for (let step = 0, at = 0; step < length; step++) {
    for (const { name, shape } of spec.proprio) {
      const values = steps[step]!.proprio[name];
      const size = shape.reduce((product, dim) => product * dim, 1);
      if (values?.length !== size) {
        const found = values === undefined ? "is absent" : `has ${values.length} values`;
        throw refused(source, `"${name}" of step ${step} ${found}, must have ${size} values`);
      }
      rows.set(values, at);
      at += size;
    }
  }
  assertFinite(rows, { source, what: "proprio", width });
  return rows;
}

function changesOf({ header, steps }: EpisodeReader): InstructionChange[] {
  const changes: InstructionChange[] = [];
  let current = header.instruction;
  for (const { step, instruction = header.instruction } of steps) {
    if (instruction !== current) changes.push({ step, instruction });
    current = instruction;
  }
  return changes;
}

function placesOf(
  places: Awaited<ReturnType<EpisodeReader["imagePlaces"]>>,
  camera: string,
  { source, length }: EpisodeFile,
): FramePlaces | undefined {
  if (places === undefined) return undefined;
  const offsets = new Float64Array(length);
  const lengths = new Uint32Array(length);
  for (let step = 0; step < length; step++) {
    const place = places[step];
    if (place === undefined) {
      throw refused(source, `step ${step} has no image "${camera}", every step must have one`);
    }
    offsets[step] = place.offset;
    lengths[step] = place.length;
  }
  return { offsets, lengths };
}

function refused(source: string, why: string): RangeError {
  return new RangeError(`Cannot use "${source}": ${why}`);
}
