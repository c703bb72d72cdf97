import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  factorise,
  leaveOneOutError,
  ridgeProblem,
  substitute,
} from "../../../policies/fitted/ridge.ts";
import { seeded } from "../../../src/core/index.ts";

const rng = seeded(11);
const normals = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.normal());

describe("ridgeProblem()", () => {
  it("is the mean and slope of a line, by hand", () => {
    // y = 2 x + 1 through (0, 1), (1, 3), (2, 5)
    const problem = ridgeProblem(2, 1);
    for (const x of [0, 1, 2]) problem.add(Float64Array.of(x, 1), [2 * x + 1]);
    const [slope, intercept] = problem.solve(0);
    expect([slope, intercept]).toEqual([expect.closeTo(2, 12), expect.closeTo(1, 12)]);
  });

  it("shrinks the slope as the closed form says, and not the constant", () => {
    // Centred x = -1, 0, 1 and 3 examples: slope = sum(x y) / (sum(x^2) + 3 lambda).
    const problem = ridgeProblem(2, 1);
    for (const x of [-1, 0, 1]) problem.add(Float64Array.of(x, 1), [2 * x + 7]);
    const [slope, intercept] = problem.solve(0.5);
    expect([slope, intercept]).toEqual([expect.closeTo(4 / 3.5, 12), expect.closeTo(7, 12)]);
  });

  it("recovers any linear map of full rank", () => {
    const [n, m] = [6, 3];
    const truth = normals(n * m);
    const problem = ridgeProblem(n, m);
    for (let r = 0; r < 40; r++) {
      const x = Float64Array.of(...normals(n - 1), 1);
      problem.add(
        x,
        Array.from({ length: m }, (_, k) =>
          x.reduce((sum, value, i) => sum + value * (truth[i * m + k] ?? 0), 0),
        ),
      );
    }
    const solved = problem.solve(0);
    expect([...solved]).toEqual([...truth].map((v) => expect.closeTo(v, 9)));
    expect(problem.rows).toBe(40);
  });

  it("leaves a gradient of zero at its solution", () => {
    const [n, lambda, rows] = [5, 0.3, 20];
    const problem = ridgeProblem(n, 1);
    const data = Array.from({ length: rows }, () => ({
      x: Float64Array.of(...normals(n - 1), 1),
      y: rng.normal(),
    }));
    for (const { x, y } of data) problem.add(x, [y]);
    const w = problem.solve(lambda);
    for (let i = 0; i < n; i++) {
      let gradient = i === n - 1 ? 0 : rows * lambda * (w[i] ?? 0);
      for (const { x, y } of data) {
        const residual = x.reduce((sum, value, k) => sum + value * (w[k] ?? 0), 0) - y;
        gradient += (x[i] ?? 0) * residual;
      }
      expect(gradient).toBeCloseTo(0, 9);
    }
  });

  it("refuses a singular problem without penalty and solves it with one", () => {
    const problem = ridgeProblem(3, 1);
    for (const x of [1, 2, 3]) problem.add(Float64Array.of(x, 2 * x, 1), [x]);
    expect(() => problem.solve(0)).toThrow("use a larger ridge penalty");
    expect(problem.solve(1e-3).every(Number.isFinite)).toBe(true);
  });

  it.each([
    [Float64Array.of(NaN, 1), [1]],
    [Float64Array.of(1), [1]],
    [Float64Array.of(1, 1), [1, 2]],
  ])("refuses the example %j -> %j", (x, y) => {
    expect(() => ridgeProblem(2, 1).add(x, y)).toThrow(RangeError);
  });
});

describe("factorise() and substitute()", () => {
  it("solve any positive definite system", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 1e6 }), (n, seed) => {
        const draw = seeded(seed);
        const b = Float64Array.from({ length: n * n }, () => draw.normal());
        const a = new Float64Array(n * n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            a[i * n + j] = i === j ? 0.1 : 0;
            for (let k = 0; k < n; k++) a[i * n + j]! += b[i * n + k]! * b[j * n + k]!;
          }
        }
        const want = Float64Array.from({ length: n }, () => draw.normal());
        const rhs = want.map((_, i) =>
          want.reduce((sum, value, j) => sum + a[i * n + j]! * value, 0),
        );
        factorise(a, n);
        const got = substitute(a, rhs, { n, m: 1 });
        for (const [i, value] of got.entries()) expect(value).toBeCloseTo(want[i]!, 6);
      }),
      { numRuns: 60 },
    );
  });
});

describe("leaveOneOutError()", () => {
  it("is what refitting without each example gives", () => {
    const data = Array.from({ length: 15 }, () => ({
      x: Float64Array.of(rng.normal(), rng.normal(), 1),
      y: [rng.normal(), rng.normal()],
    }));
    const lambda = 0.05;
    let sum = 0;
    for (const [left, { x, y }] of data.entries()) {
      const problem = ridgeProblem(3, 2);
      for (const [i, other] of data.entries()) if (i !== left) problem.add(other.x, other.y);
      // The penalty is per example; the same total penalty as with all of them.
      const w = problem.solve((lambda * data.length) / (data.length - 1));
      for (let k = 0; k < 2; k++) {
        sum += (x.reduce((total, value, i) => total + value * w[i * 2 + k]!, 0) - y[k]!) ** 2;
      }
    }
    const byHand = Math.sqrt(sum / (data.length * 2));
    const fast = leaveOneOutError(
      data.map(({ x }) => x),
      data.map(({ y }) => y),
      lambda,
    );
    expect(fast).toBeCloseTo(byHand, 10);
  });

  it("is infinite for a singular problem", () => {
    const x = [1, 2, 3].map((v) => Float64Array.of(v, v, 1));
    expect(leaveOneOutError(x, [[1], [2], [3]], 0)).toBe(Infinity);
  });
});
