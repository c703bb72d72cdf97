import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import type { Model } from "../../../src/onnx/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Device, LocalRunOptions, LocalSession } from "../../../src/session/index.ts";
import {
  hostArray,
  isDeviceTensor,
  openLocalSession,
  openSession,
} from "../../../src/session/index.ts";

const f32 = (shape: number[], values: readonly number[]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

/** sum = x + y, product = x * y, dot = their inner product. */
function model(): Uint8Array {
  const g = new GraphBuilder("pair");
  const x = g.input("x", "float32", ["n"]);
  const y = g.input("y", "float32", ["n"]);
  const product = g.mul(x, y);
  g.output("sum", g.add(x, y));
  g.output("product", product);
  g.output("dot", g.reduceSum(product, [0]));
  return writeModel(g.build());
}

const X = f32([3], [1, 2, 3]);
const Y = f32([3], [4, 5, -6]);

describe("a local session", () => {
  let session: LocalSession;
  beforeAll(async () => {
    session = await openLocalSession(model(), { deviceOutputs: ["sum"] });
  });
  afterAll(() => session.close());

  it("says what goes in and out and where it runs", () => {
    expect(session.inputs).toEqual([
      { name: "x", dtype: "float32", shape: ["n"] },
      { name: "y", dtype: "float32", shape: ["n"] },
    ]);
    expect(session.outputs.map(({ name }) => name)).toEqual(["sum", "product", "dot"]);
    expect(session.device).toBe("cpu");
    expect(session.denormalsAsZero).toBe(false);
  });

  it("computes all outputs, or those asked for", async () => {
    const { outputs } = await session.run({ x: X, y: Y });
    expect(outputs).toEqual({
      sum: f32([3], [5, 7, -3]),
      product: f32([3], [4, 10, -18]),
      dot: f32([], [-4]),
    });
    const some = await session.run({ x: X, y: Y }, { outputs: ["dot"] });
    expect(some.outputs).toEqual({ dot: f32([], [-4]) });
  });

  it("uses views of a WebAssembly memory where they are, as feeds and as buffers", async () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const view = (offset: number): NdArray => ({
      dtype: "float32",
      shape: [3],
      data: new Float32Array(memory.buffer, offset, 3),
    });
    const [x, y, into] = [view(16), view(64), view(1024)];
    (x.data as Float32Array).set([1, 2, 3]);
    (y.data as Float32Array).set([10, 20, 30]);
    const { outputs } = await session.run({ x, y }, { outputs: ["sum"], into: { sum: into } });
    expect(outputs["sum"]).toBe(into);
    expect([...new Float32Array(memory.buffer, 1024, 3)]).toEqual([11, 22, 33]);
    // The engine reads the feeds anew in every run.
    (x.data as Float32Array).fill(0);
    await session.run({ x, y }, { outputs: ["sum"], into: { sum: into } });
    expect([...new Float32Array(memory.buffer, 1024, 3)]).toEqual([10, 20, 30]);
  });

  it("feeds tensors kept by earlier runs, and downloads them", async () => {
    let { outputs } = await session.run({ x: X, y: Y }, { keepOnDevice: ["sum"] });
    for (let step = 0; step < 3; step++) {
      const x = outputs["sum"];
      if (!isDeviceTensor(x)) throw new Error("must be kept");
      expect({ ...x }).toEqual({ dtype: "float32", shape: [3], device: "cpu" });
      ({ outputs } = await session.run({ x, y: Y }, { keepOnDevice: ["sum"] }));
      x.dispose();
    }
    const sum = outputs["sum"];
    if (!isDeviceTensor(sum)) throw new Error("must be kept");
    expect(await session.download(sum)).toEqual(f32([3], [17, 22, -21]));
    sum.dispose();
    sum.dispose();
    await expect(session.run({ x: sum, y: Y })).rejects.toThrow("it is disposed, must be alive");
  });

  it.each<[string, Record<string, NdArray>, string]>([
    ["a missing input", { x: X }, 'input "y" is absent, must be float32[n]'],
    ["an unknown input", { x: X, y: Y, z: X }, 'there is no input "z"'],
    ["sizes that contradict each other", { x: X, y: f32([2], [1, 2]) }, "is float32[2], must be"],
    ["another dtype", { x: X, y: { ...Y, dtype: "int32" } }, "is int32[3], must be float32[n]"],
    [
      "too few values",
      { x: X, y: { ...Y, shape: [3], data: new Float32Array(2) } },
      "has 2 values",
    ],
    [
      "shared memory",
      { x: X, y: { ...Y, data: new Float32Array(new SharedArrayBuffer(12)) } },
      "lies in shared memory",
    ],
  ])("refuses %s before it reaches the engine", async (_, feeds, message) => {
    await expect(session.run(feeds)).rejects.toThrow(TypeError);
    await expect(session.run(feeds)).rejects.toThrow(message);
  });

  it.each<[string, LocalRunOptions, string]>([
    ["an unknown output", { outputs: ["nope"] }, 'no output "nope"'],
    ["a buffer for no output", { into: { nope: X } }, 'no output "nope"'],
    [
      "a buffer of another dtype",
      { into: { dot: { dtype: "int32", shape: [], data: new Int32Array(1) } } },
      'the buffer for output "dot" is int32[], must be float32[]',
    ],
    ["a buffer of another rank", { into: { dot: f32([1], [0]) } }, "is float32[1], must be"],
    ["a buffer for an unwanted output", { outputs: ["dot"], into: { sum: X } }, "must be wanted"],
    ["keeping an unwanted output", { outputs: ["dot"], keepOnDevice: ["sum"] }, "must be among"],
    ["keeping what was not declared", { keepOnDevice: ["dot"] }, "deviceOutputs (sum)"],
  ])("refuses %s", async (_, options, message) => {
    await expect(session.run({ x: X, y: Y }, options)).rejects.toThrow(message);
  });

  it("refuses a buffer of another size, which only the engine can see", async () => {
    const into = { sum: f32([2], [0, 0]) };
    await expect(session.run({ x: X, y: Y }, { into })).rejects.toThrow(/^Cannot run: /);
    await expect(session.run({ x: X, y: Y }, { outputs: ["dot"] })).resolves.toBeDefined();
  });
});

