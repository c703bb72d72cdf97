/** Demonstrations from an expert in an environment, disturbed on purpose. */
import type {
  Environment,
  NdArray,
  Observation,
  Policy,
  Rng,
  TimeStep,
  Want,
} from "../../src/core/index.ts";
import { ACTION_DIM, PROPRIO } from "./config.ts";

export interface DemonstrationStep {
  /** `float64[8]`, see `PROPRIO`. */
  readonly proprio: Float64Array;
  /** What the expert wanted here, `float64[7]`; what was executed may differ. */
  readonly action: Float64Array;
}

export interface Demonstration {
  readonly task: string;
  readonly seed: number;
  /** Whether the arm was pushed on the way: then it takes hold less exactly. */
  readonly disturbed: boolean;
  /** The first picture, before anything moved. */
  readonly image: NdArray;
  readonly steps: readonly DemonstrationStep[];
}

export interface CollectOptions {
  readonly environment: Environment;
  /** Asked at every step; must be without noise of its own. */
  readonly expert: Policy;
  readonly task: string;
  readonly seed: number;
  readonly camera: string;
  readonly rng: Rng;
  /** Chance per step that the arm is pushed off the expert's way for a few steps, in [0, 1]. */
  readonly disturbance: number;
}

/** Flat numbers of the proprio components the policy reads. */
export function proprioOf({ proprio }: Observation): Float64Array {
  return Float64Array.from(
    PROPRIO.flatMap(({ name, size }) => {
      const values = Array.from(proprio[name]?.data ?? [], Number);
      if (values.length !== size) {
        throw new TypeError(
          `Cannot read proprio "${name}": it has ${values.length} values, must have ${size}`,
        );
      }
      return values;
    }),
  );
}

/**
 * Runs the expert once. Now and then the executed motion is offset for some steps while the expert's
 * own action is what is recorded, so that the data shows the way back from where a learner may end up
 * (noise injection, Laskey et al. 2017, "DART", CoRL; bursts instead of white noise).
 * @returns undefined if the task was not done
 */
export async function collectDemonstration(
  options: CollectOptions,
): Promise<Demonstration | undefined> {
  const { environment, expert, task, seed, camera, rng, disturbance } = options;
  const want = wantOf(environment.spec.privileged && expert.spec.privileged);
  const start = await environment.reset({ task, seed, want: { ...want, images: [camera] } });
  const { instruction } = start;
  await expert.reset({ task, instruction, seed, spec: environment.spec });
  const image = start.first.observation.images[camera];
  if (image === undefined) throw new TypeError(`Cannot demonstrate: there is no image "${camera}"`);
  const steps: DemonstrationStep[] = [];
  const push = pushes(rng, disturbance);
  let now: TimeStep = start.first;
  while (now.kind !== "last") {
    const { chunk } = await expert.decide(now.observation);
    const action = Float64Array.from(chunk.data.subarray(0, ACTION_DIM));
    steps.push({ proprio: proprioOf(now.observation), action });
    const isClosing = action[ACTION_DIM - 1]! > 0;
    const executed = Float32Array.from(action);
    // Never while taking hold: a push there makes the grasp fail rather than teach anything.
    if (!isClosing) for (const [i, offset] of push().entries()) executed[i]! += offset;
    const results = await environment.step(
      { data: executed, horizon: 1, actionDim: ACTION_DIM },
      want,
    );
    now = results[0]!;
  }
  return now.success === true
    ? { task, seed, disturbed: disturbance > 0, image, steps }
    : undefined;
}

/** Offsets of the translation, in action units: mostly none, sometimes the same one for 2 to 6 steps. */
function pushes(rng: Rng, chance: number): () => readonly number[] {
  let left = 0;
  let offset: number[] = [];
  return () => {
    if (left === 0 && rng.uniform() < chance) {
      left = 2 + rng.int(5);
      offset = [0, 1, 2].map(() => 0.4 * rng.normal());
    }
    if (left === 0) return [];
    left--;
    return offset;
  };
}

function wantOf(privileged: boolean): Want {
  return {
    images: "none",
    imagesAt: "last",
    poses: false,
    privileged,
    depth: false,
    segmentation: false,
  };
}

/** The step at which the expert first closes the gripper: there the tool centre is at the target. */
export function graspStep({ steps }: Demonstration): DemonstrationStep {
  const found = steps.find(({ action }) => action[ACTION_DIM - 1]! > 0);
  if (found === undefined)
    throw new RangeError("Cannot use a demonstration: nothing is taken hold of");
  return found;
}
