/** Sessions on the engine's WebAssembly, which runs in Node as it does in a browser. */
import * as onnxruntime from "onnxruntime-web/wasm";
import { describe, expect, it } from "vitest";
import type { Dtype, NdArray } from "../../../src/core/index.ts";
import { GraphBuilder, allocate, writeModel } from "../../../src/onnx/index.ts";
import type { Engine } from "../../../src/session/engine-api.ts";
import { openSession, openWasmSession } from "../../../src/session/index.ts";

const engine = onnxruntime as unknown as Engine;
onnxruntime.env.wasm.numThreads = 1;
onnxruntime.env.logLevel = "fatal";

function sameModel(dtype: Dtype): Uint8Array {
  const g = new GraphBuilder("same");
  g.output("y", g.input("x", dtype, [2, 2]));
  return writeModel(g.build());
}

const floats = (data: readonly number[], shape = [data.length]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

function sumModel(): Uint8Array {
  const g = new GraphBuilder("sum");
  const [a, b] = [g.input("a", "float32", [2]), g.input("b", "float32", [2])];
  g.output("sum", g.add(a, b));
  g.output("product", g.mul(a, b));
  return writeModel(g.build());
}

describe("openWasmSession()", () => {
  it.each<Dtype>(["float32", "float16", "int32", "int64", "uint8", "bool"])(
    "takes %s in and gives it out",
    async (dtype) => {
      const session = await openWasmSession(engine, sameModel(dtype));
      const data = allocate(dtype, 4);
      for (const i of [1, 3]) data[i] = data instanceof BigInt64Array ? 1n : 1;
      expect(session.inputs).toEqual([{ name: "x", dtype, shape: [2, 2] }]);
      const { outputs, totalMs, runMs } = await session.run({ x: { dtype, shape: [2, 2], data } });
      expect(outputs["y"]).toMatchObject({ dtype, shape: [2, 2] });
      expect([...outputs["y"]!.data]).toEqual([...data]);
      expect(totalMs).toBeGreaterThanOrEqual(runMs);
      await session.close();
    },
  );

  it("runs in the order of asking, and gives only what is wanted", async () => {
    const session = await openWasmSession(engine, sumModel());
    const asked = [1, 2, 3].map((n) =>
      session.run({ a: floats([n, n]), b: floats([1, 2]) }, { outputs: ["product"] }),
    );
    const results = await Promise.all(asked);
    expect(results.map(({ outputs }) => [...outputs["product"]!.data])).toEqual([
      [1, 2],
      [2, 4],
      [3, 6],
    ]);
    expect(Object.keys(results[0]!.outputs)).toEqual(["product"]);
    await session.close();
  });

  it("refuses what a session in a thread refuses, with the same words", async () => {
    const model = sumModel();
    const sessions = [await openWasmSession(engine, model), await openSession(model)];
    const a = floats([1, 2]);
    for (const feeds of [{ a }, { a, b: a, c: a }, { a, b: floats([1, 2, 3]) }]) {
      const words = sessions.map((each) => each.run(feeds).then(() => "ran", String));
      const [here, there] = await Promise.all(words);
      expect(here).toBe(there);
      expect(here).toMatch(/^TypeError: Cannot run: /);
    }
    for (const session of sessions) {
      await expect(session.run({ a, b: a }, { outputs: ["c"] })).rejects.toThrow('no output "c"');
      await session.close();
      await session.close();
      await expect(session.run({ a, b: a })).rejects.toThrow("the session is closed");
    }
  });

  it("says why the engine refuses a model", async () => {
    await expect(openWasmSession(engine, Uint8Array.of(1, 2, 3))).rejects.toThrow(
      /^Cannot open session: /,
    );
  });
});
