import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng, encodePng } from "../../../../../../src/episode/png.ts";
import { readIndex } from "../../../../../../sim-bridge/sims/libero/data.ts";
import { checkLibero, liberoFolder } from "../../../../../../sim-bridge/sims/libero/node.ts";
import { readLevels, sourceHash } from "../../../../../../sim-bridge/sims/libero/visual/levels.ts";
import {
  decodeMesh,
  encodeQuantisedMesh,
} from "../../../../../../sim-bridge/sims/libero/visual/mesh-file.ts";
import { packLevels } from "../../../../../../sim-bridge/sims/libero/visual/pack.ts";
import { VisualReader } from "../../../../../../sim-bridge/sims/libero/visual/read.ts";
import { sphereMesh } from "../../../../../support/sphere-mesh.ts";

const SIDE = 300;
const shape = {
  kind: "geom",
  name: "ball",
  type: 7,
  size: [1, 1, 1],
  pos: [0, 0, 0],
  quat: [1, 0, 0, 0],
  rgba: [1, 1, 1, 1],
  material: 0,
  mesh: 0,
};
const visual = {
  format_version: 1,
  geoms: [
    { ...shape, body: "object_main" },
    { ...shape, body: "robot0_link3" },
    { ...shape, body: "object_main", rgba: [1, 1, 1, 0], mesh: 1 },
  ],
  materials: [
    {
      rgba: [1, 1, 1, 1],
      emission: 0,
      specular: 0.5,
      shininess: 0.5,
      reflectance: 0,
      texture: 0,
      texrepeat: [1, 1],
      texuniform: false,
    },
  ],
  meshes: [
    { path: "visual/ball.mesh", triangles: 45_000 },
    { path: "visual/hidden.mesh", triangles: 18 },
  ],
  textures: [{ path: "visual/checks.png", type: 0, srgb: false }],
  lights: [],
  cameras: [],
  headlight: { active: true, ambient: [0, 0, 0], diffuse: [1, 1, 1], specular: [0, 0, 0] },
  extent: 1,
  znear: 0.01,
  zfar: 50,
  quality: { slices: 28, stacks: 16, quads: 4 },
};
const NAME = "lift_the_ball";
const FOLDER = `tasks/object/${NAME}`;

