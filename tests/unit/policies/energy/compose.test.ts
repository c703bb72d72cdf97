import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "mathjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  composeEnergyPackage,
  energyTrainable,
  parseEnergyConfig,
} from "../../../../policies/energy/index.ts";
import type { ComposeOptions } from "../../../../policies/energy/index.ts";
import { formulaEnergy } from "../../../../policies/energy/expression.ts";
import { entryNames } from "../../../../src/imitation/index.ts";
import { grad } from "../../../../src/autodiff/index.ts";
import type { Decision, NdArray } from "../../../../src/core/index.ts";
import { PolicyDivergedError, seeded } from "../../../../src/core/index.ts";
import type { Value } from "../../../../src/onnx/index.ts";
import { GraphBuilder, writeModel } from "../../../../src/onnx/index.ts";
import { writePolicyPackage } from "../../../../src/package/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import { shippedActPackage } from "../../../../policies/act/index.ts";
import { decideOnce } from "../../../support/decide.ts";
import { freshOf, worldData } from "../../../support/imitation.ts";

let folder = "";
let base = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "efference-compose-"));
  base = join(folder, "base");
  const config = parseEnergyConfig({
    kind: "energy",
    horizon: 4,
    width: 16,
    heads: 2,
    layers: 1,
    infer: { rate: 0.1, steps: 40, samples: 2 },
  });
  // Actions of 2 to 6, so that normalised and physical numbers differ.
  const trainable = energyTrainable(config, worldData({ actionRange: [2, 6] }));
  await writePolicyPackage(base, trainable.toPackage(freshOf(trainable), { seed: 1 }));
});
afterAll(() => rmSync(folder, { recursive: true }));

let written = 0;
async function decide(options?: ComposeOptions): Promise<Decision> {
  let path = base;
  if (options !== undefined) {
    path = join(folder, `composed-${written++}`);
    await writePolicyPackage(path, await composeEnergyPackage(base, options));
  }
  return decideOnce(path, { state: [0.1, 0.5, -0.2], seed: "compose" });
}

const column = ({ chunk }: Decision, i: number): number[] =>
  Array.from({ length: 4 }, (_, row) => chunk.data[row * 2 + i]!);

