import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { parseBddl } from "../../../../../sim-bridge/sims/manipulation/bddl.ts";
import { Physics } from "../../../../../sim-bridge/sims/manipulation/mujoco.ts";
import { compileGoal } from "../../../../../sim-bridge/sims/manipulation/predicates.ts";
import type { ManipulationScene } from "../../../../../sim-bridge/sims/manipulation/world.ts";
import {
  INITIAL_STATES,
  tabletopWorld,
  tasks,
} from "../../../../../sim-bridge/sims/tabletop/index.ts";
import { withBoxes } from "../../../../../sim-bridge/sims/manipulation/thing-boxes.ts";

const world = tabletopWorld();
/** Substeps of 2 ms. */
const SECOND = 500;
/** Of each task's states so many are watched for a whole second, the others for a tenth. */
const WATCHED_LONG = 3;
let stepNs = 0n;
let steps = 0;

/** Steps with the arm held against gravity and the fingers where they are. */
function rest(physics: Physics, substeps: number): void {
  const startedNs = process.hrtime.bigint();
  for (let substep = 0; substep < substeps; substep++) {
    const { ctrl, qfrcBias, qpos } = physics.views;
    physics.step1();
    ctrl.set(qfrcBias.subarray(0, 7));
    ctrl.set(qpos.subarray(7, 9), 7);
    physics.step2();
  }
  stepNs += process.hrtime.bigint() - startedNs;
  steps += substeps;
}

function objectPositions(physics: Physics, { things }: ManipulationScene): number[][] {
  return Object.values(things)
    .filter(({ kind }) => kind === "object")
    .map(({ rootBody }) => {
      const id = physics.id("body", rootBody);
      return [...physics.views.xpos.subarray(3 * id, 3 * id + 3)];
    });
}

describe.each(tasks().map((task) => [task.name, task] as const))("%s", (name, task) => {
  it("starts at rest, apart and undone from each of its 50 states", async () => {
    const scene = world.buildScene(name);
    using physics = await Physics.compile(scene.xml, scene.files);
    const goal = compileGoal(parseBddl(task.bddl).goal, withBoxes(physics, scene), physics);
    for (let index = 0; index < INITIAL_STATES; index++) {
      const { qpos, qvel } = world.initialState(name, { index });
      expect(qpos).toHaveLength(physics.nq);
      expect(qvel).toHaveLength(physics.nv);
      physics.reset();
      physics.views.qpos.set(qpos);
      physics.views.qvel.set(qvel);
      physics.forward();
      goal.start();
      const before = objectPositions(physics, scene);
      // What overlaps is thrown apart at once: 1 mm of it by much more than 5 mm.
      rest(physics, index < WATCHED_LONG ? SECOND : SECOND / 10);
      const after = objectPositions(physics, scene);
      before.forEach((start, object) => {
        const moved = Math.hypot(...start.map((value, axis) => after[object]![axis]! - value));
        expect(moved, `object ${object} of state ${index}`).toBeLessThan(0.001);
      });
      expect(goal.holds(), `goal in state ${index}`).toBe(false);
    }
  });
});

afterAll(() => {
  const microseconds = Number(stepNs) / 1e3 / steps;
  process.stderr.write(
    `tabletop physics: ${microseconds.toFixed(1)} us per substep over ${steps} substeps\n`,
  );
});

describe("initialState()", () => {
  it("is the same on every machine: golden hashes of all fixed states", () => {
    const hashOf = (isIn: (suite: string) => boolean): string => {
      const hash = createHash("sha256");
      for (const { name } of tasks().filter(({ suite }) => isIn(suite))) {
        for (let index = 0; index < INITIAL_STATES; index++) {
          hash.update(new Uint8Array(world.initialState(name, { index }).qpos.buffer));
        }
      }
      return hash.digest("hex");
    };
    // A change here is a change of the benchmark: raise TABLETOP_VERSION with it.
    expect(hashOf((suite) => suite !== "precise")).toBe(
      "0951f41bb9e42cd012e532cd0236926024c72bd79b19e18bfb41b840c39840a0",
    );
    expect(hashOf((suite) => suite === "precise")).toBe(
      "b47eea3a21e98cabaf1856e8195d1c160f04f57aa5f04b53c7d147560735c5e3",
    );
  });

  it("draws other states from other seeds, and the same from the same", () => {
    const draw = (seed: number): Float64Array => world.initialState("lift_red_cube", { seed }).qpos;
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1)).not.toEqual(world.initialState("lift_red_cube", { index: 1 }).qpos);
  });
});
