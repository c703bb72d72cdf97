/** A dataset without the steps in which hardly anything is done. */
import { createHash } from "node:crypto";
import type { ComponentFormat } from "../../core/index.ts";
import { actionDim, elementCount, STILL_AT_ZERO } from "../../core/index.ts";
import { episodeAt, proprioDim } from "./spec.ts";
import type {
  Dataset,
  DatasetEpisode,
  Frame,
  FrameRequest,
  FrameSource,
  FrameSourceDescription,
  InstructionChange,
  SelectedFrames,
} from "./types.ts";

export interface IdleOptions {
  /** A step is idle where every number of its action but the gripper's command is less than this from 0, in units of the action. */
  readonly below: number;
  /** Steps that are kept all the same from a change of the gripper's command on, because fingers take their time while the arm waits for them; at least 1. */
  readonly settle: number;
}

const GRIPPER: ReadonlySet<ComponentFormat> = new Set([
  "gripper_opening",
  "gripper_close_positive",
  "gripper_open_positive",
]);

/**
 * The same episodes, without their idle steps: what is left moves up, so that a chunk goes on with what was done after a pause.
 *
 * Who imitates an expert that slows down before it goes on learns from such steps to stand still: what is seen hardly changes there,
 * and nothing tells how long to wait. OpenVLA (arXiv 2406.09246) leaves them out of LIBERO's demonstrations; here the fingers get
 * time to close besides. Windows of several frames reach back over them, too.
 *
 * @throws {RangeError} if an option makes no sense, or an episode has no other steps
 * @throws {TypeError} if 0 does not mean to stay in a component of the action
 */
export async function withoutIdle(dataset: Dataset, options: IdleOptions): Promise<Dataset> {
  const { below, settle } = options;
  if (!(below > 0 && below < Infinity) || !Number.isInteger(settle) || settle < 1) {
    throw new RangeError(
      `Cannot leave out idle steps below ${below}, settling for ${settle}: must be a positive number, and a whole number of steps of at least 1`,
    );
  }
  const columns = columnsOf(dataset);
  const width = actionDim(dataset.spec.action);
  const kept: Uint32Array[] = [];
  for (const { index, source } of dataset.episodes) {
    const steps = busySteps(await dataset.actions(index), { below, settle, width, ...columns });
    if (steps.length === 0) {
      throw new RangeError(
        `Cannot leave out idle steps of "${source}": every action is below ${below}, must not be`,
      );
    }
    kept.push(steps);
  }
  return new BusyDataset(dataset, kept, { below, settle });
}

interface Columns {
  readonly moving: readonly number[];
  readonly gripper: readonly number[];
}

function columnsOf({ name, spec }: Dataset): Columns {
  const moving: number[] = [];
  const gripper: number[] = [];
  let at = 0;
  for (const component of spec.action.components) {
    const into = GRIPPER.has(component.format) ? gripper : moving;
    if (into === moving && !STILL_AT_ZERO.has(component.format)) {
      throw new TypeError(
        `Cannot leave out idle steps of "${name}": action "${component.name}" is ${component.format}, must be one of ${[...STILL_AT_ZERO].join(", ")} or a gripper's command`,
      );
    }
    for (let end = at + elementCount(component.shape); at < end; at++) into.push(at);
  }
  return { moving, gripper };
}

/** @param actions `float32[steps, width]` */
function busySteps(
  actions: Float32Array,
  about: Columns & IdleOptions & { readonly width: number },
): Uint32Array {
  const { moving, gripper, below, settle, width } = about;
  const busy: number[] = [];
  let changed = -Infinity;
  for (let step = 0; step * width < actions.length; step++) {
    const row = actions.subarray(step * width, (step + 1) * width);
    const before = actions.subarray((step - 1) * width, step * width);
    if (step > 0 && gripper.some((at) => row[at] !== before[at])) changed = step;
    const isMoving = moving.some((at) => Math.abs(row[at]!) >= below);
    if (isMoving || step - changed < settle) busy.push(step);
  }
  return Uint32Array.from(busy);
}

class BusyDataset implements Dataset {
  readonly name: string;
  readonly spec: Dataset["spec"];
  readonly skipped: Dataset["skipped"];
  readonly episodes: readonly DatasetEpisode[];
  readonly hash: string;
  readonly #all: Dataset;
  readonly #kept: readonly Uint32Array[];

  constructor(all: Dataset, kept: readonly Uint32Array[], options: IdleOptions) {
    const { name, spec, skipped, episodes, hash } = all;
    this.name = name;
    this.spec = spec;
    this.skipped = skipped;
    this.episodes = episodes.map((episode, i) => ({ ...episode, length: kept[i]!.length }));
    const { below, settle } = options;
    this.hash = createHash("sha256")
      .update(JSON.stringify([hash, { below, settle }]))
      .digest("hex");
    this.#all = all;
    this.#kept = kept;
  }

  async read(request: FrameRequest): Promise<Frame> {
    const { episode, step } = request;
    episodeAt(this.episodes, episode, step);
    return this.#all.read({ ...request, step: this.#kept[episode]![step]! });
  }

  async actions(episode: number): Promise<Float32Array> {
    return this.#rows(episode, await this.#all.actions(episode), actionDim(this.spec.action));
  }

  async proprio(episode: number): Promise<Float32Array> {
    return this.#rows(episode, await this.#all.proprio(episode), proprioDim(this.spec));
  }

  async instructionChanges(episode: number): Promise<readonly InstructionChange[]> {
    const changes = await this.#all.instructionChanges(episode);
    const kept = this.#kept[episode]!;
    return changes.flatMap((change) => {
      const step = kept.findIndex((busy) => busy >= change.step);
      return step < 0 ? [] : [{ ...change, step }];
    });
  }

  async frameSource(cameras: readonly string[]): Promise<SelectedFrames> {
    return { kind: "selected", of: await this.#all.frameSource(cameras), steps: this.#kept };
  }

  close(): Promise<void> {
    return this.#all.close();
  }

  #rows(episode: number, rows: Float32Array, width: number): Float32Array {
    const kept = this.#kept[episode]!;
    const picked = new Float32Array(kept.length * width);
    for (const [i, step] of kept.entries()) {
      picked.set(rows.subarray(step * width, (step + 1) * width), i * width);
    }
    return picked;
  }
}

/** Images of the steps that are left. */
export function openSelectedFrames(
  { of, steps }: SelectedFrames,
  open: (description: FrameSourceDescription) => FrameSource,
): FrameSource {
  const all = open(of);
  return {
    wholeEpisodes: all.wholeEpisodes,
    read(episode, step, camera) {
      const kept = steps[episode]?.[step];
      if (kept !== undefined) return all.read(episode, kept, camera);
      return Promise.reject(
        new RangeError(`Cannot read step ${step} of episode ${episode}: it is not there, must be`),
      );
    },
    close: () => all.close(),
  };
}