describe("composeEnergyPackage", () => {
  it("without terms is the package that it was", async () => {
    expect((await decide({})).chunk).toEqual((await decide()).chunk);
  });

  it("with a landscape makes the same chunk, and tells of a line and a plane", async () => {
    const looked = await decide({ infer: { landscape: { line: 5, plane: 3 } } });
    expect(looked.chunk).toEqual((await decide()).chunk);
    const slices = looked.thoughts.filter((thought) => thought.kind === "slice");
    expect(slices.map(({ axes }) => axes.map(({ at }) => at.length))).toEqual([[5], [3, 3]]);
    expect(slices.map(({ values }) => values.length)).toEqual([5, 9]);
    const refinement = looked.thoughts.find((thought) => thought.kind === "refinement");
    expect(refinement?.steps[0]).toBe(0);
    expect(slices[0]?.path).toHaveLength(1 + (refinement?.values["energy"]?.length ?? 0));
    // The way ends at the chosen chunk: 1 on the line, the middle of the plane.
    expect(slices[0]?.path.at(-1)?.[0]).toBeCloseTo(1, 5);
    for (const x of slices[1]?.path.at(-1) ?? []) expect(x).toBeCloseTo(0, 5);
  });

  it("pulls chunks where a formula of physical actions wants them, and reports the sum", async () => {
    const want = { name: "slow", formula: "(move_0 - 3)^2", weight: 0.3 };
    const decision = await decide({ terms: [want] });
    for (const value of column(decision, 0)) expect(Math.abs(value - 3)).toBeLessThan(0.5);
    const plain = await decide();
    expect(Math.max(...column(plain, 0).map((value) => Math.abs(value - 3)))).toBeGreaterThan(1);
    const energy = ({ thoughts }: Decision): number => {
      const found = thoughts.find(({ tag }) => tag === "energy");
      return found?.kind === "scalar" ? found.value : NaN;
    };
    expect(energy(decision)).not.toBe(energy(plain));
  });

  it("takes graphs, clamped", async () => {
    const graph = (g: GraphBuilder, chunk: Value) => {
      const last = g.slice(chunk, 1, { start: 3, end: 4 });
      const off = g.sub(last, 5);
      return g.reduceSum(g.mul(off, off), [1, 2]);
    };
    const decision = await decide({ terms: [{ name: "end", graph, clamp: 50, weight: 0.03 }] });
    for (const i of [0, 1]) expect(column(decision, i)[3]).toBeCloseTo(5, 0);
  });

  it("draws as many samples and does as many steps as it is told", async () => {
    const { thoughts } = await decide({
      infer: { samples: 5, steps: 3, stop: { by: "step", below: 0 } },
    });
    expect(thoughts).toContainEqual({ kind: "scalar", tag: "steps", value: 3 });
  });

  it.each<[string, ComposeOptions["terms"], RegExp]>([
    [
      "no lowest value",
      [{ name: "more", formula: "-move_0" }],
      /"more": it may have no lowest value/,
    ],
    ["a product", [{ name: "p", formula: "move_0 * move_1" }], /may have no lowest value/],
    ["an odd power", [{ name: "p", formula: "move_0^3" }], /may have no lowest value/],
    [
      "a graph without a clamp",
      [{ name: "g", graph: (g, c) => g.reduceSum(c, [1, 2]) }],
      /or a clamp/,
    ],
    [
      "a weight",
      [{ name: "w", formula: "move_0^2", weight: -1 }],
      /weight is -1, must be a positive/,
    ],
    ["an infinite clamp", [{ name: "w", formula: "move_0", clamp: Infinity }], /clamp is Infinity/],
    ["a wrong shape", [{ name: "s", graph: (_, c) => c, clamp: 1 }], /must be float32\[2\]/],
    ["a division", [{ name: "d", formula: "1 / move_0" }], /a quotient by what may be 0/],
    ["a root", [{ name: "r", formula: "sqrt(move_0)" }], /root of what may be negative/],
    ["a logarithm", [{ name: "l", formula: "log(move_0^2)" }], /logarithm of what may be 0/],
    ["no actions", [{ name: "c", formula: "row^2" }], /does not depend on the actions/],
    [
      "what is observed alone",
      [{ name: "o", formula: "(observed_state_0 - 1)^2" }],
      /depend on the actions, must use one of move_0, move_1, sum_move_0, sum_move_1$/,
    ],
    [
      "a sum without end",
      [{ name: "s", formula: "observed_state_0 + sum_move_0" }],
      /may have no lowest value/,
    ],
    [
      "what the observation may turn over",
      [{ name: "t", formula: "observed_state_0 * move_0^2" }],
      /may have no lowest value/,
    ],
    [
      "a division by what is observed",
      [{ name: "d", formula: "move_0^2 / observed_state_0" }],
      /a quotient by what may be 0/,
    ],
    [
      "a division by what is 0 in float32",
      [{ name: "d", formula: "1 / (1e-60 + move_0^2)" }],
      /a quotient by what may be 0/,
    ],
    [
      "a root of what is observed",
      [{ name: "r", formula: "move_0^2 * sqrt(observed_state_0)" }],
      /root of what may be negative/,
    ],
    [
      "numbers beyond float32",
      [{ name: "n", formula: "exp(100) * move_0^2" }],
      /it has the number 2.68\d+e\+43, must have finite numbers/,
    ],
    [
      "unknown names",
      [{ name: "u", formula: "(state_0 + speed)^2" }],
      /"state_0" is not known, must be one of move_0, move_1, sum_move_0, sum_move_1, observed_state_0, observed_state_1, observed_state_2, row, pi, e$/,
    ],
    [
      "unknown functions",
      [{ name: "u", formula: "gamma(move_0)" }],
      /"gamma\(move_0\)" is not known/,
    ],
    ["assignments", [{ name: "a", formula: "x = move_0" }], /is not known/],
    ["no formula", [{ name: "n", formula: "(((" }], /must be a formula/],
    ["powers", [{ name: "p", formula: "move_0^0.5" }], /a power is 0.5/],
    ["arguments", [{ name: "p", formula: "abs(move_0, 2)" }], /abs has 2 arguments/],
  ])("refuses %s", async (_, terms, message) => {
    await expect(composeEnergyPackage(base, { terms: terms! })).rejects.toThrow(message);
  });

  it("gives no action where a term is not a number, or beyond all numbers", async () => {
    const nan = (g: GraphBuilder, chunk: Value) => g.log(g.neg(g.reduceSumSquare(chunk, [1, 2])));
    for (const term of [
      { name: "nan", graph: nan, clamp: 1 },
      { name: "infinite", formula: "exp(exp(20 * observed_state_1 + 0 * move_0))" },
    ]) {
      await expect(decide({ terms: [term] })).rejects.toThrow(PolicyDivergedError);
    }
  });

  it("keeps the formulas of a package that was composed, and refuses one that has a graph", async () => {
    const slow = { name: "slow", formula: "(move_0 - 3)^2", weight: 0.3 };
    const once = join(folder, "once");
    await writePolicyPackage(once, await composeEnergyPackage(base, { terms: [slow] }));
    const again = await composeEnergyPackage(once, { terms: [] });
    const both = await composeEnergyPackage(base, { terms: [slow] });
    expect(again.files["model.onnx"]).toEqual(both.files["model.onnx"]);
    const { provenance } = again.manifest.efference as { provenance?: unknown };
    expect(provenance).toMatchObject({ composed: [slow] });
    const graph = (g: GraphBuilder, chunk: Value) => g.reduceSumSquare(chunk, [1, 2]);
    const opaque = join(folder, "opaque");
    const terms = [{ name: "graph", graph, clamp: 1 }];
    await writePolicyPackage(opaque, await composeEnergyPackage(base, { terms }));
    await expect(composeEnergyPackage(opaque, {})).rejects.toThrow(
      /composed with terms that are no formulas, must be composed anew/,
    );
  });

  it("accepts what is clamped, and refuses other packages", async () => {
    const decision = await decide({ terms: [{ name: "more", formula: "-move_0", clamp: 0.5 }] });
    expect(decision.chunk.data.every(Number.isFinite)).toBe(true);
    await expect(composeEnergyPackage(shippedActPackage(), {})).rejects.toThrow(
      /kind undefined, must be one of "energy"/,
    );
  });
});

