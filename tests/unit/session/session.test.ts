import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Device, Session } from "../../../src/session/index.ts";
import {
  createBatcher,
  listDevices,
  listProviders,
  openSession,
  SessionLostError,
} from "../../../src/session/index.ts";
import { startSession } from "../../../src/session/session.ts";

const f32 = (shape: number[], values: readonly number[]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

/** y = tanh(x @ w) and z = x @ w, with a batch dimension; `twice` = x + x as it came. */
function model(): Uint8Array {
  const g = new GraphBuilder("test");
  const x = g.input("x", "float32", ["batch", 3]);
  const z = g.matmul(x, g.parameter("w", f32([3, 2], [0.5, -1, 0.25, 2, -0.125, 1])));
  g.output("y", g.tanh(z));
  g.output("z", z);
  return writeModel(g.build());
}

/** One megabyte through a few hundred tanhs: busy for a while. */
function slowModel(): Uint8Array {
  const g = new GraphBuilder("slow");
  let x = g.input("x", "float32", [1, 262_144]);
  for (let i = 0; i < 300; i++) x = g.sin(x);
  g.output("y", x);
  return writeModel(g.build());
}

const X = f32([2, 3], [1, 2, 3, -1, 0, 4]);
const Z = [0.5 + 0.5 - 0.375, -1 + 4 + 3, -0.5 - 0.5, 1 + 4];

/** A thread that follows the protocol up to a point and then does as `script` says. */
function misbehaving(script: string): Worker {
  const opened = `{ id: m.id, ok: true, body: { inputs: [], outputs: [], openMs: 0 } }`;
  return new Worker(
    `const { parentPort } = require("node:worker_threads");
     parentPort.on("message", (m) => { if (m.kind === "open") parentPort.postMessage(${opened}); else { ${script} } });`,
    { eval: true },
  );
}
const engine = {
  executionProviders: ["cpu"],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
  enableCpuMemArena: true,
} as const;

describe("a session", () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(model());
  });
  afterAll(() => session.close());

  it("says what goes in and out", () => {
    expect(session.inputs).toEqual([{ name: "x", dtype: "float32", shape: ["batch", 3] }]);
    expect(session.outputs.map(({ name }) => name)).toEqual(["y", "z"]);
  });

  it("computes, and measures itself", async () => {
    const { outputs, runMs, totalMs } = await session.run({ x: X });
    expect(outputs["z"]).toEqual(f32([2, 2], Z));
    expect(Array.from(outputs["y"]?.data ?? [], Number)).toEqual(
      Z.map((v) => expect.closeTo(Math.tanh(v), 6)),
    );
    expect(totalMs).toBeGreaterThanOrEqual(runMs);
  });

  it("gives only the outputs asked for", async () => {
    const { outputs } = await session.run({ x: X }, { outputs: ["z"] });
    expect(Object.keys(outputs)).toEqual(["z"]);
  });

  it("answers concurrent runs each with its own result, in order", async () => {
    const order: number[] = [];
    const runs = Array.from({ length: 40 }, async (_, i) => {
      const { outputs } = await session.run({ x: f32([1, 3], [i, 0, 0]) }, { outputs: ["z"] });
      order.push(i);
      return outputs["z"]?.data[0];
    });
    expect(await Promise.all(runs)).toEqual(Array.from({ length: 40 }, (_, i) => i / 2));
    expect(order).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it("leaves the caller's arrays alone, unless they are handed over", async () => {
    const kept = f32([1, 3], [1, 2, 3]);
    await session.run({ x: kept });
    expect(kept.data).toEqual(Float32Array.of(1, 2, 3));
    const given = f32([1, 3], [1, 2, 3]);
    await session.run({ x: given }, { transfer: true });
    expect(given.data.length).toBe(0);
  });

  it("takes views into larger buffers, node Buffers and shared memory", async () => {
    const big = Float32Array.from({ length: 100 }, (_, i) => i);
    const view: NdArray = { dtype: "float32", shape: [1, 3], data: big.subarray(10, 13) };
    const { outputs } = await session.run({ x: view }, { transfer: true });
    expect(outputs["z"]?.data[0]).toBe(10 / 2 + 11 / 4 - 12 / 8);
    expect(big.length).toBe(100);
    const shared = new Float32Array(new SharedArrayBuffer(12));
    shared.set([10, 11, 12]);
    const again = await session.run({ x: { dtype: "float32", shape: [1, 3], data: shared } });
    expect(again.outputs["z"]).toEqual(outputs["z"]);
  });

  it.each<[string, Record<string, NdArray>, string]>([
    ["a missing input", {}, 'input "x" is absent, must be float32[batch, 3]'],
    ["an unknown input", { x: X, q: X }, 'there is no input "q", must be one of "x"'],
    [
      "another dtype",
      { x: { ...X, dtype: "float64", data: new Float64Array(6) } },
      "is float64[2, 3], must be float32",
    ],
    [
      "another shape",
      { x: f32([3, 2], [1, 2, 3, 4, 5, 6]) },
      "is float32[3, 2], must be float32[batch, 3]",
    ],
    ["another rank", { x: f32([3], [1, 2, 3]) }, "is float32[3], must be"],
    [
      "too few values",
      { x: f32([2, 3], [1]) },
      "has 1 values in a Float32Array, must have the 6 of",
    ],
    ["the wrong array type", { x: { ...X, data: new Int32Array(6) } }, "in a Int32Array"],
  ])("refuses %s before it reaches the engine", async (_, feeds, message) => {
    await expect(session.run(feeds)).rejects.toThrow(TypeError);
    await expect(session.run(feeds)).rejects.toThrow(message);
  });

  it("refuses an unknown output", async () => {
    await expect(session.run({ x: X }, { outputs: ["w"] })).rejects.toThrow(
      'there is no output "w"',
    );
  });
});

