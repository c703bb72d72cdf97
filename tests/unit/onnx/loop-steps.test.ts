import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import type { Graph, Model, ValueInfo } from "../../../src/onnx/index.ts";
import {
  GraphBuilder,
  assertModel,
  loopSteps,
  readModel,
  writeModel,
} from "../../../src/onnx/index.ts";
import { hostArray, openLocalSession } from "../../../src/session/index.ts";

function random(shape: number[], label: string): NdArray {
  const rng = seeded(label);
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "float32", shape, data: Float32Array.from({ length: size }, () => rng.normal()) };
}

/** Momentum descent on a small recurrent net: weights, momentum and a hidden state are carried. */
function step(): Model {
  const g = new GraphBuilder("step");
  const [w, m] = [g.input("w", "float32", [8, 8]), g.input("m", "float32", [8, 8])];
  const h = g.input("h", "float32", ["batch", 8]);
  const x = g.input("x", "float32", ["batch", 8]);
  const rate = g.input("rate", "float32", []);
  const mixed = g.linear(
    x,
    g.parameter("v", random([8, 8], "v")),
    g.parameter("b", random([8], "b")),
  );
  const next = g.tanh(g.add(g.matmul(h, w), mixed));
  const direction = g.matmul(g.transpose(next, [1, 0]), next);
  const momentum = g.add(g.mul(m, 0.9), g.mul(direction, 0.1));
  g.output("m_next", momentum);
  g.output("w_next", g.sub(w, g.mul(momentum, rate)));
  g.output("h_next", next);
  g.output("loss", g.reduceMean(g.mul(next, next), [0, 1]));
  g.output("unused", g.exp(next));
  return g.build();
}

const CARRY = [
  ["w_next", "w"],
  ["m_next", "m"],
  ["h_next", "h"],
] as const;

