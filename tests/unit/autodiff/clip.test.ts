import { describe, expect, it } from "vitest";
import { clipByGlobalNorm } from "../../../src/autodiff/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

async function clipped(numbers: readonly (readonly number[])[], maxNorm: number) {
  const g = new GraphBuilder("clip");
  const values = numbers.map((row) =>
    g.constant({ dtype: "float64", shape: [row.length], data: Float64Array.from(row) }),
  );
  const { gradients, norm } = clipByGlobalNorm(g, values, maxNorm);
  g.output("norm", norm);
  gradients.forEach((value, i) => g.output(`d${i}`, value));
  await using session = await openSession(writeModel(g.build()));
  const { outputs } = await session.run({});
  const numbersOf = (name: string): number[] => Array.from(outputs[name]?.data ?? [], Number);
  return { norm: numbersOf("norm")[0], gradients: numbers.map((_, i) => numbersOf(`d${i}`)) };
}

describe("clipByGlobalNorm", () => {
  it("scales all gradients by one factor", async () => {
    // The norm is 13, so the factor is 6.5 / (13 + 1e-6).
    const { norm, gradients } = await clipped([[3, 4], [12]], 6.5);
    expect(norm).toBe(13);
    const factor = 6.5 / (13 + 1e-6);
    const expected = [3 * factor, 4 * factor, 12 * factor];
    gradients.flat().forEach((d, i) => expect(d).toBeCloseTo(expected[i]!, 12));
  });

  it("leaves small gradients as they are, zeros too", async () => {
    expect((await clipped([[3, 4], [12]], 14)).gradients).toEqual([[3, 4], [12]]);
    expect(await clipped([[0, 0]], 1)).toEqual({ norm: 0, gradients: [[0, 0]] });
  });

  it("refuses to clip nothing", () => {
    expect(() => clipByGlobalNorm(new GraphBuilder("clip"), [], 1)).toThrow(RangeError);
  });
});
