import { describe, expect, it } from "vitest";
import { grad, rematerialised, stopGradient } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";
import { assertWithin } from "../../support/tolerance.ts";

const WIDTH = 8;
const ROWS = 5;
const rng = seeded(41);
function random(shape: number[]): NdArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, () => 2 * rng.uniform() - 1);
  return { dtype: "float32", shape, data };
}
const FEEDS = { x: random([ROWS, WIDTH]), gain: random([]) };
const WEIGHTS = Array.from({ length: 4 }, () => random([WIDTH, WIDTH]));

type Wrap = (g: GraphBuilder, name: string, make: () => Value) => Value;
const plain: Wrap = (_g, _name, make) => make();

/** A few layers, each used a second time by a skip connection. */
function network(g: GraphBuilder, wrap: Wrap, rows: number | string = ROWS) {
  const x = g.input("x", "float32", [rows, WIDTH]);
  const gain = g.input("gain", "float32", []);
  const weights = WEIGHTS.map((w, i) => g.parameter(`w${i}`, w));
  let h = x;
  for (const [i, w] of weights.entries()) {
    h = wrap(g, `layer${i}`, () => {
      const inner = g.tanh(g.mul(g.matmul(h, w), gain));
      return g.add(stopGradient(g, h), g.mul(g.sin(inner), inner));
    });
  }
  return { loss: g.reduceSum(g.mul(h, h), [0, 1]), wrt: [x, gain, ...weights] };
}

async function run(
  build: (g: GraphBuilder) => readonly Value[],
  optimization: "basic" | "all",
): Promise<readonly (readonly number[])[]> {
  const g = new GraphBuilder("segments");
  build(g).forEach((value, i) => g.output(`y${i}`, value));
  await using session = await openSession(writeModel(g.build()), { optimization });
  const { outputs } = await session.run(FEEDS);
  return Object.values(outputs).map(({ data }) => Array.from(data, Number));
}

const first = (wrap: Wrap, rows?: string) => (g: GraphBuilder) => {
  const { loss, wrt } = network(g, wrap, rows);
  return [loss, ...grad(g, loss, wrt)];
};

const second = (wrap: Wrap) => (g: GraphBuilder) => {
  const { loss, wrt } = network(g, wrap);
  const norm = grad(g, loss, wrt.slice(0, 2)).map((d) =>
    g.reduceSumSquare(
      d,
      d.shape.map((_, axis) => axis),
    ),
  );
  return grad(g, g.sum(...norm), wrt);
};

describe("rematerialised", () => {
  it.each(["basic", "all"] as const)("changes no bit of any gradient, at %s", async (level) => {
    expect(await run(first(rematerialised), level)).toEqual(await run(first(plain), level));
  });

  it("changes a gradient's gradient by rounding only", async () => {
    // The second sweep meets every value twice, kept and computed again, and adds their gradients in
    // another order than it would those of one.
    const [got, want] = [
      await run(second(rematerialised), "basic"),
      await run(second(plain), "basic"),
    ];
    expect(got).toHaveLength(want.length);
    for (const [i, numbers] of want.entries()) {
      assertWithin(got[i] ?? [], numbers, { tolerance: 1e-5, what: `gradient ${i}` });
    }
  });

  it("works with dimensions known at run time", async () => {
    const got = await run(first(rematerialised, "batch"), "all");
    expect(got).toEqual(await run(first(plain, "batch"), "all"));
  });

  it("gives the gradient of values inside a segment", async () => {
    const make = (wrap: Wrap) => (g: GraphBuilder) => {
      const x = g.input("x", "float32", [ROWS, WIDTH]);
      g.input("gain", "float32", []);
      let inner = x;
      const y = wrap(g, "part", () => {
        inner = g.sin(x);
        return g.mul(g.exp(inner), inner);
      });
      return grad(g, g.reduceSum(y, [0, 1]), [inner, x]);
    };
    expect(await run(make(rematerialised), "all")).toEqual(await run(make(plain), "all"));
  });

  it("keeps no inner value of a segment for the backward sweep", () => {
    const g = new GraphBuilder("segments");
    const { loss, wrt } = network(g, rematerialised);
    const forward = new Set(g.nodes.map(({ name }) => name));
    grad(g, loss, wrt);
    const inner = g.nodes.filter(({ opType, name }) => forward.has(name) && opType === "Tanh");
    const values = new Set(inner.flatMap(({ outputs }) => outputs));
    const users = g.nodes.filter(({ inputs }) =>
      inputs.some((v) => v !== undefined && values.has(v)),
    );
    expect(inner).toHaveLength(4);
    expect(users.filter(({ name }) => !forward.has(name))).toEqual([]);
  });

  it("refuses random numbers inside, and a name that is taken", () => {
    const g = new GraphBuilder("segments");
    const x = g.input("x", "float32", [3]);
    const y = rematerialised(g, "noisy", () => g.dropout(x, { ratio: 0.5, training: true }));
    expect(() => grad(g, g.reduceSum(y, [0]), [x])).toThrow(/it draws random numbers/);
    expect(() => rematerialised(g, "noisy", () => g.neg(x))).toThrow(/the name is taken/);
  });
});
