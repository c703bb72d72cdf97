import { describe, expect, it } from "vitest";
import type { Transform } from "../../../../src/autodiff/index.ts";
import {
  adamW,
  chain,
  clipByGlobalNorm,
  ema,
  lion,
  scaleBySchedule,
  updateModel,
  weightDecay,
} from "../../../../src/autodiff/index.ts";
import type { NdArray } from "../../../../src/core/index.ts";
import { assertModel, writeModel } from "../../../../src/onnx/index.ts";
import { openSession } from "../../../../src/session/index.ts";

const f32 = (shape: number[], values: number[]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

const PARAMETERS = [
  { name: "w", shape: [1, 2] },
  { name: "b", shape: [2] },
];

async function run(
  transform: Transform,
  feeds: Readonly<Record<string, NdArray>> = {},
): Promise<Record<string, number[]>> {
  const model = updateModel(transform, PARAMETERS);
  assertModel(model);
  await using session = await openSession(writeModel(model), { device: "cpu" });
  const { outputs } = await session.run({
    w: f32([1, 2], [1, -2]),
    b: f32([2], [4, 8]),
    "gradient/w": f32([1, 2], [3, 0]),
    "gradient/b": f32([2], [0, -4]),
    rate: f32([], [0.5]),
    step: f32([], [2]),
    ...feeds,
  });
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]),
  );
}

describe("chain", () => {
  it("descends", async () => {
    const outputs = await run(scaleBySchedule());
    expect(outputs).toEqual({ "next/w": [-0.5, -2], "next/b": [4, 10] });
  });

  it("passes what one says on to the next", async () => {
    const transform = chain(weightDecay({ weightDecay: 0.25 }), scaleBySchedule());
    // w: gradient [3, 0] + 0.25 * [1, -2]; b is a vector and does not decay.
    expect(await run(transform)).toEqual({ "next/w": [1 - 1.625, -1.75], "next/b": [4, 10] });
  });

  it("clips by the norm of everything, and says it", async () => {
    const outputs = await run(chain(clipByGlobalNorm(2.5), scaleBySchedule()));
    expect(outputs["metric/gradNorm"]).toEqual([5]);
    expect(outputs["next/w"]?.[0]).toBeCloseTo(1 - 0.75, 6);
    expect(outputs["next/b"]?.[1]).toBeCloseTo(8 + 1, 6);
    const gentle = await run(chain(clipByGlobalNorm(6), scaleBySchedule()));
    expect(gentle["next/b"]).toEqual([4, 10]);
  });

  it("takes a schedule that is part of the graph", async () => {
    const halving = scaleBySchedule((g, { rate, step }) => g.neg(g.div(rate, step)));
    expect(await run(halving)).toEqual({ "next/w": [0.25, -2], "next/b": [4, 9] });
  });

  it("averages the parameters as they are after the step", async () => {
    const means = { "ema/w": f32([1, 2], [0, 0]), "ema/b": f32([2], [4, 8]) };
    const outputs = await run(chain(scaleBySchedule(), ema(0.5)), means);
    expect(outputs["next/ema/w"]).toEqual([-0.25, -1]);
    expect(outputs["next/ema/b"]).toEqual([4, 9]);
  });

  it("gives every state one owner", () => {
    expect(chain(adamW(), ema(0.9)).state(PARAMETERS)).toHaveLength(6);
    expect(() => chain(adamW(), lion()).state(PARAMETERS)).toThrow(
      'state "m/w" is there twice, must have one owner',
    );
  });
});
