import type {
  ActionChunk,
  Decision,
  Environment,
  EnvironmentSpec,
  NdArray,
  Observation,
  Policy,
  ResetRequest,
  ResetResult,
  TimeStep,
  Want,
} from "../../src/core/index.ts";
import { seeded, WANT_NOTHING } from "../../src/core/index.ts";

const SIZE = 32;
const TABLE_M = 0.6;
const COLOURS = [
  [210, 40, 40],
  [40, 70, 220],
] as const;
const NAMES = ["lift_red", "lift_blue"] as const;

interface Patch {
  readonly x: number;
  readonly y: number;
}

/**
 * A table seen from straight above with one red and one blue patch, and a gripper that is a point.
 * Closing it within 25 mm of a patch, low enough, takes the patch; a patch above 60 mm is success.
 */
export class PatchWorld implements Environment {
  readonly want: Want = { ...WANT_NOTHING, images: "all" };
  readonly identity = { name: "patches", version: "1", versions: {} };
  readonly tasks = NAMES.map((name) => ({
    name,
    suite: "patches",
    instruction: `lift the ${name.slice(5)} patch`,
    initialStates: 0,
  }));
  readonly spec: EnvironmentSpec = {
    observation: {
      images: [{ name: "front", height: SIZE, width: SIZE, channels: 3 }],
      proprio: [
        { name: "eef_position", format: "position", dtype: "float32", shape: [3], unit: "m" },
        { name: "eef_quat_xyzw", format: "quat_xyzw", dtype: "float32", shape: [4] },
        { name: "gripper_opening", format: "gripper_opening", dtype: "float32", shape: [1] },
      ],
      texts: [],
    },
    action: {
      components: [
        { name: "delta_position", format: "delta_position", dtype: "float32", shape: [3] },
        { name: "delta_rotation", format: "delta_axis_angle", dtype: "float32", shape: [3] },
        { name: "gripper", format: "gripper_close_positive", dtype: "float32", shape: [1] },
      ],
    },
    controlFreqHz: 20,
    maxSteps: 80,
    privileged: true,
    snapshot: false,
  };
  #hand = { x: 0, y: 0, z: 0.15, opening: 1 };
  #patches: Patch[] = [];
  #image: NdArray | undefined;
  #target = 0;
  #held = false;
  #step = 0;

  /** The patches of a seed and their picture. */
  layout(seed: number): { patches: readonly Patch[]; image: NdArray } {
    const rng = seeded(`patches/${seed}`);
    const draw = (): number => (rng.uniform() - 0.5) * 0.4;
    const first = { x: draw(), y: draw() };
    let second = { x: draw(), y: draw() };
    while (Math.hypot(first.x - second.x, first.y - second.y) < 0.12)
      second = { x: draw(), y: draw() };
    return { patches: [first, second], image: picture([first, second]) };
  }

  /** An observation in which nothing needs doing. */
  still(): Observation {
    return {
      ...this.#observe(),
      privileged: graphOf({ x: 0, y: 0 }, { x: 0, y: 0, z: 1, opening: 1 }),
    };
  }

