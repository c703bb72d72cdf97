/** What a policy sees through the cameras, against the original's own renderer. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NdArray, TimeStep, Want } from "../../src/core/index.ts";
import { WANT_NOTHING, seeded } from "../../src/core/index.ts";
import { IMAGE_LEVELS } from "./image-levels.ts";
import type { Side } from "./sides.ts";
import { TASKS, openOriginal, openOurs, sample, together, upwardMotion } from "./sides.ts";

const SIZE = 128;
const FAR = 32;
const IMAGES: Want = { ...WANT_NOTHING, images: "all", imagesAt: "every" };
const tasks = sample(TASKS, 4);

function pixels({ data, shape }: NdArray): Uint8Array {
  expect(shape).toEqual([SIZE, SIZE, 3]);
  return data as Uint8Array;
}

/** Mean difference over all entries, and the share of pixels that differ by more than `FAR`. */
function difference(a: Uint8Array, b: Uint8Array): { mean: number; far: number } {
  let sum = 0;
  let far = 0;
  for (let at = 0; at < a.length; at += 3) {
    const channels = [0, 1, 2].map((i) => Math.abs(a[at + i]! - b[at + i]!));
    for (const channel of channels) sum += channel;
    if (Math.max(...channels) > FAR) far++;
  }
  return { mean: sum / a.length, far: (3 * far) / a.length };
}

const images = (step: TimeStep) => Object.entries(step.observation.images);

describe("pictures of the original", () => {
  const task = TASKS.find((name) => name.startsWith("goal/"))!;
  let original: Side;
  beforeAll(async () => {
    original = await openOriginal([task], ["--image-size", `${SIZE}`]);
  });
  afterAll(() => original[Symbol.asyncDispose]());

  it("come from two cameras, row 0 at the top", async () => {
    const { environment } = original;
    const request = { task, seed: 0, initialState: 0, want: IMAGES };
    const { first } = await environment.reset(request);
    expect(images(first).map(([name]) => name)).toEqual(["agentview", "robot0_eye_in_hand"]);
    const move = async (z: number, steps: number): Promise<TimeStep> => {
      const data = new Float32Array(7 * steps);
      for (let step = 0; step < steps; step++) data.set([0, 0, z, 0, 0, 0, -1], 7 * step);
      return (await environment.step({ data, horizon: steps, actionDim: 7 }, IMAGES)).at(-1)!;
    };
    // Things fall into place first. Then only the arm moves, and it stands at the far side of the table.
    const [a, b] = [await move(0, 20), await move(1, 6)].map((step) =>
      pixels(step.observation.images["agentview"]!),
    );
    const changed = [0, 0];
    for (let at = 0; at < a!.length; at++) {
      const half = at < a!.length / 2 ? 0 : 1;
      changed[half]! += Math.abs(a![at]! - b![at]!);
    }
    expect(changed[0]).toBeGreaterThan(2 * changed[1]!);
  });
});

describe.each(IMAGE_LEVELS)("pictures of level $level", ({ level, meanDifference, farPixels }) => {
  let original: Side;
  let ours: Side;
  beforeAll(async () => {
    original = await openOriginal(tasks, ["--image-size", `${SIZE}`]);
    ours = await openOurs({ observes: "early" }, level);
  });
  afterAll(async () => {
    await original[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
  });

  it.each(tasks)("of %s look like the original's", async (task) => {
    const actions = upwardMotion(5, seeded(task));
    const sides = [ours.environment, original.environment] as const;
    const pairs = await together(sides, { task, initialState: 7, actions, want: IMAGES });
    for (const [step, [a, b]] of pairs.entries()) {
      for (const [name, theirs] of images(b)) {
        const mine = a.observation.images[name]!;
        const { mean, far } = difference(pixels(mine), pixels(theirs));
        expect(mean, `${name}, step ${step}`).toBeLessThan(meanDifference);
        expect(far, `${name}, step ${step}`).toBeLessThan(farPixels);
      }
    }
  });
});
