import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createKernels } from "../../../src/train/kernels/index.ts";

const SCRIPT = fileURLToPath(new URL("../../../src/bootstrap/kernels.mjs", import.meta.url));

describe("kernels", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const kernels = createKernels(memory);
  const floats = new Float32Array(memory.buffer);

  it("are what their source compiles to", () => {
    expect(() => execFileSync(process.execPath, [SCRIPT, "--check"])).not.toThrow();
  });

  it("scale, add and average", () => {
    floats.set([1, -2, 3, 4, 10, 20, 30, 40]);
    kernels.scale(0, 16, 2);
    expect([...floats.subarray(0, 8)]).toEqual([2, -4, 6, 8, 10, 20, 30, 40]);
    kernels.accumulate(0, 16, 16);
    expect([...floats.subarray(0, 8)]).toEqual([12, 16, 36, 48, 10, 20, 30, 40]);
    kernels.average(0, 16, 16, 0.25);
    expect([...floats.subarray(0, 8)]).toEqual([11.5, 17, 34.5, 46, 10, 20, 30, 40]);
  });

  it("sum squares in float64: large numbers do not overflow, small ones are not lost", () => {
    floats.set([3e38, 0, 0, 0, 0, 0, 0, 0]);
    expect(kernels.sumOfSquares(0, 32)).toBe(Math.fround(3e38) ** 2);
    const small = Math.fround(1e-4);
    floats.fill(small, 0, 8000);
    floats[0] = 64;
    expect(kernels.sumOfSquares(0, 32_000)).toBeCloseTo(64 ** 2 + 7999 * small ** 2, 8);
    expect(kernels.sumOfSquares(0, 0)).toBe(0);
  });

  it.each([NaN, Infinity, -Infinity])("show %s in a sum of squares, in every lane", (bad) => {
    for (let lane = 0; lane < 8; lane++) {
      floats.fill(1, 0, 8);
      floats[lane] = bad;
      expect(kernels.sumOfSquares(0, 32)).not.toBeLessThan(Infinity);
    }
  });

  it("keep to their range", () => {
    floats.fill(1, 0, 64);
    const [p, g, m, v] = [16, 80, 144, 208] as const;
    kernels.adamW(p, g, m, v, 16, 1, 0.1, 0.1, -0.1, 1e-8, -0.1);
    kernels.lion(p, g, m, 16, 1, 0.1, 0.1, -0.1, -0.1);
    kernels.nesterov(p, g, m, 16, 1, 0.9, -0.1, -0.1);
    kernels.momentum(p, g, m, 16, 1, 0.9, -0.1, -0.1);
    kernels.sgd(p, g, 16, 1, -0.1, -0.1);
    const touched = [...floats.subarray(0, 64)].flatMap((value, i) => (value === 1 ? [] : [i]));
    expect(
      touched.every((i) => [p, m, v].some((start) => i >= start / 4 && i < start / 4 + 4)),
    ).toBe(true);
    expect(touched).toContain(p / 4);
  });

  it("flush moments that are below the smallest normal number, and keep NaN", () => {
    floats.fill(0, 0, 64);
    floats.set([1e-39, -1e-39, 2e-38, NaN], 32);
    kernels.adamW(0, 64, 128, 192, 16, 1, 0.1, 0.1, 0, 1e-8, 0);
    expect(floats[32]).toBe(0);
    expect(floats[33]).toBe(0);
    expect(floats[34]).toBeGreaterThan(1.7e-38);
    expect(floats[35]).toBeNaN();
  });

  it("give a sign of 0 to nothing, so that Lion leaves weights without gradients alone", () => {
    floats.fill(0, 0, 64);
    floats.set([1, 1, 1, 1]);
    floats.set([0, -0, 1e-30, -5], 16);
    kernels.lion(0, 64, 128, 16, 1, 0.1, 0.01, -0.5, 0);
    expect([...floats.subarray(0, 4)]).toEqual([1, 1, 0.5, 1.5]);
  });
});