describe("a session that only fills", () => {
  let session: LocalSession;
  /** sum = x + y and dot, of three numbers; picked = x at an index that may lie outside. */
  beforeAll(async () => {
    const g = new GraphBuilder("filled");
    const [x, y] = [g.input("x", "float32", [3]), g.input("y", "float32", [3])];
    g.output("sum", g.add(x, y));
    g.output("dot", g.reduceSum(g.mul(x, y), [0]));
    g.output("picked", g.gather(x, g.input("at", "int64", ["n"]), 0));
    session = await openLocalSession(writeModel(g.build()), { fillOnly: true, threads: 2 });
  });
  afterAll(() => session.close());

  const at = (...indices: number[]): NdArray => ({
    dtype: "int64",
    shape: [indices.length],
    data: BigInt64Array.from(indices, BigInt),
  });
  const feeds = { x: X, y: Y, at: at(2, 0) };

  it("has the outputs of its graph", () => {
    expect(session.outputs).toEqual([
      { name: "sum", dtype: "float32", shape: [3] },
      { name: "dot", dtype: "float32", shape: [] },
      { name: "picked", dtype: "float32", shape: ["n"] },
    ]);
  });

  it("writes into buffers, and into new arrays where there are none", async () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const data = new Float32Array(memory.buffer, 64, 3);
    const into = {
      sum: { dtype: "float32", shape: [3], data },
      picked: f32([2], [NaN, NaN]),
    } as const;
    for (const scale of [1, 2]) {
      const x = f32([3], [scale, 2 * scale, 3 * scale]);
      const { outputs } = await session.run({ ...feeds, x }, { into });
      expect(outputs["sum"]).toBe(into.sum);
      expect([...new Float32Array(memory.buffer, 64, 3)]).toEqual([
        scale + 4,
        2 * scale + 5,
        3 * scale - 6,
      ]);
      expect(outputs["picked"]).toEqual(f32([2], [3 * scale, scale]));
      expect(outputs["dot"]).toEqual(f32([], [-4 * scale]));
    }
  });

  it("computes only what is wanted, and wants a shape for it", async () => {
    const { outputs } = await session.run(feeds, { outputs: ["dot"] });
    expect(outputs).toEqual({ dot: f32([], [-4]) });
    await expect(session.run(feeds)).rejects.toThrow(
      'output "picked" is float32[n] and has no buffer, must have one or a fixed shape (fillOnly)',
    );
  });

  it("tells what goes wrong in the engine from what ends every run", async () => {
    const into = { picked: f32([1], [NaN]) };
    const run = (index: number) => session.run({ ...feeds, at: at(index) }, { into });
    await expect(run(7)).rejects.toThrow(/^Cannot run: .*indices element out of data bounds/s);
    await expect(session.run(feeds, { into })).rejects.toThrow(/^Cannot run: /);
    await run(1);
    expect(into.picked.data[0]).toBe(2);
  });

  it("refuses files and other devices", async () => {
    const options = { fillOnly: true };
    await expect(openLocalSession("model.onnx", options)).rejects.toThrow(
      'fillOnly is set for the file "model.onnx", must be with bytes alone',
    );
    await expect(openLocalSession(model(), { ...options, device: "webgpu" })).rejects.toThrow(
      "fillOnly is set on webgpu, must be on cpu alone",
    );
  });
});

describe("16-bit floats", () => {
  it("are their bits, in both kinds of session and on every version of Node", async () => {
    const g = new GraphBuilder("half");
    g.output("y", g.cast(g.cast(g.input("x", "float16", [3]), "float32"), "float16"));
    const bytes = writeModel(g.build());
    // 1, -2 and 65504, the largest.
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff);
    const x: NdArray = { dtype: "float16", shape: [3], data: bits };
    await using local = await openLocalSession(bytes);
    await using threaded = await openSession(bytes);
    const into = { y: { dtype: "float16", shape: [3], data: new Uint16Array(3) } as const };
    expect((await local.run({ x })).outputs).toEqual({ y: x });
    expect((await threaded.run({ x })).outputs).toEqual({ y: x });
    await local.run({ x }, { into });
    expect(into.y.data).toEqual(bits);
  });
});

