import { describe, expect, it } from "vitest";
import { grad, stopGradient } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import {
  addLoop,
  assertModel,
  GraphBuilder,
  readModel,
  writeModel,
} from "../../../src/onnx/index.ts";
import type { LoopPlan, Model, Value } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const f32 = (shape: number[], ...data: number[]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

/** `x <- x * w + push`, until the sum of x is `limit` or more. */
function step(): Model {
  const g = new GraphBuilder("step");
  const x = g.input("x", "float32", [2]);
  const push = g.input("push", "float32", [2]);
  const w = g.input("w", "float32", [2]);
  const next = g.add(g.mul(x, w), push);
  g.output("next", next);
  g.output("before", x);
  g.output("on", g.less(g.reduceSum(next, [0]), g.parameter("limit", f32([], 20))));
  return g.build();
}

function loopIn(g: GraphBuilder, changes: Partial<LoopPlan> = {}) {
  const x = g.input("x", "float32", [2]);
  const w = g.input("w", "float32", [2]);
  const push = g.input("push", "float32", [5, 2]);
  const made = addLoop(g, {
    name: "loop",
    step: step(),
    most: g.scalar(5, "int64"),
    carry: { x: { start: x, next: "next" } },
    perStep: { push },
    given: { w: g.mul(w, 2) },
    collect: ["next", "before"],
    ...changes,
  });
  g.output("end", made.carried["x"] as Value);
  for (const [name, value] of Object.entries(made.collected)) g.output(`each/${name}`, value);
  return made;
}

const FEEDS = () => ({
  x: f32([2], 1, 2),
  w: f32([2], 0.5, 1),
  push: f32([5, 2], 1, 0, 0, 1, 1, 1, 2, 0, 0, 0),
});

/** States after each step, by hand: w is doubled. */
function expected(until = Infinity): number[][] {
  const { push } = FEEDS();
  let x = [1, 2];
  const states: number[][] = [];
  for (let k = 0; k < 5; k++) {
    x = [x[0]! + Number(push.data[2 * k]), 2 * x[1]! + Number(push.data[2 * k + 1])];
    states.push(x);
    if (x[0]! + x[1]! >= until) break;
  }
  return states;
}

async function run(g: GraphBuilder, feeds: Record<string, NdArray> = FEEDS()) {
  const model = g.build();
  assertModel(model);
  await using session = await openSession(writeModel(readModel(writeModel(model))));
  return (await session.run(feeds)).outputs;
}

describe("addLoop()", () => {
  it("hands on what a step makes, and collects what every step made", async () => {
    const g = new GraphBuilder("outer");
    loopIn(g);
    const outputs = await run(g);
    const states = expected();
    expect([...outputs["end"]!.data]).toEqual(states.at(-1));
    expect(outputs["each/next"]!.shape).toEqual([5, 2]);
    expect([...outputs["each/next"]!.data]).toEqual(states.flat());
    expect([...outputs["each/before"]!.data]).toEqual([[1, 2], ...states.slice(0, -1)].flat());
  });

  it("ends early where the step says so", async () => {
    const g = new GraphBuilder("outer");
    const { collected } = loopIn(g, { goOn: "on" });
    expect(collected["next"]!.shape).toEqual(["loop/steps", 2]);
    const outputs = await run(g);
    const states = expected(20);
    expect(states.length).toBeLessThan(5);
    expect([...outputs["end"]!.data]).toEqual(states.at(-1));
    expect(outputs["each/next"]!.shape).toEqual([states.length, 2]);
  });

  it("may do no step, and two loops do not get into each other's way", async () => {
    const g = new GraphBuilder("outer");
    const count = g.input("count", "int64", []);
    const first = loopIn(g, { most: count, collect: [] });
    const push = g.constant(f32([5, 2], ...new Array<number>(10).fill(0)));
    const second = g.scope("again", () =>
      addLoop(g, {
        name: "loop",
        step: step(),
        most: g.scalar(2, "int64"),
        carry: { x: { start: first.carried["x"]!, next: "next" } },
        perStep: { push },
        given: { w: g.constant(f32([2], 3, 3)) },
      }),
    );
    g.output("twice", second.carried["x"]!);
    for (const steps of [0, 3]) {
      const of = { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) } as const;
      const outputs = await run(g, { ...FEEDS(), count: of });
      const end = steps === 0 ? [1, 2] : expected()[steps - 1]!;
      expect([...outputs["end"]!.data]).toEqual(end);
      expect([...outputs["twice"]!.data]).toEqual(end.map((x) => 9 * x));
    }
  });

  it("lets gradients pass beside it where they are stopped, and refuses them where not", () => {
    const g = new GraphBuilder("outer");
    const { carried } = loopIn(g, { collect: [] });
    const end = carried["x"]!;
    const w = g.inputs.find(({ name }) => name === "w")!;
    const stopped = g.reduceSum(g.mul(stopGradient(g, end), w), [0]);
    expect(grad(g, stopped, [w])[0]!.shape).toEqual([2]);
    expect(() => grad(g, g.reduceSum(end, [0]), [w])).toThrow(/Loop/);
  });

  it.each<[string, Partial<LoopPlan>, RegExp]>([
    [
      "an input that nobody gives",
      { given: {} },
      /input "w" of the step is not given, must be float32\[2\]/,
    ],
    ["a next that is not made", { carry: {} }, /input "x" of the step is not given/],
    ["an output that is not there", { collect: ["loss"] }, /no output "loss", must be one of next/],
  ])("refuses %s", (_, changes, message) => {
    expect(() => loopIn(new GraphBuilder("outer"), changes)).toThrow(message);
  });

  it("refuses a start or a given value of another shape", () => {
    const g = new GraphBuilder("outer");
    const wide = g.input("wide", "float32", [3]);
    expect(() => loopIn(g, { given: { w: wide } })).toThrow(
      /is float32\[3\], must be float32\[2\]/,
    );
    const h = new GraphBuilder("outer");
    const start = h.input("start", "float32", [3]);
    expect(() => loopIn(h, { carry: { x: { start, next: "next" } } })).toThrow(
      /is float32\[3\], must be float32\[2\]/,
    );
  });
});
