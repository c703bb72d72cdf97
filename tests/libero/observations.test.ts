/**
 * What a policy sees is what the original shows it: robosuite samples observations one substep before a control step ends,
 * 48 ms into its 50. Looking at the end instead is off by 2 ms of motion, which this test would notice.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TimeStep } from "../../src/core/index.ts";
import { WANT_NOTHING, seeded } from "../../src/core/index.ts";
import type { Side } from "./sides.ts";
import { TASKS, apart, openOriginal, openOurs, sample, together, upwardMotion } from "./sides.ts";

const tasks = sample(TASKS, 5);
const STEPS = 20;

const proprio = (step: TimeStep, name: string): Float32Array =>
  step.observation.proprio[name]!.data as Float32Array;

describe("observations", () => {
  let original: Side;
  let ours: Side;
  beforeAll(async () => {
    original = await openOriginal(tasks, ["--no-images"]);
    ours = await openOurs();
  });
  afterAll(async () => {
    await original[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
  });

  it.each(tasks)("of %s are sampled when robosuite samples them", async (task) => {
    const actions = upwardMotion(STEPS, seeded(task));
    const sides = [ours.environment, original.environment] as const;
    const pairs = await together(sides, { task, initialState: 5, actions, want: WANT_NOTHING });
    for (const [step, [a, b]] of pairs.entries()) {
      for (const name of Object.keys(b.observation.proprio)) {
        expect(apart(proprio(a, name), proprio(b, name)), `${name}, step ${step}`).toBeLessThan(
          1e-6,
        );
      }
    }
    // The same motion seen at the end of each step differs by much more than that bound.
    await using late = await openOurs({ observes: "end" });
    await late.environment.reset({ task, seed: 0, initialState: 5, want: WANT_NOTHING });
    const chunk = { data: actions.slice(), horizon: STEPS, actionDim: 7 };
    const steps = await late.environment.step(chunk, WANT_NOTHING);
    const offsets = steps.map((step, i) =>
      apart(proprio(step, "joint_position"), proprio(pairs[i + 1]![1], "joint_position")),
    );
    expect(Math.max(...offsets)).toBeGreaterThan(1e-4);
  });

  it("come back with a snapshot", async () => {
    const task = tasks[0]!;
    const { environment } = ours;
    await environment.reset({ task, seed: 0, initialState: 2, want: WANT_NOTHING });
    const data = upwardMotion(8, seeded("snapshot"));
    const chunk = { data: data.slice(0, 28), horizon: 4, actionDim: 7 };
    const before = (await environment.step(chunk, WANT_NOTHING)).at(-1)!;
    const snapshot = await environment.snapshot!();
    const rest = { data: data.slice(28), horizon: 4, actionDim: 7 };
    const went = await environment.step(rest, WANT_NOTHING);
    const back = await environment.restore!(snapshot, WANT_NOTHING);
    expect(back.observation.proprio).toEqual(before.observation.proprio);
    const again = await environment.step(rest, WANT_NOTHING);
    expect(again.map(({ observation }) => observation.proprio)).toEqual(
      went.map(({ observation }) => observation.proprio),
    );
  });
});
