import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Environment, SceneEntity } from "../../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../../src/core/index.ts";
import { ARM_STATE_SIZE } from "../../../../src/cli/reproduce/arm-state.ts";
import { TASK_STATE_SIZE, withTaskState } from "../../../../src/cli/reproduce/task-state.ts";
import { matrixFromQuatWxyz } from "../../../../src/math/index.ts";
import { createTabletop } from "../../../../sim-bridge/sims/tabletop/index.ts";
import { FakeEnv } from "../../../support/fake-env.ts";

const PRIVILEGED = { ...WANT_NOTHING, privileged: true };

describe("withTaskState()", () => {
  let env: Environment;
  beforeAll(async () => {
    env = withTaskState(await createTabletop({ images: [] }));
  });
  afterAll(() => env.close());

  async function begun(task: string): Promise<{
    readonly state: Float32Array;
    readonly entity: (name: string) => SceneEntity;
    readonly centre: readonly number[];
  }> {
    const { first } = await env.reset({ task, seed: 2, want: PRIVILEGED });
    const { entities, gripper } = first.observation.privileged!;
    const state = first.observation.proprio["state"]!.data as Float32Array;
    const entity = (name: string): SceneEntity => entities.find((one) => one.name === name)!;
    return { state, entity, centre: gripper.position };
  }

  it("tells the thing from the hand, and its place from the thing", async () => {
    const { state, entity, centre } = await begun("put_red_cube_in_bin");
    const [cube, place] = [entity("red_cube_1"), entity("bin_1_contain_region")];
    expect(state).toHaveLength(TASK_STATE_SIZE);
    expect(env.spec.observation.proprio.map(({ shape }) => shape)).toEqual([[TASK_STATE_SIZE]]);
    const matrix = matrixFromQuatWxyz(cube.quatWxyz);
    const columns = [0, 3, 6, 1, 4, 7].map((i) => matrix[i]!);
    for (let axis = 0; axis < 3; axis++) {
      expect(state[axis]).toBeCloseTo(centre[axis]!, 6);
      expect(state[10 + axis]).toBeCloseTo(cube.position[axis]! - centre[axis]!, 6);
      expect(state[ARM_STATE_SIZE + axis]).toBeCloseTo(
        place.position[axis]! - cube.position[axis]!,
        6,
      );
    }
    columns.forEach((value, i) => expect(state[13 + i]).toBeCloseTo(value, 6));
    expect(state[22]).toBe(0);
  });

  it("tells a drawer that is to be moved by its handle, and how far it is open", async () => {
    const open = await begun("open_top_drawer");
    const shut = await begun("close_bottom_drawer");
    for (const [{ state, entity, centre }, name] of [
      [open, "cabinet_1_top"],
      [shut, "cabinet_1_bottom"],
    ] as const) {
      const { grasp, joint, position } = entity(`${name}_drawer`) ?? entity(name);
      const held = grasp ?? position;
      held.forEach((value, axis) => {
        expect(state[10 + axis]).toBeCloseTo(value - centre[axis]!, 6);
        expect(state[ARM_STATE_SIZE + axis]).toBe(0);
      });
      expect(state[22]).toBeCloseTo(joint!.value, 6);
    }
    expect(Math.abs(shut.state[22]!)).toBeGreaterThan(Math.abs(open.state[22]!) + 0.05);
  });

  it("tells the ground truth to those alone who ask for it, at every step", async () => {
    const request = { task: "put_red_cube_in_bin", seed: 2 };
    const { first } = await env.reset({ ...request, want: WANT_NOTHING });
    expect(first.observation.privileged).toBeUndefined();
    const chunk = { data: Float32Array.of(0, 0, -1, 0, 0, 0, 0), horizon: 1, actionDim: 7 };
    const [step] = await env.step(chunk, WANT_NOTHING);
    expect(step!.observation.privileged).toBeUndefined();
    const [before, after] = [first, step!].map(({ observation }) => {
      return observation.proprio["state"]!.data;
    });
    expect(Number(after![12])).toBeGreaterThan(Number(before![12]));
    const [asked] = await env.step(chunk, PRIVILEGED);
    expect(asked!.observation.privileged!.goal[0]).toEqual([
      "in",
      "red_cube_1",
      "bin_1_contain_region",
    ]);
  });

  it("refuses a world that has no ground truth", async () => {
    const blind = withTaskState(new FakeEnv());
    const request = { task: "count_up", seed: 0, want: WANT_NOTHING };
    await expect(blind.reset(request)).rejects.toThrow(/has no ground truth/);
  });
});
