/**
 * The smallest hand that can test geometry: straight moves with the tool pointing down, pinches from
 * above. It reads the ground truth and knows no task.
 */
import type {
  Environment,
  SceneEntity,
  SceneGraph,
  TimeStep,
} from "../../../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../../../src/core/index.ts";

const want = { ...WANT_NOTHING, privileged: true };
type Point = readonly [number, number, number];

export class Hand {
  readonly #environment: Environment;
  #last: TimeStep;
  /** -1 opens, +1 closes. */
  grip: -1 | 1 = -1;

  constructor(environment: Environment, first: TimeStep) {
    this.#environment = environment;
    this.#last = first;
  }

  static async start(
    environment: Environment,
    episode: { task: string; initialState: number },
  ): Promise<Hand> {
    const { first } = await environment.reset({ ...episode, seed: 0, want });
    return new Hand(environment, first);
  }

  get graph(): SceneGraph {
    return this.#last.observation.privileged!;
  }

  get hasSucceeded(): boolean {
    return this.#last.terminated;
  }

  entity(name: string): SceneEntity {
    return this.graph.entities.find((entity) => entity.name === name)!;
  }

  /** Moves the tool centre straight to a point, turned so that the fingers close along `yaw`. */
  async moveTo(target: Point, { yaw = Math.PI / 2, speed = 0.8, steps = 70 } = {}): Promise<void> {
    for (let step = 0; step < steps && this.#last.kind !== "last"; step++) {
      const { position } = this.graph.gripper;
      const away = target.map((value, axis) => value - position[axis]!);
      const turn = this.#turnTo(yaw);
      if (Math.hypot(...away) < 0.003 && Math.hypot(...turn) < 0.1) return;
      const move = away.map((value) => (1.6 * value) / 0.05);
      const scale = Math.min(1, speed / Math.max(...move.map(Math.abs)));
      await this.#act([...move.map((value) => value * scale), ...turn, this.grip]);
    }
  }

  /** Opens or closes and waits until the fingers have moved. */
  async setGrip(grip: -1 | 1): Promise<void> {
    this.grip = grip;
    for (let step = 0; step < 10; step++) await this.#act([0, 0, 0, 0, 0, 0, grip]);
  }

  /** Pinches a point from above and comes up again. */
  async pick([x, y, z]: Point, yaw: number): Promise<void> {
    await this.moveTo([x, y, z + 0.1], { yaw });
    await this.moveTo([x, y, z], { yaw, speed: 0.35 });
    await this.setGrip(1);
    await this.moveTo([x, y, z + 0.12], { yaw, speed: 0.5 });
  }

  async #act(row: readonly number[]): Promise<void> {
    if (this.#last.kind === "last") return;
    const chunk = { data: Float32Array.from(row), horizon: 1, actionDim: 7 };
    const [next] = await this.#environment.step(chunk, want);
    this.#last = next!;
  }

  /** Rotation command towards "z down, fingers along yaw"; the gripper looks the same turned by pi. */
  #turnTo(yaw: number): number[] {
    const columns = axesOf(this.graph.gripper.quatWxyz);
    const [, y] = columns;
    const sign = Math.cos(yaw) * y[0] + Math.sin(yaw) * y[1] < 0 ? -1 : 1;
    const [cx, cy] = [sign * Math.cos(yaw), sign * Math.sin(yaw)];
    const wanted: readonly Point[] = [
      [-cy, cx, 0],
      [cx, cy, 0],
      [0, 0, -1],
    ];
    const error = [0, 0, 0];
    columns.forEach((axis, k) => {
      const goal = wanted[k]!;
      for (let i = 0; i < 3; i++) {
        const [j, l] = [(i + 1) % 3, (i + 2) % 3];
        error[i]! += 0.5 * (axis[j]! * goal[l]! - axis[l]! * goal[j]!);
      }
    });
    return error.map((value) => Math.max(-1, Math.min(1, (1.2 * value) / 0.5)));
  }
}

/** Columns of the rotation matrix: where the frame's x, y and z point. */
export function axesOf([w, x, y, z]: readonly [number, number, number, number]): readonly [
  Point,
  Point,
  Point,
] {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
    [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
  ];
}
