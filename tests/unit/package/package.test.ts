import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NdArray, Observation, PolicySpec } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { ManifestInput, PackageContent } from "../../../src/package/index.ts";
import {
  hashPackage,
  loadPolicy,
  parseManifest,
  readPolicyPackage,
  specToJson,
  writePolicyPackage,
  writeSafetensors,
} from "../../../src/package/index.ts";
import type { ActionChunk } from "../../../src/core/index.ts";

const f32 = (shape: number[], values: readonly number[]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

const SPEC: PolicySpec = {
  name: "sum",
  observation: {
    images: [{ name: "front", height: 2, width: 2, channels: 3 }],
    proprio: [
      {
        name: "position",
        format: "position",
        dtype: "float32",
        shape: [2],
        low: [-Infinity],
        high: [Infinity],
      },
      { name: "opening", format: "gripper_opening", dtype: "float64", shape: [1] },
    ],
    texts: [],
  },
  action: { components: [{ name: "delta", format: "raw", dtype: "float32", shape: [3] }] },
  predictHorizon: 2,
  privileged: false,
  controlFreqHz: 20,
};

/** action[k] = state + [mean colour, word sum, noise][k], twice (two rows). */
function model(): Uint8Array {
  const g = new GraphBuilder("sum");
  const state = g.input("state", "float32", ["batch", 3]);
  const image = g.input("image", "uint8", ["batch", 2, 2, 3]);
  const planes = g.input("planes", "float32", ["batch", 3, 2, 2]);
  const words = g.input("words", "float32", ["batch", 2]);
  const noise = g.input("noise", "float32", ["batch", 1]);
  const red = g.slice(g.reduceMean(g.cast(image, "float32"), [1, 2]), 1, { start: 0, end: 1 });
  const green = g.slice(g.reduceMean(planes, [2, 3]), 1, { start: 1, end: 2 });
  const extras = g.concat([g.add(red, green), g.reduceSum(words, [1], true), noise], 1);
  const row = g.unsqueeze(g.add(state, extras), [1]);
  g.output("action", g.concat([row, row], 1));
  return writeModel(g.build());
}

const STATS = writeSafetensors({
  "state/mean": f32([3], [1, 2, 3]),
  "state/std": f32([3], [2, 2, 2]),
  "action/min": f32([3], [0, 0, 0]),
  "action/max": f32([3], [10, 10, 10]),
});

function manifest(change: Record<string, unknown> = {}): ManifestInput {
  return {
    format: "policy_package",
    version: "1.0",
    policy: { name: "sum", source: { repo_id: "", class_path: "none" } },
    model: {
      n_obs_steps: 1,
      runner: { type: "action_chunking", chunk_size: 2 },
      artifacts: { model: "model.onnx" },
      preprocessors: [{ type: "normalize", artifact: "stats.safetensors", features: ["state"] }],
      postprocessors: [
        {
          class_path: "physicalai.inference.postprocessors.StatsDenormalizer",
          init_args: { stats_path: "stats.safetensors", mode: "min_max", features: ["action"] },
        },
      ],
    },
    efference: {
      spec: specToJson(SPEC) as never,
      inputs: [
        { input: "state", from: "proprio", components: ["position", "opening"] },
        { input: "image", from: "image", camera: "front", layout: "hwc" },
        { input: "planes", from: "image", camera: "front", layout: "chw" },
        { input: "words", from: "words", vocabulary: ["red", "cube"] },
        { input: "noise", from: "noise", shape: [1] },
      ],
      output: "action",
    },
    ...change,
  };
}

function content(change: Record<string, unknown> = {}): PackageContent {
  return {
    manifest: manifest(change),
    files: { "model.onnx": model(), "stats.safetensors": STATS },
  };
}

const OBSERVATION: Observation = {
  images: {
    front: {
      dtype: "uint8",
      shape: [2, 2, 3],
      data: Uint8Array.from([4, 51, 0, 8, 51, 0, 4, 51, 0, 8, 51, 0]),
    },
  },
  proprio: {
    position: f32([2], [3, 6]),
    opening: { dtype: "float64", shape: [1], data: Float64Array.of(1) },
  },
  texts: {},
  instruction: "Pick up the RED cubes!",
  step: 0,
  stampNs: 0n,
};

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "efference-package-"));
});
afterAll(() => rm(root, { recursive: true }));
let counter = 0;
beforeEach(() => {
  folder = join(root, `pack${counter++}`);
});

