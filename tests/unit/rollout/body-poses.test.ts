import { describe, expect, it } from "vitest";
import type { ResetResult, TimeStep, Want } from "../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../src/core/index.ts";
import { brokered } from "../../../src/rollout/controller.ts";
import { withBodyPoses } from "../../../src/rollout/body-poses.ts";
import { rollout } from "../../../src/rollout/rollout.ts";
import { FakeEnv, fakePolicy } from "../../support/fake-env.ts";

/** Two bodies; the second moves by 1 along x at every step. */
class BodyEnv extends FakeEnv {
  readonly wants: Want[] = [];

  override async reset(request: Parameters<FakeEnv["reset"]>[0]): Promise<ResetResult> {
    const result = await super.reset(request);
    this.wants.push(request.want);
    const scene = { bodies: ["world", "cube"], geoms: [], cameras: [] };
    return { ...result, first: this.#posed(result.first, request.want), scene };
  }

  override async step(...[chunk, want]: Parameters<FakeEnv["step"]>): Promise<TimeStep[]> {
    this.wants.push(want);
    return (await super.step(chunk, want)).map((step) => this.#posed(step, want));
  }

  #posed(step: TimeStep, want: Want): TimeStep {
    if (!want.poses) return step;
    const moved = [step.observation.step, 2, 3, 0, 1, 0, 0];
    return { ...step, poses: Float64Array.from([0, 0, 0, 1, 0, 0, 0, ...moved]) };
  }
}

const reset = (want: Want = WANT_NOTHING) => ({ task: "count_up", seed: 0, want });

describe("withBodyPoses()", () => {
  it("adds where bodies are to what is seen, and to the spec", async () => {
    const env = withBodyPoses(new BodyEnv(), ["cube"]);
    expect(env.spec.observation.proprio.map(({ name }) => name)).toEqual([
      "count",
      "cube/position",
      "cube/quat_wxyz",
    ]);
    await env.reset(reset());
    const chunk = { data: new Float32Array(4), horizon: 2, actionDim: 2 };
    const [, second] = await env.step(chunk, WANT_NOTHING);
    const { proprio } = second!.observation;
    expect([...proprio["cube/position"]!.data]).toEqual([2, 2, 3]);
    expect([...proprio["cube/quat_wxyz"]!.data]).toEqual([0, 1, 0, 0]);
    expect(proprio["count"]).toBeDefined();
  });

  it("hands on poses to whoever wanted them, and to nobody else", async () => {
    const inner = new BodyEnv();
    const env = withBodyPoses(inner, ["cube"]);
    expect((await env.reset(reset())).first.poses).toBeUndefined();
    expect((await env.reset(reset({ ...WANT_NOTHING, poses: true }))).first.poses).toHaveLength(14);
    expect(inner.wants.every(({ poses }) => poses)).toBe(true);
  });

  it("is a world that a policy can be run in", async () => {
    const env = withBodyPoses(new BodyEnv(), ["cube"]);
    const { steps } = await rollout(brokered(fakePolicy()), env, { task: "count_up" });
    expect(steps).toBe(5);
  });

  it("names what is not there", async () => {
    expect(() => withBodyPoses(new BodyEnv(), [])).toThrow("must be at least one body");
    expect(() => withBodyPoses(new BodyEnv(), ["cube", "cube"])).toThrow("each once");
    const missing = withBodyPoses(new BodyEnv(), ["ball"]);
    await expect(missing.reset(reset())).rejects.toThrow(
      '"ball": the scene has no such body, must be one of world, cube',
    );
    await expect(withBodyPoses(new FakeEnv(), ["cube"]).reset(reset())).rejects.toThrow(
      "describes no scene",
    );
  });
});
