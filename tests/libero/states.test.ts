/** The same actions from the same official states lead to the same states here and in the original. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seeded } from "../../src/core/index.ts";
import type { Side } from "./sides.ts";
import { POSES, TASKS, apart, openOriginal, openOurs, sample } from "./sides.ts";
import { together, upwardMotion } from "./sides.ts";

const tasks = sample(TASKS, 26);
const STATES = [0, 23, 49];
const STEPS = 30;
/** Positions in m and entries of quaternions, of every body; rounding makes about 1e-15 of it. */
const BOUND = 1e-12;
/**
 * In some official states of these scenes things overlap and throw each other up to half a metre away within the first
 * second. A collision like that multiplies rounding errors: a start that is 1e-15 away ends as far apart in the original.
 */
const OVERLAPPING = /^(10|90)\/LIVING_ROOM_SCENE[123]_/;
const STEPS_BEFORE_COLLISIONS = 10;

describe("states of ours and the original", () => {
  let original: Side;
  let ours: Side;
  beforeAll(async () => {
    original = await openOriginal(tasks, ["--no-images", "--observe", "end"]);
    ours = await openOurs({ observes: "end" });
  });
  afterAll(async () => {
    await original[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
  });

  it("are told in the same words", () => {
    const [a, b] = [ours.environment.spec, original.environment.spec];
    expect(b.action).toEqual(a.action);
    expect(b.observation.proprio).toEqual(a.observation.proprio);
    expect(b.controlFreqHz).toBe(a.controlFreqHz);
  });

  it.each(tasks)("of %s are the same", async (task) => {
    const steps = OVERLAPPING.test(task) ? STEPS_BEFORE_COLLISIONS : STEPS;
    for (const initialState of STATES) {
      const actions = upwardMotion(steps, seeded(`${task} ${initialState}`));
      const episode = { task, initialState, actions, want: POSES };
      const pairs = await together([ours.environment, original.environment], episode);
      expect(pairs).toHaveLength(steps + 1);
      for (const [step, [a, b]] of pairs.entries()) {
        const where = `initial state ${initialState}, step ${step}`;
        expect(apart(a.poses!, b.poses!), where).toBeLessThan(BOUND);
        expect(b.success, where).toBe(a.success);
        for (const [name, { data, dtype }] of Object.entries(b.observation.proprio)) {
          expect(dtype).toBe("float32");
          const mine = a.observation.proprio[name]!.data as Float32Array;
          expect(apart(mine, data as Float32Array), `${name}, ${where}`).toBeLessThan(1e-6);
        }
      }
      // Something has moved: an arm that stands still is easily the same.
      const [start, end] = [pairs[0]![0].poses!, pairs.at(-1)![0].poses!];
      expect(apart(start, end)).toBeGreaterThan(0.02);
    }
  });
});