describe("writePolicyPackage() and readPolicyPackage()", () => {
  it("bring manifest and files back, unknown keys included", async () => {
    const extra = {
      team: { any: [1, { thing: null }] },
      metadata: { created_by: "a test", more: 1 },
    };
    await writePolicyPackage(folder, content(extra));
    const pack = await readPolicyPackage(folder);
    expect(pack.manifest).toMatchObject(extra);
    expect(pack.manifest.policy.source).toEqual({ repo_id: "", class_path: "none" });
    expect(pack.artifacts).toEqual({ model: join(folder, "model.onnx") });
    expect(Uint8Array.from(await readFile(join(folder, "model.onnx")))).toEqual(model());
    const bounds = pack.manifest.efference?.spec.observation.proprio[0];
    expect([bounds?.low, bounds?.high]).toEqual([[-Infinity], [Infinity]]);
  });

  it("leave nothing beside the package, also when writing fails", async () => {
    await writePolicyPackage(folder, content());
    const missing = { ...content(), files: { "other.bin": STATS } };
    await expect(writePolicyPackage(join(root, "half"), missing)).rejects.toThrow(RangeError);
    const escape = { ...content(), files: { ...content().files, "../evil": STATS } };
    await expect(writePolicyPackage(join(root, "evil-pack"), escape)).rejects.toThrow(
      "no plain path",
    );
    const names = await readdir(root);
    expect(names.filter((name) => !/^pack\d+$/.test(name))).toEqual([]);
  });

  it("replace an existing package only when told to, and then wholly", async () => {
    await writePolicyPackage(folder, {
      ...content(),
      files: { ...content().files, "old.txt": STATS },
    });
    await expect(writePolicyPackage(folder, content())).rejects.toThrow("exists, must not");
    await writePolicyPackage(folder, content(), { overwrite: true });
    expect((await readdir(folder)).sort()).toEqual([
      "manifest.json",
      "model.onnx",
      "stats.safetensors",
    ]);
  });

  it("notice a file that was changed after packing", async () => {
    await writePolicyPackage(folder, content());
    const bytes = await readFile(join(folder, "model.onnx"));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(join(folder, "model.onnx"), bytes);
    await expect(readPolicyPackage(folder)).rejects.toThrow("it was changed after packing");
    await expect(readPolicyPackage(folder, { verify: false })).resolves.toBeDefined();
  });

  it("read a package of another tool, which has no section of ours", async () => {
    const { efference, ...foreign } = manifest();
    expect(efference).toBeDefined();
    await writePolicyPackage(folder, { ...content(), manifest: foreign });
    expect((await readPolicyPackage(folder)).manifest.efference).toBeUndefined();
  });

  it("say what a folder without manifest lacks", async () => {
    await expect(readPolicyPackage(root)).rejects.toThrow("must be a folder with a manifest.json");
  });
});

