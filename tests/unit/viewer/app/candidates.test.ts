import { describe, expect, it } from "vitest";
import type { RecordedDecision } from "../../../../src/episode/types.ts";
import type { Refinement } from "../../../../src/viewer/app/candidates.ts";
import { candidatesOf } from "../../../../src/viewer/app/candidates.ts";
import { cssColor, rampColor, rgbOf, sharesOf } from "../../../../src/viewer/app/ramp.ts";
import type { Theme } from "../../../../src/viewer/app/theme.ts";
import { interpolated, rangeOf } from "../../../../src/viewer/app/thought-plots.ts";

const REFINEMENT: Refinement = {
  ...{ kind: "refinement", tag: "descent", horizon: 1, actionDim: 2 },
  steps: [0, 1, 3],
  chunks: [
    [1, 2],
    [3, 4],
    [5, 6],
  ],
  values: { energy: [8, 4, 0] },
};

function decided(thoughts: RecordedDecision["thoughts"]): RecordedDecision {
  const chunk = { data: Float32Array.of(5, 6), horizon: 1, actionDim: 2 };
  return { step: 0, stampNs: 0n, chunk, thoughts, timingMs: {} };
}

describe("candidatesOf()", () => {
  it("gives what came before the chosen chunk, by the energy that the next step began with", () => {
    expect(candidatesOf(decided([REFINEMENT]))).toEqual([
      { chunk: { data: [1, 2], horizon: 1, actionDim: 2 }, step: 0, share: 1 },
      { chunk: { data: [3, 4], horizon: 1, actionDim: 2 }, step: 1, share: 0.5 },
    ]);
  });
  it("goes by steps where there are no energies", () => {
    const shares = candidatesOf(decided([{ ...REFINEMENT, values: {} }])).map(({ share }) => share);
    expect(shares[0]).toBe(1);
    expect(shares[1]).toBeCloseTo(2 / 3, 12);
  });
  it("gives none where nothing was told, or only the choice", () => {
    expect(candidatesOf(undefined)).toEqual([]);
    expect(candidatesOf(decided([{ kind: "text", tag: "plan", text: "go" }]))).toEqual([]);
    expect(candidatesOf(decided([{ ...REFINEMENT, steps: [1], chunks: [[5, 6]] }]))).toEqual([]);
  });
});

describe("the colour scale", () => {
  const theme = { accent: "#0072b2", series: ["#0072b2", "#d55e00"] } as unknown as Theme;
  it("runs from the accent to its opposite, and takes what is not finite for the worst", () => {
    expect(rampColor(theme, 0)).toEqual(rgbOf("#0072b2"));
    expect(cssColor(rampColor(theme, 1))).toBe("rgb(213 94 0)");
    expect(rampColor(theme, NaN)).toEqual(rampColor(theme, 1));
    expect(() => rgbOf("blue")).toThrow(SyntaxError);
  });
  it("spreads numbers between their least and largest", () => {
    expect(sharesOf([2, 4, 3, Infinity, NaN])).toEqual([0, 1, 0.5, 1, 1]);
    expect(sharesOf([7, 7])).toEqual([0, 0]);
  });
});

describe("interpolated()", () => {
  it("is linear between coordinates and unknown beyond them", () => {
    const [at, values] = [
      [0, 1, 3],
      [10, 20, 0],
    ];
    expect(interpolated(at, values, 0)).toBe(10);
    expect(interpolated(at, values, 0.5)).toBe(15);
    expect(interpolated(at, values, 2.5)).toBe(5);
    expect(interpolated(at, values, 3)).toBe(0);
    expect(interpolated(at, values, -0.1)).toBeNaN();
    expect(interpolated(at, values, 3.1)).toBeNaN();
    expect(rangeOf([NaN, 2, -1])).toEqual({ low: -1, high: 2 });
  });
});