  reset({ task, seed }: ResetRequest): Promise<ResetResult> {
    const { patches, image } = this.layout(seed);
    this.#patches = [...patches];
    this.#image = image;
    this.#target = NAMES.indexOf(task as (typeof NAMES)[number]);
    this.#hand = { x: 0, y: 0, z: 0.15, opening: 1 };
    this.#held = false;
    this.#step = 0;
    const first: TimeStep = { ...this.#timeStep("first"), success: false };
    return Promise.resolve({ first, instruction: this.tasks[this.#target]!.instruction });
  }

  step(chunk: ActionChunk): Promise<readonly TimeStep[]> {
    const results: TimeStep[] = [];
    for (let row = 0; row < chunk.horizon; row++) {
      this.#move(chunk.data.subarray(row * 7, row * 7 + 7));
      const done = this.#held && this.#hand.z > 0.06;
      const kind = done || this.#step >= this.spec.maxSteps ? "last" : "mid";
      results.push({
        ...this.#timeStep(kind),
        success: done,
        terminated: done,
        truncated: kind === "last" && !done,
      });
      if (kind === "last") break;
    }
    return Promise.resolve(results);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #move(action: Float32Array): void {
    const [dx = 0, dy = 0, dz = 0] = action;
    const unit = (v: number): number => 0.05 * Math.min(1, Math.max(-1, v));
    const hand = this.#hand;
    const opening = Math.min(1, Math.max(0, hand.opening - 0.25 * Math.sign(action[6] ?? 0)));
    this.#hand = {
      x: hand.x + unit(dx),
      y: hand.y + unit(dy),
      z: Math.max(0, hand.z + unit(dz)),
      opening,
    };
    const patch = this.#patches[this.#target]!;
    const near = Math.hypot(patch.x - this.#hand.x, patch.y - this.#hand.y) < 0.025;
    if (opening < 0.3 && !this.#held) this.#held = near && this.#hand.z < 0.03;
    if (opening > 0.3) this.#held = false;
    this.#step++;
  }

  #observe(): Observation {
    const { x, y, z, opening } = this.#hand;
    const f32 = (...values: number[]): NdArray => ({
      dtype: "float32",
      shape: [values.length],
      data: Float32Array.from(values),
    });
    return {
      images: this.#image === undefined ? {} : { front: this.#image },
      proprio: {
        eef_position: f32(x, y, z),
        eef_quat_xyzw: f32(1, 0, 0, 0),
        gripper_opening: f32(opening),
      },
      texts: {},
      instruction: this.tasks[this.#target]?.instruction ?? "",
      step: this.#step,
      stampNs: BigInt(this.#step) * 50_000_000n,
      privileged: graphOf(this.#patches[this.#target] ?? { x: 0, y: 0 }, this.#hand),
    };
  }

  #timeStep(kind: TimeStep["kind"]): TimeStep {
    return {
      kind,
      observation: this.#observe(),
      reward: 0,
      terminated: false,
      truncated: false,
      busyNs: 0n,
    };
  }
}

function graphOf(patch: Patch, hand: { x: number; y: number; z: number; opening: number }) {
  const entity = {
    name: "target",
    kind: "object" as const,
    category: "patch",
    position: [patch.x, patch.y, 0] as const,
    quatWxyz: [1, 0, 0, 0] as const,
    halfExtents: [0.02, 0.02, 0] as const,
    boxes: {},
  };
  const position = [hand.x, hand.y, hand.z] as const;
  const gripper = { position, quatWxyz: [1, 0, 0, 0] as const, opening: hand.opening, holding: [] };
  return { entities: [entity], gripper, goal: [["Lifted", "target"]] };
}

/** A grey table of faint noise with a 5 x 5 pixel patch of each colour, anti-aliased by position. */
function picture(patches: readonly Patch[]): NdArray {
  const data = new Uint8Array(SIZE * SIZE * 3);
  for (let row = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      const pixel: number[] = [150 + ((row * 7 + column * 13) % 11), 140, 120];
      for (const [k, patch] of patches.entries()) {
        const u = (patch.x / TABLE_M + 0.5) * SIZE - 0.5;
        const v = (patch.y / TABLE_M + 0.5) * SIZE - 0.5;
        const cover = (d: number): number => Math.min(1, Math.max(0, 3 - Math.abs(d)));
        const share = cover(column - u) * cover(row - v);
        for (let c = 0; c < 3; c++) pixel[c] = pixel[c]! * (1 - share) + COLOURS[k]![c]! * share;
      }
      data.set(pixel, (row * SIZE + column) * 3);
    }
  }
  return { dtype: "uint8", shape: [SIZE, SIZE, 3], data };
}

/** Goes above the patch, down, closes, and up. Reads only the ground truth. */
export function patchExpert(): Policy {
  return {
    spec: {
      name: "patch_expert",
      observation: "any",
      action: "any",
      predictHorizon: 1,
      privileged: true,
    },
    reset: () => Promise.resolve(),
    decide({ privileged }): Promise<Decision> {
      const { gripper, entities } = privileged!;
      const [x = 0, y = 0] = entities[0]!.position;
      const [hx, hy, hz] = gripper.position;
      // Slow enough that an episode is some thirty examples.
      const clip = (v: number): number => Math.min(0.4, Math.max(-0.4, v));
      const [dx, dy] = [clip((x - hx) / 0.05), clip((y - hy) / 0.05)];
      const over = Math.hypot(x - hx, y - hy) < 0.008;
      const low = over && hz < 0.012;
      const closed = gripper.opening < 0.3;
      const dz = closed ? 0.4 : low ? 0 : over ? clip(-hz / 0.05) : clip((0.08 - hz) / 0.05);
      const grip = low || closed ? 1 : -1;
      const data = Float32Array.of(dx, dy, dz, 0, 0, 0, grip);
      return Promise.resolve({
        chunk: { data, horizon: 1, actionDim: 7 },
        thoughts: [],
        timing: { totalMs: 0 },
      });
    },
  };
}