describe("parseManifest() refuses", () => {
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  const deep = new TextEncoder().encode(
    JSON.stringify(manifest()).replace(/}$/, `,"deep":${nested(400_000)}}`),
  );

  it.each<[string, Uint8Array, string]>([
    ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe), "it is no JSON"],
    ["text that is no JSON", new TextEncoder().encode("{"), "it is no JSON"],
    ["a list", text([]), "expected object"],
    ["null", text(null), "expected object"],
    ["another format", text({ ...manifest(), format: "zip" }), "format: "],
    ["a later major version", text({ ...manifest(), version: "2.0" }), "version: must be 1.x"],
    ["no model", text({ ...manifest(), model: undefined }), "model: "],
    [
      "artifacts of the wrong type",
      text(manifest({ model: { artifacts: { model: 3 } } })),
      "model.artifacts.model: ",
    ],
    [
      "a component with two names",
      text(manifest({ model: { artifacts: {}, runner: { type: "a", class_path: "b" } } })),
      "either type or class_path",
    ],
    [
      "a huge dimension",
      text(withSpec({ predictHorizon: 1e9 })),
      "efference.spec.predictHorizon: ",
    ],
    [
      "a policy that reads the ground truth",
      text(withSpec({ privileged: true })),
      "efference.spec.privileged: ",
    ],
    ["a misspelt key of our section", text(withSpec({ predictHorison: 2 })), "predictHorison"],
    ["too many bytes", new Uint8Array((1 << 20) + 1).fill(0x20), "must have at most 1048576"],
    ["hundreds of thousands of levels", deep, "nests deeper than 32 levels"],
  ])("%s", (_, bytes, message) => {
    expect(() => parseManifest(bytes)).toThrow(SyntaxError);
    expect(() => parseManifest(bytes)).toThrow(message);
  });

  it("every problem at once, each with its place", () => {
    const wrong = { ...manifest(), version: 1, policy: "x" };
    expect(() => parseManifest(text(wrong))).toThrow(/version: .*; policy: /);
  });

  it("to let a manifest touch the prototype of anything", () => {
    const json = JSON.stringify(manifest()).replace(/}$/, `,"__proto__":{"polluted":1}}`);
    parseManifest(new TextEncoder().encode(json));
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

function withSpec(change: Record<string, unknown>): unknown {
  const base = manifest();
  return {
    ...base,
    efference: { ...base.efference, spec: { ...(specToJson(SPEC) as object), ...change } },
  };
}

describe("a package's paths", () => {
  async function packWithArtifact(path: string): Promise<void> {
    await mkdir(folder);
    await writeFile(join(folder, "model.onnx"), model());
    await writeFile(join(folder, "stats.safetensors"), STATS);
    const base = manifest();
    const changed = { ...base, model: { ...base.model, artifacts: { model: path } } };
    await writeFile(join(folder, "manifest.json"), JSON.stringify(changed));
  }

  it.each([
    "../outside.onnx",
    "/etc/hostname",
    "a/../../outside.onnx",
    "./model.onnx",
    "a\\b",
    "C:/x",
    "model.onnx/",
  ])("may not be %j", async (path) => {
    await packWithArtifact(path);
    await expect(readPolicyPackage(folder)).rejects.toThrow(/no plain path|must be inside/);
  });

  it("may not lead out by a symbolic link", async () => {
    await packWithArtifact("link.onnx");
    await writeFile(join(root, "outside.onnx"), model());
    await symlink(join(root, "outside.onnx"), join(folder, "link.onnx"));
    await expect(readPolicyPackage(folder)).rejects.toThrow("it is outside the folder");
    await expect(hashPackage(folder)).rejects.toThrow("link.onnx is a link");
  });

  it("may not lead out by a linked folder", async () => {
    await packWithArtifact("sub/outside.onnx");
    await symlink(root, join(folder, "sub"));
    await expect(readPolicyPackage(folder)).rejects.toThrow("it is outside the folder");
  });

  it("must be of files that are there", async () => {
    await packWithArtifact("absent.onnx");
    await expect(readPolicyPackage(folder)).rejects.toThrow("must be a file");
  });
});

describe("hashPackage()", () => {
  it("depends on paths and contents and on nothing else", async () => {
    await writePolicyPackage(folder, content());
    const elsewhere = join(root, "elsewhere");
    await writePolicyPackage(elsewhere, content());
    const hash = await hashPackage(folder);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await hashPackage(elsewhere)).toBe(hash);
    await writeFile(join(elsewhere, "empty"), "");
    const added = await hashPackage(elsewhere);
    expect(added).not.toBe(hash);
    await rm(join(elsewhere, "empty"));
    await writeFile(join(elsewhere, "other"), "");
    expect([hash, added]).not.toContain(await hashPackage(elsewhere));
    await rm(elsewhere, { recursive: true });
  });

  it("is the SHA-256 that its definition gives", async () => {
    await mkdir(join(folder, "b"), { recursive: true });
    await writeFile(join(folder, "b", "x"), "hi");
    await writeFile(join(folder, "a"), "");
    // printf 'a\0 0\0 <sha of nothing>\0 b/x\0 2\0 <sha of "hi">\0' without the spaces | sha256sum
    expect(await hashPackage(folder)).toBe(HASH_OF_TWO_FILES);
  });
});
const HASH_OF_TWO_FILES = "e99d23d923ec15f2daf67129e4ed12c64081b1bc7e8b099e7d3e7d1ca187845d";

