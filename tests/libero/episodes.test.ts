/** Whole episodes that succeed in the original succeed here with the same actions, at the same control step. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WANT_NOTHING } from "../../src/core/index.ts";
import { LIBERO_DEMOS, readFloat64 } from "../support/libero-files.ts";
import type { Side } from "./sides.ts";
import { openOriginal, openOurs, sample, together } from "./sides.ts";

const absent = existsSync(LIBERO_DEMOS) ? undefined : `no action files at ${LIBERO_DEMOS}`;
/** `libero_SUITE__TASK__STATE.f64`: float64 rows of 7 that succeeded in the original. */
const files = sample(absent === undefined ? readdirSync(LIBERO_DEMOS).sort() : [], 12);
/** Things may still be falling into place when the recorded actions end. */
const WAITING_STEPS = 30;
/** Contacts multiply rounding errors, so that a goal may become true a step earlier or later. */
const STEPS_APART = 2;

function parse(file: string): { task: string; initialState: number; actions: Float32Array } {
  const [suite = "", name = "", state = ""] = file.replace(/\.f64$/, "").split("__");
  const recorded = Float32Array.from(readFloat64(join(LIBERO_DEMOS, file)));
  const actions = new Float32Array(recorded.length + 7 * WAITING_STEPS);
  actions.set(recorded);
  for (let at = recorded.length; at < actions.length; at += 7) actions[at + 6] = -1;
  const task = `${suite.replace(/^libero_/, "")}/${name}`;
  return { task, initialState: Number(state), actions };
}

describe.skipIf(absent !== undefined)(`episodes (${absent ?? "action files are there"})`, () => {
  let original: Side;
  let ours: Side;
  const outcomes: (boolean | null)[] = [];
  beforeAll(async () => {
    const tasks = [...new Set(files.map((file) => parse(file).task))];
    original = await openOriginal(tasks, ["--no-images", "--observe", "end"]);
    ours = await openOurs({ observes: "end" });
  });
  afterAll(async () => {
    await original[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
  });

  it.each(files)("%s ends the same way", async (file) => {
    const episode = { ...parse(file), want: WANT_NOTHING };
    const sides = [ours.environment, original.environment] as const;
    const ends = (await together(sides, episode)).at(-1)!;
    const { success = null, terminated, observation } = ends[1];
    outcomes.push(success);
    if (ends[0].kind === ends[1].kind) {
      expect(ends[0]).toMatchObject({
        success,
        terminated,
        observation: { step: observation.step },
      });
      return;
    }
    // One ended first; the other must do so within the allowed steps.
    const late = ends[0].kind === "last" ? original.environment : ours.environment;
    const wait = { data: Float32Array.of(0, 0, 0, 0, 0, 0, -1), horizon: 1, actionDim: 7 };
    let step = ends[0].kind === "last" ? ends[1] : ends[0];
    for (let k = 0; k < STEPS_APART && step.kind !== "last"; k++) {
      step = (await late.step(wait, WANT_NOTHING))[0]!;
    }
    expect(step).toMatchObject({ kind: "last", success: true });
  });

  it("succeed for the most part, so that the same way is not always failure", () => {
    const successes = outcomes.filter((success) => success === true).length;
    expect(successes).toBeGreaterThanOrEqual(0.8 * files.length);
  });
});