describe("loopSteps()", () => {
  it.each(["disabled", "all"] as const)(
    "equals K runs bit for bit, at optimisation %s",
    async (optimization) => {
      const steps = 7;
      const model = loopSteps(step(), { steps, carry: CARRY, perStep: ["x"], collect: ["loss"] });
      assertModel(model);
      await using single = await openLocalSession(writeModel(step()), { optimization });
      await using looped = await openLocalSession(writeModel(model), { optimization });
      const rate: NdArray = { dtype: "float32", shape: [], data: Float32Array.of(0.05) };
      const x = random([steps, 3, 8], "x");
      let state = { w: random([8, 8], "w"), m: random([8, 8], "m"), h: random([3, 8], "h") };
      const together = await looped.run({ ...state, x, rate });
      const losses: number[] = [];
      for (let k = 0; k < steps; k++) {
        const row = { ...x, shape: [3, 8], data: x.data.slice(24 * k, 24 * (k + 1)) };
        const { outputs } = await single.run({ ...state, x: row, rate });
        losses.push(Number(hostArray(outputs, "loss").data[0]));
        state = {
          w: hostArray(outputs, "w_next"),
          m: hostArray(outputs, "m_next"),
          h: hostArray(outputs, "h_next"),
        };
      }
      expect(together.outputs).toEqual({
        w_next: state.w,
        m_next: state.m,
        h_next: state.h,
        loss: { dtype: "float32", shape: [steps], data: Float32Array.from(losses) },
      });
    },
  );

  it("declares what goes in and out, and survives being written and read", () => {
    const model = loopSteps(step(), { steps: 4, carry: CARRY, perStep: ["x"], collect: ["loss"] });
    const shapes = (infos: readonly ValueInfo[]): Record<string, unknown> =>
      Object.fromEntries(
        infos.map(({ name, type }) => [name, type.kind === "tensor" ? type.shape : null]),
      );
    for (const each of [model, readModel(writeModel(model))]) {
      expect(shapes(each.graph.inputs)).toEqual({
        w: [8, 8],
        m: [8, 8],
        h: ["batch", 8],
        x: [4, "batch", 8],
        rate: [],
      });
      expect(shapes(each.graph.outputs)).toEqual({
        w_next: [8, 8],
        m_next: [8, 8],
        h_next: ["batch", 8],
        loss: [4],
      });
    }
  });

  it("makes as many steps as a run says, if it is to", async () => {
    const model = loopSteps(step(), {
      steps: "k",
      carry: CARRY,
      perStep: ["x"],
      collect: ["loss"],
    });
    assertModel(model);
    await using session = await openLocalSession(writeModel(model));
    const fixed = loopSteps(step(), { steps: 3, carry: CARRY, perStep: ["x"], collect: ["loss"] });
    await using other = await openLocalSession(writeModel(fixed));
    const rate: NdArray = { dtype: "float32", shape: [], data: Float32Array.of(0.05) };
    const state = { w: random([8, 8], "w"), m: random([8, 8], "m"), h: random([3, 8], "h") };
    const feeds = { ...state, rate, x: random([3, 3, 8], "x") };
    const k: NdArray = { dtype: "int64", shape: [], data: BigInt64Array.of(3n) };
    expect((await session.run({ ...feeds, k })).outputs).toEqual((await other.run(feeds)).outputs);
    const one = { ...feeds, x: random([1, 3, 8], "x"), k: { ...k, data: BigInt64Array.of(1n) } };
    expect(hostArray((await session.run(one)).outputs, "loss").shape).toEqual([1]);
    expect(() => loopSteps(step(), { steps: "x", carry: CARRY })).toThrow(
      /the input "x" is to say how many, must have a name of its own/,
    );
  });

  it("follows names into the graphs inside a step", async () => {
    const inner = (name: string, opType: string): Graph => ({
      name,
      inputs: [],
      outputs: [
        { name: `${name}_out`, type: { kind: "tensor", elementType: "float32", shape: [2] } },
      ],
      initializers: [],
      nodes: [
        { name, opType, domain: "", inputs: ["a", "d"], outputs: [`${name}_out`], attributes: {} },
      ],
      valueInfo: [],
    });
    const g = new GraphBuilder("branches");
    const a = g.input("a", "float32", [2]);
    g.input("d", "float32", [2]);
    const first = g.squeeze(g.slice(a, 0, { start: 0, end: 1 }), [0]);
    const [next] = g.op("If", [g.greater(first, 4)], {
      attributes: {
        then_branch: { kind: "graph", value: inner("less", "Sub") },
        else_branch: { kind: "graph", value: inner("more", "Add") },
      },
      outputTypes: [{ elementType: "float32", shape: [2] }],
    });
    if (next !== undefined) g.output("a_next", next);
    const model = loopSteps(g.build(), { steps: 3, carry: [["a_next", "a"]] });
    await using session = await openLocalSession(writeModel(model));
    const two = (x: number, y: number): NdArray => ({
      dtype: "float32",
      shape: [2],
      data: Float32Array.of(x, y),
    });
    // 0 -> 3 -> 6 -> 3
    const { outputs } = await session.run({ a: two(0, 1), d: two(3, 3) });
    expect(outputs["a_next"]).toEqual(two(3, 4));
  });

  it.each<[string, Partial<Parameters<typeof loopSteps>[1]>, string]>([
    ["no step", { steps: 0 }, "steps is 0, must be an integer of 1 or more"],
    ["half a step", { steps: 1.5 }, "steps is 1.5"],
    ["nothing", { carry: [], collect: [] }, "nothing is carried or collected"],
    ["an unknown input", { perStep: ["q"] }, 'there is no "q", must be one of "w", "m"'],
    ["an unknown output", { collect: ["q"] }, 'there is no "q", must be one of "m_next"'],
    ["an input twice", { perStep: ["w"] }, 'input "w" is named twice'],
    ["an output twice", { collect: ["w_next"] }, 'output "w_next" is named twice'],
    [
      "another shape",
      { carry: [["loss", "w"]] },
      'output "loss" is float32[], must be float32[8, 8]',
    ],
  ])("refuses %s", (_, options, message) => {
    expect(() => loopSteps(step(), { steps: 2, carry: CARRY, ...options })).toThrow(message);
  });
});