describe("loadPolicy()", () => {
  async function decide(
    change: Record<string, unknown> = {},
    observation = OBSERVATION,
  ): Promise<ActionChunk> {
    await writePolicyPackage(folder, content(change), { overwrite: true });
    const policy = await loadPolicy(folder);
    try {
      await policy.reset({ seed: 5 } as never);
      const { chunk, timing } = await policy.decide(observation);
      expect(timing.totalMs).toBeGreaterThanOrEqual(timing["runMs"] ?? Infinity);
      return chunk;
    } finally {
      await policy.close?.();
    }
  }

  it("binds, normalises, runs and denormalises", async () => {
    const noise = Math.fround(seeded("policy/sum").split(5).normal());
    // state: ([3, 6, 1] - [1, 2, 3]) / 2; red 6 + green 51/255; words "red" but not "cubes"; 5 x + 5
    const row = [1 + 6.2, 2 + 1, -1 + noise].map((x) => 5 * x + 5);
    const chunk = await decide();
    expect([chunk.horizon, chunk.actionDim]).toEqual([2, 3]);
    expect([...chunk.data]).toEqual([...row, ...row].map((v) => expect.closeTo(v, 4)));
  });

  it("draws the same noise for the same seed, and lets the caller choose the generator", async () => {
    await writePolicyPackage(folder, content());
    const policy = await loadPolicy(folder, { rng: seeded(3) });
    const start = (seed: number) => policy.reset({ seed } as never);
    const decideOnce = async () => (await policy.decide(OBSERVATION)).chunk.data[2];
    await start(1);
    const [a, b] = [await decideOnce(), await decideOnce()];
    await start(2);
    const c = await decideOnce();
    await start(1);
    expect([await decideOnce(), await decideOnce()]).toEqual([a, b]);
    expect(new Set([a, b, c]).size).toBe(3);
    await policy.close?.();
  });

  it("leaves the observation as it was", async () => {
    const before = structuredClone(OBSERVATION);
    await decide();
    expect(OBSERVATION).toEqual(before);
  });

  it("loads a package of another tool when told what its inputs mean", async () => {
    const { efference, ...foreign } = manifest();
    await writePolicyPackage(folder, { ...content(), manifest: foreign });
    await expect(loadPolicy(folder)).rejects.toThrow('no "efference" section');
    const inputs = efference?.inputs as never;
    const policy = await loadPolicy(folder, { binding: { spec: SPEC, inputs, output: "action" } });
    expect((await policy.decide(OBSERVATION)).chunk.horizon).toBe(2);
    await policy.close?.();
  });

  const proprio = (position: number[]): Observation => ({
    ...OBSERVATION,
    proprio: { ...OBSERVATION.proprio, position: f32([2], position) },
  });
  it.each<[string, Observation, string]>([
    [
      "a number that is not finite",
      proprio([NaN, 0]),
      'proprio "position" has NaN, must be finite',
    ],
    ["a component that is absent", { ...OBSERVATION, proprio: {} }, 'proprio "position" is absent'],
    ["an image that is absent", { ...OBSERVATION, images: {} }, 'image "front" is absent'],
    [
      "an image of another size",
      {
        ...OBSERVATION,
        images: { front: { dtype: "uint8", shape: [1, 2, 3], data: new Uint8Array(6) } },
      },
      'input "image" is uint8[1, 1, 2, 3], must be uint8[batch, 2, 2, 3]',
    ],
  ])("refuses an observation with %s", async (_, observation, message) => {
    await expect(decide({}, observation)).rejects.toThrow(message);
  });

  it("never lets out a number that is not finite", async () => {
    await expect(decide({}, proprio([3e38, 0]))).rejects.toThrow(
      /row 0, entry 0 of the chunk is Infinity/,
    );
  });

  const broken = (change: (m: ReturnType<typeof manifest>) => unknown) => () =>
    decide(change(manifest()) as Record<string, unknown>);
  type Own = NonNullable<ReturnType<typeof manifest>["efference"]>;
  const own = (m: ReturnType<typeof manifest>, change: Partial<Own>) => ({
    efference: { ...m.efference, ...change },
  });
  it.each<[string, () => Promise<unknown>, string]>([
    [
      "an unknown runner",
      broken((m) => ({ model: { ...m.model, runner: { type: "diffusion" } } })),
      'its runner is "diffusion"',
    ],
    [
      "a history of observations that the graph does not take",
      broken((m) => ({ model: { ...m.model, n_obs_steps: 2 } })),
      'input "state" is float32[1, 2, 3], must be float32[batch, 3]',
    ],
    [
      "an unknown step",
      broken((m) => ({ model: { ...m.model, preprocessors: [{ type: "ov_tokenizer" }] } })),
      'a step "ov_tokenizer" (its tokeniser is an OpenVINO graph), must be one of normalize',
    ],
    [
      "an unknown mode",
      broken((m) => ({
        model: {
          ...m.model,
          preprocessors: [{ type: "normalize", artifact: "stats.safetensors", mode: "magic" }],
        },
      })),
      '"magic"',
    ],
    [
      "a feature that the graph does not have",
      broken((m) => ({
        model: {
          ...m.model,
          preprocessors: [
            { type: "normalize", artifact: "stats.safetensors", features: ["speed"] },
          ],
        },
      })),
      'it normalises "speed"',
    ],
    [
      "an input without binding",
      broken((m) =>
        own(m, { inputs: (m.efference as Own).inputs.filter(({ input }) => input !== "words") }),
      ),
      'input "words" is unbound',
    ],
    [
      "a binding without input",
      broken((m) =>
        own(m, {
          inputs: [...(m.efference as Own).inputs, { input: "more", from: "noise", shape: [1] }],
        }),
      ),
      '"more" is bound',
    ],
    [
      "a binding to nothing in the spec",
      broken((m) =>
        own(m, { inputs: [{ input: "image", from: "image", camera: "wrist", layout: "hwc" }] }),
      ),
      'reads "wrist"',
    ],
    [
      "an output that is not there",
      broken((m) => ({
        ...own(m, { output: "chunk" }),
        model: { ...m.model, postprocessors: [] },
      })),
      'no output "chunk"',
    ],
    [
      "a horizon that the graph does not have",
      broken((m) =>
        own(m, { spec: { ...(specToJson(SPEC) as never as object), predictHorizon: 3 } as never }),
      ),
      "must be float32[1, 3, 3]",
    ],
    [
      "to execute more rows than it predicts",
      broken((m) =>
        own(m, { spec: { ...(specToJson(SPEC) as never as object), executeHorizon: 3 } as never }),
      ),
      "efference.spec.executeHorizon: more rows than are predicted, must be at most predictHorizon",
    ],
    [
      "actions whose statistics are in another unit than its spec",
      broken((m) =>
        own(m, {
          spec: {
            ...(specToJson(SPEC) as never as object),
            action: {
              components: [
                { name: "hand", format: "raw", dtype: "float32", shape: [1], unit: "m" },
                {
                  ...{ name: "delta", format: "raw", dtype: "float32", shape: [2], unit: "m" },
                  low: [-50, -50],
                  high: [50, -11],
                },
              ],
            },
          } as never,
        }),
      ),
      'its statistics put entry 1 of action component "delta" at 5, give or take 5, must reach the bounds of its spec, -50 to -11',
    ],
  ])("refuses %s", async (_, load, message) => {
    await expect(load()).rejects.toThrow(message);
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ["cut in half", (bytes) => bytes.slice(0, bytes.length / 2)],
    ["empty", () => new Uint8Array()],
    ["text", () => new TextEncoder().encode("version https://git-lfs.github.com/spec/v1")],
  ])("throws SyntaxError for a graph that is %s", async (_, damage) => {
    const files = { ...content().files, "model.onnx": damage(model()) };
    await writePolicyPackage(folder, { ...content(), files });
    await expect(loadPolicy(folder)).rejects.toThrow(SyntaxError);
  });

  it("refuses a graph whose external data is linked to outside", async () => {
    const g = new GraphBuilder("external");
    g.output("action", g.input("state", "float32", [1, 2, 3]));
    const base = g.build();
    const payload = { kind: "external", location: "weights.bin", offset: 0, length: 4 } as const;
    const tensor = { name: "w", elementType: "float32", shape: [1], payload } as const;
    const bytes = writeModel({ ...base, graph: { ...base.graph, initializers: [tensor] } });
    await writePolicyPackage(folder, {
      ...content(),
      files: { ...content().files, "model.onnx": bytes },
    });
    await symlink("/etc/hostname", join(folder, "weights.bin"));
    await expect(loadPolicy(folder)).rejects.toThrow("it is outside the folder");
  });
});