describe("openSession()", () => {
  it.each([
    ["bytes that are no model", new Uint8Array([1, 2, 3])],
    ["nothing", new Uint8Array()],
    ["a file that is not there", "no-such-folder/no-such-model.onnx"],
  ])("rejects %s with the engine's reason", async (_, bytes) => {
    const error = await openSession(bytes).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/^Cannot open session: /);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it("rejects an operator that the engine does not have", async () => {
    const g = new GraphBuilder("strange");
    const x = g.input("x", "float32", [1]);
    const [y] = g.op("NoSuchOp", [x], { outputTypes: [{ elementType: "float32", shape: [1] }] });
    if (y !== undefined) g.output("y", y);
    await expect(openSession(writeModel(g.build()))).rejects.toThrow("NoSuchOp");
  });

  it.each(["dml", "coreml", "xnnpack", "gpu", "toString"])(
    "does not let the engine drop device %j silently",
    async (device) => {
      await expect(openSession(model(), { device: device as Device })).rejects.toThrow(
        "must be one of cpu, webgpu, cuda",
      );
    },
  );

  it.each([0, -1, 1.5, NaN])("refuses %d threads", async (threads) => {
    await expect(openSession(model(), { threads })).rejects.toThrow(RangeError);
  });

  it("gives equal bits with equal input, run after run and session after session", async () => {
    const results = await Promise.all(
      [1, 2].map(async () => {
        await using session = await openSession(model(), { threads: 1 });
        const [a, b] = [await session.run({ x: X }), await session.run({ x: X })];
        return [a.outputs["y"]?.data, b.outputs["y"]?.data];
      }),
    );
    const [first] = results.flat();
    for (const data of results.flat()) expect(data).toEqual(first);
  });
});

describe("listDevices()", () => {
  it("finds that the CPU works, and says what to do about every device that does not", async () => {
    const reports = await listDevices();
    expect(reports.map(({ device }) => device)).toEqual(["cpu", "webgpu", "cuda"]);
    expect(reports[0]).toEqual({ device: "cpu", usable: true, reason: "" });
    for (const { usable, reason } of reports) {
      if (!usable) expect(reason).toMatch(/must be a machine with .* or use device "cpu"/);
    }
  });

  it("agrees with openSession", async () => {
    for (const { device, usable } of await listDevices()) {
      const opened = await openSession(model(), { device }).then(
        (session) => session.close().then(() => true),
        () => false,
      );
      expect(opened, device).toBe(usable);
    }
  });

  it("lists the engine's providers", async () => {
    expect(await listProviders()).toContainEqual({ name: "cpu", bundled: true });
  });
});

describe("the end of a session", () => {
  it("close() lets pending runs finish, refuses new ones and may be called twice", async () => {
    const session = await openSession(model());
    const pending = session.run({ x: X });
    const closing = [session.close(), session.close()];
    await expect(session.run({ x: X })).rejects.toThrow("the session is closed");
    expect((await pending).outputs["z"]).toEqual(f32([2, 2], Z));
    await Promise.all(closing);
  });

  it.each([
    ["throws", `throw new Error("boom");`, "crashed"],
    ["exits", `process.exit(3);`, "ended (exit code 3)"],
  ])("rejects every pending run when the thread %s", async (_, script, reason) => {
    const session = await startSession(misbehaving(script), model(), { engine, maxQueued: 9 });
    const runs = await Promise.allSettled([session.run({}), session.run({}), session.run({})]);
    for (const run of runs) {
      if (run.status === "fulfilled") throw new Error("must be rejected");
      expect(run.reason).toBeInstanceOf(SessionLostError);
      expect(String(run.reason)).toContain(reason);
    }
    await expect(session.run({})).rejects.toThrow(SessionLostError);
    await session.close();
  });

  it("keeps the thread's error as the cause", async () => {
    const session = await startSession(misbehaving(`throw new Error("boom");`), model(), {
      engine,
      maxQueued: 9,
    });
    const error = (await session.run({}).catch((e: unknown) => e)) as Error;
    expect((error.cause as Error).message).toBe("boom");
    await session.close();
  });

  it("refuses more runs than may wait, and takes them again later", async () => {
    const replies: string = `setImmediate(() => parentPort.postMessage({ id: m.id, ok: true, body: { outputs: {}, runMs: 0 } }));`;
    const session = await startSession(misbehaving(replies), model(), { engine, maxQueued: 2 });
    const runs = [session.run({}), session.run({})];
    await expect(session.run({})).rejects.toThrow("2 runs are waiting, must be fewer");
    await Promise.all(runs);
    await expect(session.run({})).resolves.toMatchObject({ outputs: {} });
    await session.close();
  });

  it("a run that the engine refuses rejects alone", async () => {
    const g = new GraphBuilder("gather");
    const indices = g.input("i", "int64", [1]);
    g.output("y", g.gather(g.parameter("t", f32([2], [5, 6])), indices));
    await using session = await openSession(writeModel(g.build()));
    const at = (i: bigint): NdArray => ({ dtype: "int64", shape: [1], data: BigInt64Array.of(i) });
    const [good, bad, after] = await Promise.allSettled([
      session.run({ i: at(0n) }),
      session.run({ i: at(9n) }),
      session.run({ i: at(1n) }),
    ]);
    expect([good?.status, bad?.status, after?.status]).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
  });
});

describe("the main thread", () => {
  it("turns its event loop while the engine is busy", async () => {
    await using session = await openSession(slowModel());
    const x = f32([1, 262_144], new Array<number>(262_144).fill(0.5));
    let turns = 0;
    let busy = true;
    const spin = (): void => {
      turns++;
      if (busy) setImmediate(spin);
    };
    setImmediate(spin);
    const { runMs } = await session.run({ x });
    busy = false;
    // Were the engine on this thread, there would be a turn or two; here there are thousands.
    expect(turns, `in ${runMs} ms`).toBeGreaterThan(20);
  });
});

describe("createBatcher()", () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(model());
  });
  afterAll(() => session.close());

  /** The session, counting its runs and their rows. */
  function counting(): { session: Session; rows: number[] } {
    const rows: number[] = [];
    const counted: Session = {
      ...session,
      inputs: session.inputs,
      outputs: session.outputs,
      run: (feeds, options) => {
        rows.push(feeds["x"]?.shape[0] ?? -1);
        return session.run(feeds, options);
      },
      close: () => session.close(),
      [Symbol.asyncDispose]: () => session.close(),
    };
    return { session: counted, rows };
  }
  const request = (i: number): { x: NdArray } => ({ x: f32([1, 3], [i, i / 3, -i]) });

  it("gives every caller what it would have got alone", async () => {
    const { session: counted, rows } = counting();
    const batcher = createBatcher(counted, { maxBatch: 8 });
    const joined = await Promise.all(Array.from({ length: 20 }, (_, i) => batcher.run(request(i))));
    expect(rows).toEqual([8, 8, 4]);
    for (const [i, { outputs }] of joined.entries()) {
      const alone = await session.run(request(i));
      for (const name of ["y", "z"]) {
        const values = Array.from(outputs[name]?.data ?? [], Number);
        expect(outputs[name]?.shape).toEqual([1, 2]);
        const wanted = Array.from(alone.outputs[name]?.data ?? [], Number);
        expect(values).toEqual(wanted.map((v) => expect.closeTo(v, 5)));
      }
    }
  });

  it("joins requests of several rows without splitting any", async () => {
    const { session: counted, rows } = counting();
    const batcher = createBatcher(counted, { maxBatch: 5 });
    const runs = [X, X, X].map((x) => batcher.run({ x }));
    const results = await Promise.all(runs);
    expect(rows).toEqual([4, 2]);
    for (const { outputs } of results) expect(outputs["z"]).toEqual(f32([2, 2], Z));
  });

  it("gives results that share no memory", async () => {
    const batcher = createBatcher(session, { maxBatch: 2 });
    const [a, b] = await Promise.all([batcher.run(request(1)), batcher.run(request(2))]);
    expect(a?.outputs["z"]?.data.buffer).not.toBe(b?.outputs["z"]?.data.buffer);
  });

  it("waits up to maxWaitMs, and flush() ends the wait", async () => {
    const { session: counted, rows } = counting();
    const batcher = createBatcher(counted, { maxBatch: 8, maxWaitMs: 1_000_000 });
    const runs = [batcher.run(request(1)), batcher.run(request(2))];
    await new Promise((resolve) => setImmediate(resolve));
    expect(rows).toEqual([]);
    batcher.flush();
    await Promise.all(runs);
    expect(rows).toEqual([2]);
  });

  it("refuses a bad request alone", async () => {
    const batcher = createBatcher(session, { maxBatch: 4 });
    const [good, bad] = await Promise.allSettled([
      batcher.run(request(1)),
      batcher.run({ x: f32([1, 2], [1, 2]) }),
    ]);
    expect([good?.status, bad?.status]).toEqual(["fulfilled", "rejected"]);
    await expect(batcher.run({ x: f32([5, 3], new Array<number>(15).fill(0)) })).rejects.toThrow(
      "has 5 rows, must have 1 to 4",
    );
  });

  it("rejects every member of a run that fails", async () => {
    const broken: Session = { ...counting().session, run: () => Promise.reject(new Error("lost")) };
    const batcher = createBatcher(broken, { maxBatch: 4 });
    const runs = await Promise.allSettled([batcher.run(request(1)), batcher.run(request(2))]);
    expect(runs.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it.each([
    [{ maxBatch: 0 }],
    [{ maxBatch: 1.5 }],
    [{ maxBatch: 1, maxWaitMs: -1 }],
    [{ maxBatch: 1, maxWaitMs: NaN }],
  ])("refuses %j", (options) => {
    expect(() => createBatcher(session, options)).toThrow(RangeError);
  });
});
