import { describe, expect, it } from "vitest";
import type { GroupRule } from "../../../../src/autodiff/index.ts";
import { groupParameters, matches } from "../../../../src/autodiff/index.ts";

const named = (name: string): { name: string; shape: number[] } => ({ name, shape: [2, 2] });

describe("matches", () => {
  it.each<readonly [GroupRule["match"], string, boolean]>([
    ["head", "head", true],
    ["head", "head/w", false],
    ["head/*", "head/w", true],
    ["head/*", "head/mlp/w", false],
    ["head/**", "head/mlp/w", true],
    ["**/w", "head/mlp/w", true],
    ["*.weight", "layers.0.weight", true],
    ["layers.?.weight", "layers.0.weight", true],
    ["layers.?.weight", "layers.10.weight", false],
    ["a.b", "a-b", false],
    ["a+(b)[c]", "a+(b)[c]", true],
    [/bias$/, "head.bias", true],
    [/bias$/, "bias.w", false],
    [({ shape }) => shape.length === 2, "anything", true],
  ])("%s and %s: %s", (match, name, expected) => {
    expect(matches(match, named(name))).toBe(expected);
  });

  it("has no memory of earlier matches of a global expression", () => {
    const match = /w/g;
    expect([1, 2, 3].map(() => matches(match, named("w")))).toEqual([true, true, true]);
  });
});

describe("groupParameters", () => {
  const parameters = [
    { name: "enc/w", shape: [2, 2] },
    { name: "enc/b", shape: [2] },
    { name: "head/w", shape: [2, 2] },
    { name: "head/b", shape: [2] },
  ];
  const summary = (...args: Parameters<typeof groupParameters>): unknown =>
    groupParameters(...args).map((group) => [
      group.rateScale,
      group.weightDecay,
      group.parameters.map(({ name }) => name).join(" "),
    ]);

  it("spares biases and scales of norms from decay, by their rank", () => {
    expect(summary(parameters, { weightDecay: 0.1 })).toEqual([
      [1, 0.1, "enc/w head/w"],
      [1, 0, "enc/b head/b"],
    ]);
    expect(summary(parameters, {})).toEqual([[1, 0, "enc/w enc/b head/w head/b"]]);
  });

  it("lets the first rule win, and the mask hold for its decay too", () => {
    const groups = [
      { match: "enc/*", rateScale: 0.1 },
      { match: "**", weightDecay: 0.5 },
    ];
    expect(summary(parameters, { weightDecay: 0.1, groups })).toEqual([
      [0.1, 0.1, "enc/w"],
      [0.1, 0, "enc/b"],
      [1, 0.5, "head/w"],
      [1, 0, "head/b"],
    ]);
  });

  it("takes a mask of one's own", () => {
    const mask = ({ name }: { name: string }): boolean => name === "head/b";
    expect(summary(parameters, { weightDecay: 0.1, mask })).toEqual([
      [1, 0, "enc/w enc/b head/w"],
      [1, 0.1, "head/b"],
    ]);
  });

  it("refuses rules that match nothing, and negative numbers", () => {
    expect(() => groupParameters(parameters, { groups: [{ match: "encoder/*" }] })).toThrow(
      'Cannot group parameters: "encoder/*" matches none of 4, must match at least one',
    );
    const groups = [{ match: "**", rateScale: -1 }];
    expect(() => groupParameters(parameters, { groups })).toThrow("rateScale is -1");
    expect(() => groupParameters(parameters, { weightDecay: NaN })).toThrow(RangeError);
  });
});
