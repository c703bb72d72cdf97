import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseBddl } from "../../../../../sim-bridge/sims/manipulation/bddl.ts";
import { Physics } from "../../../../../sim-bridge/sims/manipulation/mujoco.ts";
import type { Goal } from "../../../../../sim-bridge/sims/manipulation/predicates.ts";
import { compileGoal } from "../../../../../sim-bridge/sims/manipulation/predicates.ts";
import { withBoxes } from "../../../../../sim-bridge/sims/manipulation/thing-boxes.ts";
import { tabletopWorld, tasksOf } from "../../../../../sim-bridge/sims/tabletop/index.ts";
import type { QuatWxyz, Vec3 } from "../../../../../src/core/index.ts";
import { multiplyQuats, quatWxyzFromAxisAngle, rotateVec3 } from "../../../../../src/math/index.ts";

const world = tabletopWorld();
/** Substeps of 2 ms. */
const SECOND = 500;

interface Site {
  readonly position: Vec3;
  readonly quatWxyz: QuatWxyz;
}

/** A task's scene, in which things are put where a test wants them. */
class Bench {
  readonly physics: Physics;
  readonly goal: Goal;
  readonly #thing: string;
  readonly #start: Float64Array;

  private constructor(physics: Physics, goal: Goal, about: { thing: string; start: Float64Array }) {
    this.physics = physics;
    this.goal = goal;
    this.#thing = about.thing;
    this.#start = about.start;
  }

  static async of(task: string, thing: string): Promise<Bench> {
    const scene = world.buildScene(task);
    const physics = await Physics.compile(scene.xml, scene.files);
    const goal = compileGoal(parseBddl(scene.bddl).goal, withBoxes(physics, scene), physics);
    return new Bench(physics, goal, { thing, start: world.initialState(task, { index: 0 }).qpos });
  }

  reset(): void {
    this.physics.reset();
    this.physics.views.qpos.set(this.#start);
    this.physics.forward();
    this.goal.start();
  }

  put(position: Vec3, quatWxyz: QuatWxyz = [1, 0, 0, 0]): void {
    const { qposAddress } = this.physics.joint(`${this.#thing}_joint`);
    this.physics.views.qpos.set([...position, ...quatWxyz], qposAddress);
    this.physics.forward();
  }

  /** Steps with the arm held against gravity, far from everything. */
  pass(substeps: number): void {
    for (let substep = 0; substep < substeps; substep++) {
      const { ctrl, qfrcBias, qpos } = this.physics.views;
      this.physics.step1();
      ctrl.set(qfrcBias.subarray(0, 7));
      ctrl.set(qpos.subarray(7, 9), 7);
      this.physics.step2();
    }
  }

  get height(): number {
    return this.physics.views.xpos[3 * this.physics.id("body", this.#thing) + 2]!;
  }

  site(name: string): Site {
    const id = this.physics.id("site", name);
    const { siteXpos, siteXmat } = this.physics.views;
    const [x, y, z] = siteXpos.subarray(3 * id, 3 * id + 3) as unknown as Vec3;
    // All sites that are asked for are turned about y alone.
    const about = Math.atan2(siteXmat[9 * id + 2]!, siteXmat[9 * id]!);
    return { position: [x, y, z], quatWxyz: quatWxyzFromAxisAngle([0, about, 0]) };
  }
}

function about(axis: 0 | 1 | 2, rad: number): QuatWxyz {
  return quatWxyzFromAxisAngle([0, 1, 2].map((i) => (i === axis ? rad : 0)) as unknown as Vec3);
}

function beside({ position, quatWxyz }: Site, by: Vec3): Vec3 {
  const [x, y, z] = rotateVec3(quatWxyz, by);
  return [position[0] + x, position[1] + y, position[2] + z];
}

it("is a suite of one task for each of its families", () => {
  expect(tasksOf("precise").map(({ family }) => family)).toEqual(["insert", "hang"]);
});

describe("put_square_nut_on_peg", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.of("put_square_nut_on_peg", "square_nut_1");
  });
  beforeEach(() => bench.reset());
  afterAll(() => bench.physics[Symbol.dispose]());

  const PEG = [-0.06, -0.14] as const;

  it("is done where the nut lies around the peg, in each of the four turns that fit", () => {
    expect(bench.goal.holds()).toBe(false);
    for (const quarter of [0, 1, 2, 3]) {
      bench.put([...PEG, 0.012], about(2, (quarter * Math.PI) / 2));
      expect(bench.goal.holds(), `quarter ${quarter}`).toBe(true);
    }
  });

  it("is not done beside the peg, above its end, or while the nut sits askew on the way", () => {
    bench.put([PEG[0] + 0.03, PEG[1], 0.012]);
    expect(bench.goal.holds(), "beside").toBe(false);
    bench.put([...PEG, 0.065]);
    expect(bench.goal.holds(), "above").toBe(false);
    bench.put([...PEG, 0.03]);
    expect(bench.goal.holds(), "halfway").toBe(false);
  });

  it("falls down the peg where nothing holds it, and stays on the peg where it is turned by an eighth", () => {
    bench.put([...PEG, 0.045]);
    bench.pass(SECOND);
    expect(bench.height).toBeCloseTo(0.012, 3);
    expect(bench.goal.holds()).toBe(true);
    bench.reset();
    bench.put([...PEG, 0.065], about(2, Math.PI / 4));
    bench.pass(SECOND);
    expect(bench.goal.holds()).toBe(false);
    expect(bench.height).toBeGreaterThan(0.02);
  });

  it("has 1.5 mm of room to every side", () => {
    const penetrates = (by: number): boolean => {
      bench.reset();
      bench.put([PEG[0] + by, PEG[1], 0.013]);
      bench.pass(1);
      const { qvel } = bench.physics.views;
      const { dofAddress } = bench.physics.joint("square_nut_1_joint");
      return Math.abs(qvel[dofAddress]!) > 1e-4;
    };
    expect(penetrates(0.0014)).toBe(false);
    expect(penetrates(0.0018)).toBe(true);
  });
});

