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
import { entryNames, formulaEnergy } from "../../../../policies/energy/expression.ts";
import type { Decision, NdArray } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../../src/onnx/index.ts";
import { loadPolicy, writePolicyPackage } from "../../../../src/package/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import { shippedActPackage } from "../../../../policies/act/index.ts";
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
  const policy = await loadPolicy(path, { rng: seeded("compose") });
  const state: NdArray = { dtype: "float32", shape: [3], data: Float32Array.of(0.1, 0.5, -0.2) };
  await policy.reset({ task: "", instruction: "", seed: 0, spec: undefined as never });
  const decision = await policy.decide({
    images: {},
    proprio: { state },
    texts: {},
    instruction: "go",
    step: 0,
    stampNs: 0n,
  });
  await policy.close?.();
  return decision;
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
    const graph = (g: GraphBuilder, chunk: ReturnType<GraphBuilder["input"]>) => {
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
      "unknown names",
      [{ name: "u", formula: "speed^2" }],
      /"speed" is not known, must be one of move_0/,
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
      g.output(`e${i}`, formulaEnergy(text, { g, chunk, names, parse }).energy);
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
    const leaf = fc.constantFrom("gripper", "arm_move_0", "row", "0.5", "2");
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
        let bounded: boolean;
        try {
          ({ bounded } = formulaEnergy(text, { g, chunk, names, parse }));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
          return;
        }
        if (!bounded) return;
        const compiled = parse(text).compile();
        const values = far.flatMap((x) =>
          far.map((y) =>
            Number(compiled.evaluate({ gripper: x, arm_move_0: y, arm_move_1: 0, row: 1 })),
          ),
        );
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
          formulaEnergy(text, { g, chunk, names, parse });
        } catch (error) {
          expect(error instanceof SyntaxError || error instanceof RangeError).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