describe("formulas", () => {
  const names = entryNames([
    { name: "arm/move", format: "raw", dtype: "float32", shape: [2] },
    { name: "gripper", format: "raw", dtype: "float32", shape: [1] },
  ]);

  it("name the entries of an action row", () => {
    expect(names).toEqual(["arm_move_0", "arm_move_1", "gripper"]);
  });

  it("may not use a name that two things have", () => {
    const g = new GraphBuilder("ambiguous");
    const chunk = g.input("chunk", "float32", [1, 2, 3]);
    const values = g.input("values", "float32", [1, 2]);
    const request = { g, chunk, names: ["row", "sum_x", "x"] };
    const observed = { values, names: ["a_b", "a_b"] };
    for (const name of ["row", "sum_x", "observed_a_b"]) {
      expect(() => formulaEnergy(`(x + ${name})^2`, { ...request, observed })).toThrow(
        `"${name}" names two things, must name one`,
      );
    }
    expect(formulaEnergy("x^2", { ...request, observed }).bounded).toBe(true);
  });

  it("see what is observed and the sum of all rows to theirs, as plain arithmetic does", async () => {
    type Row = { readonly a: number; readonly c: number; readonly sums: readonly number[] };
    const [P, Q] = [0.4, -1.3];
    const terms: readonly [text: string, of: (at: Row, row: number) => number][] = [
      ["sum_gripper^2", ({ sums }) => sums[2]! ** 2],
      [
        "(observed_at_0 + 0.05 * sum_arm_move_0 - 0.3)^2 + abs(observed_at_1 - sum_arm_move_1)",
        ({ sums }) => (P + 0.05 * sums[0]! - 0.3) ** 2 + Math.abs(Q - sums[1]!),
      ],
      [
        "exp(-(observed_at_0 + sum_gripper)^2 / 2) * (row + 1) - observed_at_1 + arm_move_0^2",
        ({ a, sums }, row) => Math.exp(-((P + sums[2]!) ** 2) / 2) * (row + 1) - Q + a ** 2,
      ],
      [
        "max(0, observed_at_1 + 2 * sum_arm_move_1) * tanh(gripper)^2",
        ({ c, sums }) => Math.max(0, Q + 2 * sums[1]!) * Math.tanh(c) ** 2,
      ],
    ];
    const oracle = (data: readonly number[], of: (at: Row, row: number) => number): number => {
      const sums = [0, 0, 0];
      let total = 0;
      for (let row = 0; row < 4; row++) {
        const [a = 0, b = 0, c = 0] = data.slice(row * 3, row * 3 + 3);
        for (const [i, x] of [a, b, c].entries()) sums[i]! += x;
        total += of({ a, c, sums }, row);
      }
      return total / 4;
    };
    const g = new GraphBuilder("formulas");
    const chunk = g.input("chunk", "float32", [2, 4, 3]);
    const observed = { values: g.input("values", "float32", [1, 2]), names: ["at_0", "at_1"] };
    for (const [i, [text]] of terms.entries()) {
      const { energy, bounded } = formulaEnergy(text, { g, chunk, names, observed });
      expect(bounded, text).toBe(true);
      g.output(`energy${i}`, energy);
      g.output(`slope${i}`, grad(g, g.reduceSum(energy, [0]), [chunk])[0]!);
    }
    await using session = await openSession(writeModel(g.build()));
    const rng = seeded("sums");
    const numbers = Array.from({ length: 24 }, () => Math.fround(rng.normal()));
    const f32 = (shape: number[], data: number[]): NdArray => ({
      dtype: "float32",
      shape,
      data: Float32Array.from(data),
    });
    const { outputs } = await session.run({
      chunk: f32([2, 4, 3], numbers),
      values: f32([1, 2], [P, Q]),
    });
    for (const [i, [text, of]] of terms.entries()) {
      for (const batch of [0, 1]) {
        const own = numbers.slice(batch * 12, batch * 12 + 12);
        expect(outputs[`energy${i}`]!.data[batch], text).toBeCloseTo(oracle(own, of), 5);
        for (const [k, x] of own.entries()) {
          const [low, high] = [-1e-5, 1e-5].map((d) => oracle(own.with(k, x + d), of));
          const slope = outputs[`slope${i}`]!.data[batch * 12 + k];
          expect(slope, `${text}, ${k}`).toBeCloseTo((high! - low!) / 2e-5, 4);
        }
      }
    }
  });

  it("are bounded where actions alone cannot lower them for ever, whatever is observed", () => {
    const g = new GraphBuilder("bounds");
    const chunk = g.input("chunk", "float32", [1, 2, 3]);
    const observed = { values: g.input("values", "float32", [1, 1]), names: ["x"] };
    const bounded = (text: string): boolean =>
      formulaEnergy(text, { g, chunk, names, observed }).bounded;
    for (const text of [
      "gripper^2 + observed_x",
      "gripper^2 - observed_x^3",
      "observed_x * tanh(gripper)",
      "observed_x^2 * gripper^2",
      "(observed_x * gripper)^2",
      "max(observed_x, gripper)",
      "min(observed_x, gripper^2)",
      "exp(observed_x * gripper)",
      "abs(sum_gripper - observed_x) - 3 * cos(gripper) * observed_x",
      "-min(gripper, observed_x)",
    ]) {
      expect(bounded(text), text).toBe(true);
    }
    for (const text of [
      "gripper + observed_x",
      "observed_x * gripper",
      "observed_x * gripper^2",
      "-observed_x^2 * gripper^2",
      "min(observed_x, gripper)",
      "-max(observed_x, sum_gripper)",
      "-exp(observed_x + gripper)",
      "observed_x - sum_gripper^2",
      "gripper^3 * tanh(observed_x)",
    ]) {
      expect(bounded(text), text).toBe(false);
    }
  });

  it("are what mathjs says they are", async () => {
    const texts = [
      "(arm_move_0 - 0.3)^2 + 2*abs(gripper)",
      "max(arm_move_0, arm_move_1, 0.1) - min(gripper^2, 1)",
      "exp(-arm_move_0^2) * cos(pi * row / 3) + sin(gripper)",
      "sqrt(1 + square(arm_move_1)) / (2 + tanh(gripper)) - log(e + gripper^4)",
      "+arm_move_0 - -gripper^3 / 7",
    ];
    const g = new GraphBuilder("formulas");
    const chunk = g.input("chunk", "float32", [2, 3, 3]);
    for (const [i, text] of texts.entries()) {
      g.output(`e${i}`, formulaEnergy(text, { g, chunk, names }).energy);
    }
    await using session = await openSession(writeModel(g.build()));
    const rng = seeded("formulas");
    const data = Float32Array.from({ length: 18 }, () => rng.normal());
    const { outputs } = await session.run({
      chunk: { dtype: "float32", shape: [2, 3, 3], data: data.slice() },
    });
    for (const [i, text] of texts.entries()) {
      const compiled = parse(text).compile();
      for (const batch of [0, 1]) {
        let sum = 0;
        for (let row = 0; row < 3; row++) {
          const at = (batch * 3 + row) * 3;
          const [a, b, c] = data.slice(at, at + 3);
          const scope = { arm_move_0: a, arm_move_1: b, gripper: c, row };
          sum += Number(compiled.evaluate(scope)) / 3;
        }
        expect(Number(outputs[`e${i}`]!.data[batch])).toBeCloseTo(sum, 4);
      }
    }
  });

  it("that are accepted as bounded are bounded, and whatever is written is an error that says so", () => {
    const leaf = fc.constantFrom("gripper", "arm_move_0", "row", "0.5", "2", "observed_x");
    const { formula } = fc.letrec<{ formula: string }>((tie) => ({
      formula: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaf,
        fc
          .tuple(tie("formula"), fc.constantFrom("+", "-", "*"), tie("formula"))
          .map(([a, o, b]) => `(${a} ${o} ${b})`),
        tie("formula").map((a) => `(${a})^2`),
        fc
          .tuple(fc.constantFrom("abs", "tanh", "cos", "exp"), tie("formula"))
          .map(([f, a]) => `${f}(${a})`),
        fc
          .tuple(fc.constantFrom("min", "max"), tie("formula"), tie("formula"))
          .map(([f, a, b]) => `${f}(${a}, ${b})`),
      ),
    }));
    const far = [-1e3, -10, -1, 0, 1, 10, 1e3];
    fc.assert(
      fc.property(formula, (text) => {
        const g = new GraphBuilder("formula");
        const chunk = g.input("chunk", "float32", [1, 2, 3]);
        const observed = { values: g.input("values", "float32", [1, 1]), names: ["x"] };
        let bounded: boolean;
        try {
          ({ bounded } = formulaEnergy(text, { g, chunk, names, observed }));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
          return;
        }
        if (!bounded) return;
        const compiled = parse(text).compile();
        // Exponentials of exponentials of what is held leave the numbers that there are.
        const seen = text.includes("exp") ? [0] : [-1, 0, 0.5, 1];
        const scopes = seen.flatMap((held) =>
          far.flatMap((x) =>
            far.map((y) => ({
              ...{ gripper: x, arm_move_0: y, arm_move_1: 0, row: 1, observed_x: held },
            })),
          ),
        );
        const values = scopes.map((scope) => Number(compiled.evaluate(scope)));
        // What has a lowest value does not fall below it far out.
        expect(values.every((value) => value > -1e30 || Number.isNaN(value))).toBe(true);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const g = new GraphBuilder("formula");
        const chunk = g.input("chunk", "float32", [1, 2, 3]);
        try {
          formulaEnergy(text, { g, chunk, names });
        } catch (error) {
          expect(error instanceof SyntaxError || error instanceof RangeError).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