describe("hang_wrench_on_rack", () => {
  let bench: Bench;
  let seat: Site;
  beforeAll(async () => {
    bench = await Bench.of("hang_wrench_on_rack", "wrench_1");
  });
  beforeEach(() => {
    bench.reset();
    seat = bench.site("tool_rack_1_seat_region");
  });
  afterAll(() => bench.physics[Symbol.dispose]());

  /** The ring around the pin, the handle hanging down and forward. */
  const ontoPin = (): QuatWxyz => multiplyQuats(seat.quatWxyz, about(2, Math.PI));

  it("is done where the ring is around the pin, and not beside it, beyond its end or without the pin in it", () => {
    expect(bench.goal.holds()).toBe(false);
    bench.put(seat.position, ontoPin());
    expect(bench.goal.holds()).toBe(true);
    bench.put(beside(seat, [0, 0.02, 0]), ontoPin());
    expect(bench.goal.holds(), "beside").toBe(false);
    bench.put(beside(seat, [0, 0, 0.045]), ontoPin());
    expect(bench.goal.holds(), "beyond").toBe(false);
  });

  it("hangs by its contacts alone once the hand is gone", () => {
    bench.put(seat.position, ontoPin());
    bench.pass(3 * SECOND);
    expect(bench.goal.holds()).toBe(true);
    // Nothing but the rack touches it: its handle's end is above the table.
    expect(bench.height).toBeGreaterThan(0.18);
  });

  it("falls where the ring is not around the pin", () => {
    bench.put(beside(seat, [0, 0, 0.05]), multiplyQuats(ontoPin(), about(0, Math.PI / 2)));
    bench.pass(2 * SECOND);
    expect(bench.goal.holds()).toBe(false);
    expect(bench.height).toBeLessThan(0.1);
  });

  it("has a seat that points up and towards the robot", () => {
    const axis = rotateVec3(seat.quatWxyz, [0, 0, 1]);
    expect(axis[0]).toBeCloseTo(-0.5, 9);
    expect(axis[2]).toBeCloseTo(Math.sqrt(3) / 2, 9);
  });
});
