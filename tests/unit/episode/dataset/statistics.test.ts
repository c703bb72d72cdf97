import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  computeStatistics,
  joinStatistics,
  RunningStatistics,
  statisticsTensors,
} from "../../../../src/episode/node.ts";
import { affineOf, groupStatistics } from "../../../../src/package/index.ts";

describe("RunningStatistics", () => {
  it("is numpy's, on numbers worked out by numpy", () => {
    // x = np.float32([[0, 5], [1, 5], [2, 5], [10, 5.5]]); x.mean(0), x.std(0), np.quantile(x, 0.01, 0), ...
    const statistics = new RunningStatistics(2);
    statistics.add(Float32Array.of(0, 5, 1, 5));
    statistics.add(Float32Array.of(2, 5, 10, 5.5));
    const { count, mean, std, min, max, q01, q99 } = statistics.result();
    expect(count).toBe(4);
    expect([...mean]).toEqual([3.25, 5.125]);
    expect(std[0]).toBeCloseTo(3.960744879438715, 14);
    expect(std[1]).toBeCloseTo(0.21650635094610965, 14);
    expect([...min, ...max]).toEqual([0, 5, 10, 5.5]);
    expect(q01[0]).toBeCloseTo(0.03, 14);
    expect(q99[0]).toBeCloseTo(9.76, 14);
    expect(q99[1]).toBeCloseTo(5.485, 14);
  });

  it("loses no digits where the mean is large", () => {
    const statistics = new RunningStatistics(1);
    // 2^23 is where float32 still holds whole numbers: the deviation is exactly 0.5.
    for (let i = 0; i < 1000; i++) statistics.add(Float32Array.of(2 ** 23 + (i % 2)));
    expect(statistics.result().std[0]).toBeCloseTo(0.5, 9);
  });

  it("agrees with two passes in float64, however the rows are cut", () => {
    const values = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 10 }), (numbers, cut) => {
        const rows = Float32Array.from(numbers.slice(0, numbers.length - (numbers.length % 2)));
        const statistics = new RunningStatistics(2);
        for (let at = 0; at < rows.length; at += 2 * cut)
          statistics.add(rows.slice(at, at + 2 * cut));
        const { mean, std } = statistics.result();
        for (const i of [0, 1]) {
          const column = [...rows].filter((_, at) => at % 2 === i);
          const exact = column.reduce((a, b) => a + b, 0) / column.length;
          const variance = column.reduce((sum, x) => sum + (x - exact) ** 2, 0) / column.length;
          expect(mean[i]).toBeCloseTo(exact, 8);
          expect(std[i]).toBeCloseTo(Math.sqrt(variance), 8);
        }
      }),
    );
  });

  it("refuses half rows, numbers that are none, and to say something of nothing", () => {
    const statistics = new RunningStatistics(3);
    expect(() => statistics.add(new Float32Array(4))).toThrow(TypeError);
    expect(() => statistics.add(Float32Array.of(1, Infinity, 0))).toThrow("a value is not finite");
    expect(() => statistics.result()).toThrow("there are no rows");
  });
});

describe("computeStatistics", () => {
  const dataset = {
    spec: {
      images: [],
      proprio: [
        { name: "arm", format: "raw", dtype: "float32", shape: [2] },
        { name: "hand", format: "raw", dtype: "float32", shape: [] },
      ],
      action: { components: [{ name: "move", format: "raw", dtype: "float32", shape: [1] }] },
      controlFreqHz: 10,
    },
    episodes: [2, 1].map((length, index) => ({
      index,
      length,
      task: "",
      instruction: "",
      source: "",
    })),
    actions: (e: number) => Promise.resolve(e === 0 ? Float32Array.of(-1, 1) : Float32Array.of(3)),
    proprio: (e: number) =>
      Promise.resolve(e === 0 ? Float32Array.of(1, 2, 3, 3, 2, 1) : Float32Array.of(2, 5, 2)),
  } as const;

  it("counts every step once and splits rows by component", async () => {
    const { action, proprio } = await computeStatistics([dataset]);
    expect([...action.mean, ...action.min, ...action.max]).toEqual([1, -1, 3]);
    expect([...proprio["arm"]!.mean]).toEqual([2, 3]);
    expect([...proprio["hand"]!.max]).toEqual([3]);
    const twice = await computeStatistics([dataset, dataset]);
    expect(twice.action.count).toBe(6);
    expect(twice.action.std[0]).toBeCloseTo(action.std[0]!, 14);
  });

  it("makes what a policy package normalises by", async () => {
    const { action, proprio } = await computeStatistics([dataset]);
    const state = joinStatistics([proprio["hand"]!, proprio["arm"]!]);
    const groups = groupStatistics(statisticsTensors({ action, state }));
    const { offset, scale } = affineOf("state", groups.get("state"), "mean_std");
    expect([...offset]).toEqual([2, 2, 3]);
    expect(scale[0]).toBeCloseTo(Math.sqrt(2 / 3), 6);
    expect(affineOf("action", groups.get("action"), "min_max").offset[0]).toBeCloseTo(1, 6);
    const { offset: middle } = affineOf("action", groups.get("action"), "quantiles");
    // Quantiles of -1, 1, 3 are -0.96 and 2.96.
    expect(middle[0]).toBeCloseTo(1, 6);
  });
});