describe("hostArray()", () => {
  it("takes an array by name and says what is wrong with others", async () => {
    await using session = await openLocalSession(model(), { deviceOutputs: ["sum"] });
    const { outputs } = await session.run({ x: X, y: Y }, { keepOnDevice: ["sum"] });
    expect(hostArray(outputs, "dot", "float32")).toEqual(f32([], [-4]));
    expect(() => hostArray(outputs, "nope")).toThrow('must be one of "sum", "product", "dot"');
    expect(() => hostArray(outputs, "sum")).toThrow("is on cpu, must be downloaded");
    expect(() => hostArray(outputs, "dot", "int32")).toThrow("is float32, must be int32");
  });
});

describe("openLocalSession()", () => {
  it.each(["dml", "gpu", "toString"])("refuses device %j", async (device) => {
    await expect(openLocalSession(model(), { device: device as Device })).rejects.toThrow(
      "must be one of cpu, webgpu, cuda",
    );
  });

  it("refuses bytes that are no model, unknown outputs, and tensors on CUDA devices", async () => {
    await expect(openLocalSession(new Uint8Array([1, 2]))).rejects.toThrow(
      /^Cannot open session: /,
    );
    await expect(openLocalSession(model(), { deviceOutputs: ["nope"] })).rejects.toThrow(
      'deviceOutputs has "nope", must be some of "sum", "product", "dot"',
    );
    const cuda = openLocalSession(model(), { device: "cuda", deviceOutputs: ["sum"] });
    await expect(cuda).rejects.toThrow("must be empty there");
  });

  it("gives the bits that a session in a thread gives", async () => {
    const x = f32(
      [100],
      Array.from({ length: 100 }, (_, i) => Math.sin(i)),
    );
    await using local = await openLocalSession(model());
    await using threaded = await openSession(model());
    const here = await local.run({ x, y: x });
    const there = await threaded.run({ x, y: x });
    expect(here.outputs).toEqual(there.outputs);
  });

  it("lets pending runs finish when closed, refuses new ones, and closes twice", async () => {
    const session = await openLocalSession(model());
    const pending = session.run({ x: X, y: Y });
    const closing = [session.close(), session.close()];
    await expect(session.run({ x: X, y: Y })).rejects.toThrow("the session is closed");
    expect((await pending).outputs["dot"]).toEqual(f32([], [-4]));
    await Promise.all(closing);
  });
});

describe("options of both kinds of session", () => {
  const folder = mkdtempSync(join(tmpdir(), "efference-session-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** y = x + t, with t in a file of its own. */
  function modelWithFile(): { model: Uint8Array; data: Uint8Array } {
    const g = new GraphBuilder("outside");
    const t = g.parameter("t", f32([3], [7, 8, 9]));
    g.output("y", g.add(g.input("x", "float32", [3]), t));
    const built = g.build();
    const payload = { kind: "external", location: "t.bin", offset: 0, length: 12 } as const;
    const initializers = built.graph.initializers.map((tensor) => ({ ...tensor, payload }));
    const outside: Model = { ...built, graph: { ...built.graph, initializers } };
    return {
      model: writeModel(outside),
      data: new Uint8Array(Float32Array.of(7, 8, 9).buffer),
    };
  }

  it("tensors kept in files come from memory", async () => {
    const { model: bytes, data } = modelWithFile();
    const options = { externalData: { "t.bin": data } };
    await using local = await openLocalSession(bytes, options);
    await using threaded = await openSession(bytes, options);
    const wanted = { y: f32([3], [8, 10, 12]) };
    expect((await local.run({ x: X })).outputs).toEqual(wanted);
    expect((await threaded.run({ x: X })).outputs).toEqual(wanted);
  });

  it("a profile is written on close", async () => {
    for (const [prefix, open] of [
      ["local", openLocalSession],
      ["threaded", openSession],
    ] as const) {
      const session = await open(model(), { profilePrefix: join(folder, prefix) });
      await session.run({ x: X, y: Y });
      await session.close();
      const files = readdirSync(folder).filter((name) => name.startsWith(prefix));
      expect(files).toHaveLength(1);
      const events = readFileSync(join(folder, files[0] ?? ""), "utf8");
      expect(events).toContain("ReduceSum");
    }
  });

  it.each(["disabled", "basic", "extended", "all"] as const)(
    "optimisation %s and threads that do not spin give the same",
    async (optimization) => {
      const options = { optimization, allowSpinning: false, threads: 2 };
      await using session = await openLocalSession(model(), options);
      expect((await session.run({ x: X, y: Y })).outputs["dot"]).toEqual(f32([], [-4]));
    },
  );
});