/** An exported folder of one task: two balls of one mesh of 45,000 triangles, and a texture of 300 pixels. */
async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "efference-pack-"));
  const texels = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i % 3 === 0 ? 200 : 100));
  const contents: Record<string, Uint8Array> = {
    [`${FOLDER}/visual.json`]: Buffer.from(JSON.stringify(visual)),
    "visual/ball.mesh": deflateSync(encodeQuantisedMesh(sphereMesh(150))),
    "visual/hidden.mesh": deflateSync(encodeQuantisedMesh(sphereMesh(3))),
    "visual/checks.png": encodePng({ width: SIDE, height: SIDE, channels: 3, data: texels }),
  };
  for (const file of ["scene.xml", "task.bddl", "init.pruned_init", "meta.json"]) {
    contents[`${FOLDER}/${file}`] = Buffer.from(file);
  }
  const files = Object.entries(contents).map(([path, bytes]) => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return [path, { bytes: bytes.length, sha256 }] as const;
  });
  const task = { suite: "object", index: 0, name: NAME, language: "lift the ball", problem: "p" };
  contents["libero.json"] = Buffer.from(
    JSON.stringify({
      format: "efference_libero",
      format_version: 1,
      source: { package: "hf-libero", version: "0", robosuite: "1.4.0", mujoco: "3.14.0" },
      tasks: [{ ...task, folder: FOLDER }],
      visual: { format_version: 1, levels: ["full"] },
      files: Object.fromEntries(files),
    }),
  );
  for (const [path, bytes] of Object.entries(contents)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

describe("packLevels", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await makeFolder();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("meets each level's budget with the same surface", async () => {
    const levels = (await packLevels(folder))!;
    for (const [level, budget] of [
      ["balanced", 40_000],
      ["fast", 20_000],
    ] as const) {
      const scene = levels.levels[level].tasks[`object/${NAME}`]!;
      // Two shapes show the mesh. A step of the ladder costs about a tenth of the triangles.
      expect(scene.triangles).toBeLessThanOrEqual(budget);
      expect(scene.triangles).toBeGreaterThan(0.5 * budget);
      expect(scene.meshes[1]).toBeNull();
      const packed = await readFile(join(folder, scene.meshes[0]!));
      const mesh = decodeMesh(inflateSync(packed));
      expect((2 * mesh.indices.length) / 3).toBe(scene.triangles);
      for (let i = 0; i < mesh.positions.length; i += 3) {
        expect(Math.hypot(...mesh.positions.subarray(i, i + 3))).toBeCloseTo(1, 2);
      }
    }
  });

  it("shrinks textures and knows their mean colours", async () => {
    const levels = (await packLevels(folder))!;
    expect(levels.mean_colours["visual/checks.png"]).toEqual([200, 100, 100]);
    const copy = levels.levels.fast.textures["visual/checks.png"]!;
    const image = decodePng(await readFile(join(folder, copy)));
    expect([image.width, image.height]).toEqual([256, 256]);
    expect([...image.data.subarray(0, 3)]).toEqual([200, 100, 100]);
  });

  it("writes the same again after a file was lost, and nothing when all is there", async () => {
    const first = (await packLevels(folder))!;
    const [lost] = Object.keys(first.files).sort();
    await rm(join(folder, lost!));
    expect(await packLevels(folder)).toEqual(first);
    const before = await readdir(join(folder, "visual/packed"));
    const seen: string[] = [];
    expect(await packLevels(folder, ({ task }) => seen.push(task))).toEqual(first);
    expect(seen).toEqual([]);
    expect(await readdir(join(folder, "visual/packed"))).toEqual(before);
  });

  it("is counted: each file of a scene once, by level", async () => {
    const levels = (await packLevels(folder))!;
    const { index, sizes } = await checkLibero(folder);
    const bytesOf = (path: string): number => (index.files[path] ?? levels.files[path])!.bytes;
    const sum = (paths: readonly string[]): number =>
      paths.reduce((total, path) => total + bytesOf(path), 0);
    const full = sum(["visual/ball.mesh", "visual/hidden.mesh", "visual/checks.png"]);
    const { textures, tasks } = levels.levels.fast;
    const fast = sum([tasks[`object/${NAME}`]!.meshes[0]!, textures["visual/checks.png"]!]);
    const one = (bytes: number): object => ({
      meanBytes: bytes,
      largestBytes: bytes,
      largest: `object/${NAME}`,
      allBytes: bytes,
    });
    expect(sizes.map(({ level }) => level)).toEqual(["full", "balanced", "fast"]);
    expect(sizes[0]).toEqual({ level: "full", ...one(full) });
    expect(sizes[2]).toEqual({ level: "fast", ...one(fast) });
    expect(fast).toBeLessThan(full);
  });

  it("is read in every level, and the shapes stay the same rows", async () => {
    const files = liberoFolder(folder);
    const levels = (await packLevels(folder))!;
    const bodies = { id: () => 0, weldId: Int32Array.of(0) };
    const task = { name: `object/${NAME}`, folder: FOLDER };
    const sizes = ["full", "balanced", "fast"] as const;
    const triangles = await Promise.all(
      sizes.map(async (level) => {
        const { drawn } = await new VisualReader(files, levels, level).read(task);
        const model = drawn!(bodies);
        expect(model.geoms.count).toBe(3);
        return model.meshes[0]!.faces.length / 3;
      }),
    );
    expect(triangles[0]).toBe(45_000);
    expect(triangles[1]).toBeLessThan(triangles[0]!);
    expect(triangles[2]).toBeLessThan(triangles[1]!);
    const { drawn, described } = await new VisualReader(files, levels, undefined).read(task);
    expect(drawn).toBeUndefined();
    expect(described(bodies).textures[0]!.data).toEqual(Uint8Array.of(200, 100, 100));
  });

  it("names levels that are missing, of other data, or damaged, and the command that brings them", async () => {
    const files = liberoFolder(folder);
    const index = await readIndex(files);
    const levels = (await packLevels(folder))!;
    const other = { ...index, files: { ...index.files } };
    other.files["visual/new.mesh"] = { bytes: 1, sha256: "0".repeat(64) };
    await expect(readLevels(files, other)).rejects.toThrow(
      new RegExp(
        `other data: of ${levels.made_from}, must be of ${await sourceHash(other)} .*libero prepare`,
      ),
    );
    const [path] = Object.keys(levels.files).filter((name) => name.endsWith(".mesh"));
    await writeFile(join(folder, path!), "damaged");
    const { faults, sizes } = await checkLibero(folder);
    expect(faults).toEqual([{ path, fault: "other_size" }]);
    expect(sizes).toEqual([]);
    const reads = (["balanced", "fast"] as const).map((level) =>
      new VisualReader(files, levels, level).read({ name: `object/${NAME}`, folder: FOLDER }),
    );
    const outcomes = await Promise.allSettled(reads);
    const failed = outcomes.flatMap((o) => (o.status === "rejected" ? [String(o.reason)] : []));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]).toContain(path);
    await rm(join(folder, "levels.json"));
    await expect(readLevels(files, index)).rejects.toThrow(
      /levels.json is missing.*libero prepare/,
    );
  });
});
