import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import type { Model, Tensor } from "../../../src/onnx/index.ts";
import { externalFiles, GraphBuilder, readModel, writeModel } from "../../../src/onnx/index.ts";
import { readModelFile, readTensor, writeModelFile } from "../../../src/onnx/node.ts";
import { openSession } from "../../../src/session/index.ts";

const W: NdArray = {
  dtype: "float32",
  shape: [64, 32],
  data: Float32Array.from({ length: 2048 }, (_, i) => Math.sin(i)),
};
const B: NdArray = { dtype: "float32", shape: [32], data: new Float32Array(32).fill(0.25) };
const X: NdArray = { dtype: "float32", shape: [1, 64], data: new Float32Array(64).fill(0.5) };

function linear(): Model {
  const g = new GraphBuilder("linear");
  const x = g.input("x", "float32", [1, 64]);
  g.output("y", g.linear(x, g.parameter("w", W), g.parameter("b", B)));
  return g.build();
}

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-onnx-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function outputOf(model: Uint8Array | string): Promise<NdArray | undefined> {
  await using session = await openSession(model, { device: "cpu" });
  return (await session.run({ x: X })).outputs["y"];
}

/** The model with `w` stored outside, as given. */
function stored(
  payload: Partial<Tensor["payload"] & { kind: "external" }>,
  w: Partial<Tensor> = {},
) {
  const model = linear();
  const initializers = model.graph.initializers.map((tensor): Tensor =>
    tensor.name === "w"
      ? {
          ...tensor,
          ...w,
          payload: { kind: "external", location: "w.bin", offset: 0, length: null, ...payload },
        }
      : tensor,
  );
  return { ...model, graph: { ...model.graph, initializers } };
}

describe("writeModelFile() and readModelFile()", () => {
  it("keep small tensors in the model, big ones aligned beside it, and the engine's results", async () => {
    const path = join(folder, "policy.onnx");
    await writeModelFile(path, linear(), { externalThreshold: 1024 });
    const model = await readModelFile(path);
    const [w, b] = model.graph.initializers;
    expect(w?.payload).toMatchObject({ kind: "external", offset: 0, length: 8192 });
    expect(b?.payload.kind).toBe("array");
    expect(await readTensor(folder, w!)).toEqual(W);
    expect(await readTensor(folder, b!)).toEqual(B);
    expect(await outputOf(path)).toEqual(await outputOf(writeModel(linear())));
    await writeModelFile(path, linear(), { externalThreshold: 1 });
    const offsets = (await readModelFile(path)).graph.initializers.map(({ payload }) =>
      payload.kind === "external" ? payload.offset : -1,
    );
    expect(offsets).toEqual([0, 8192]);
  });

  it("write one file where the model fits into one", async () => {
    const path = join(folder, "policy.onnx");
    await writeModelFile(path, linear());
    expect(await readdir(folder)).toEqual(["policy.onnx"]);
    expect(readModel(await readFile(path))).toEqual(linear());
  });

  it("copy tensors from another folder's files, and give equal models equal files", async () => {
    const [a, b] = [join(folder, "policy.onnx"), join(folder, "copy")];
    await writeModelFile(a, linear(), { externalThreshold: 1 });
    await mkdir(b);
    const copied = join(b, "policy.onnx");
    await writeModelFile(copied, await readModelFile(a), { from: folder });
    expect(await readFile(copied)).toEqual(await readFile(a));
    const [data = ""] = externalFiles(readModel(await readFile(a)));
    expect(await readFile(join(b, data))).toEqual(await readFile(join(folder, data)));
  });

  it("replace a model and its tensors, and leave no file behind", async () => {
    const path = join(folder, "policy.onnx");
    await writeModelFile(path, linear(), { externalThreshold: 1024 });
    const [before = ""] = externalFiles(await readModelFile(path));
    await writeModelFile(path, linear(), { externalThreshold: 1 });
    const [after = ""] = externalFiles(await readModelFile(path));
    expect(after).not.toBe(before);
    expect((await readdir(folder)).sort()).toEqual(["policy.onnx", after].sort());
  });

  it("leave the model that is there alone when the new one cannot be written", async () => {
    const path = join(folder, "policy.onnx");
    await writeModelFile(path, linear(), { externalThreshold: 1024 });
    const files = (await readdir(folder)).sort();
    await expect(writeModelFile(path, stored({ location: "gone.bin" }))).rejects.toThrow(
      'Cannot read tensor "w" from "gone.bin"',
    );
    expect((await readdir(folder)).sort()).toEqual(files);
    expect(await outputOf(path)).toEqual(await outputOf(writeModel(linear())));
  });

  it.each<[string, Model, string]>([
    ["a file that is missing", stored({ location: "none.bin" }), "the file is missing"],
    [
      "a file that is too short",
      stored({ length: 8192 }),
      "the file has 100 bytes, must have 8192",
    ],
    ["an offset beyond the end", stored({ offset: 200 }), "the file has 100 bytes, must have 200"],
    [
      "a length that contradicts the shape",
      stored({ length: 64 }),
      "its length is 64 bytes, must be 8192",
    ],
    ["a link out of the folder", stored({ location: "link" }), "the file is outside the folder"],
  ])("refuse %s", async (_, model, message) => {
    await writeFile(join(folder, "w.bin"), new Uint8Array(100));
    await symlink("/etc/hostname", join(folder, "link"));
    await writeFile(join(folder, "m.onnx"), writeModel(model));
    await expect(readModelFile(join(folder, "m.onnx"))).rejects.toThrow(RangeError);
    await expect(readModelFile(join(folder, "m.onnx"))).rejects.toThrow(message);
  });

  it("refer to tensors beyond 2 GiB without reading them", async () => {
    const far = 3 * 2 ** 30;
    await writeFile(join(folder, "w.bin"), "");
    // A hole in the file takes no room on the disk.
    await truncate(join(folder, "w.bin"), far + 8192);
    const handle = await open(join(folder, "w.bin"), "r+");
    const { buffer, byteOffset, byteLength } = W.data;
    await handle.write(new Uint8Array(buffer, byteOffset, byteLength), 0, byteLength, far);
    await handle.close();
    const big = stored({ length: far }, { name: "big", shape: [far / 4] });
    const initializers = [
      ...stored({ offset: far }).graph.initializers,
      ...big.graph.initializers.filter(({ name }) => name === "big"),
    ];
    const path = join(folder, "m.onnx");
    await writeFile(path, writeModel({ ...big, graph: { ...big.graph, initializers } }));
    const before = process.memoryUsage().rss;
    const model = await readModelFile(path);
    const [w] = model.graph.initializers;
    expect(w?.payload).toMatchObject({ offset: far, length: 8192 });
    expect(await readTensor(folder, w!)).toEqual(W);
    // 3 GiB stay where they are; a tenth of them allows for whatever else the process does.
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
  });
});
