/** Demonstrations as HDF5: h5py reads what was written, and what is not complete has no name. */
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset, LiberoDemonstration, RasterImage } from "../../../src/episode/node.ts";
import { createHdf5, createLiberoFile, openDataset } from "../../../src/episode/node.ts";
import { seeded } from "../../../src/core/index.ts";
import { tabletopWorld } from "../../../sim-bridge/sims/tabletop/index.ts";
import { ensureVenv } from "../../support/python-venv.mjs";
import { lastLine, run } from "../cli/cli.ts";

const system = promisify(execFile);
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let python: string | undefined;
let unavailable: string | undefined;
let folder = "";
beforeAll(async () => {
  ({ python, unavailable } = await ensureVenv());
  folder = mkdtempSync(join(tmpdir(), "efference-hdf5-"));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true }));

interface Read {
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly demos: Readonly<
    Record<
      string,
      {
        readonly attributes: Readonly<Record<string, string | number | number[]>>;
        readonly arrays: Readonly<
          Record<
            string,
            { shape: number[]; dtype: string; values?: number[][]; row_means?: number[][] }
          >
        >;
      }
    >
  >;
}

async function read(path: string): Promise<Read> {
  const options = { maxBuffer: 1 << 28 };
  const { stdout } = await system(python!, [script("read_demonstrations.py"), path], options);
  return JSON.parse(stdout) as Read;
}

const STEPS = 5;

function made(seed: number): LiberoDemonstration {
  const random = seeded(seed);
  const floats = (size: number): Float32Array =>
    Float32Array.from({ length: STEPS * size }, () => random.normal());
  const image = (t: number): RasterImage => ({
    ...{ height: 3, width: 4, channels: 3 as const },
    data: Uint8Array.from({ length: 36 }, (_, i) => (i + 7 * t) % 256),
  });
  const quats = floats(4);
  for (let t = 0; t < STEPS; t++) {
    const quat = quats.subarray(4 * t, 4 * t + 4);
    const length = Math.hypot(...quat);
    quat.forEach((value, i) => (quat[i] = value / length));
  }
  return {
    actions: floats(7),
    proprio: {
      eef_position: floats(3),
      eef_quat_xyzw: quats,
      gripper_qpos: floats(2),
      joint_position: floats(7),
      joint_velocity: floats(7),
    },
    images: {
      agentview: Array.from({ length: STEPS }, (_, t) => image(t)),
      wrist: Array.from({ length: STEPS }, (_, t) => image(2 * t)),
      side: Array.from({ length: STEPS }, (_, t) => image(3 * t)),
    },
    states: Array.from({ length: STEPS }, () =>
      Float64Array.from([1, 2, 3], (x) => x * random.normal()),
    ),
    success: seed === 0,
    modelXml: `<mujoco model="${"a long name ".repeat(10_000)}"/>`,
  };
}

const rowsOf = (values: Float32Array, size: number): number[][] =>
  Array.from({ length: STEPS }, (_, t) => [...values.subarray(t * size, (t + 1) * size)]);

describe("a file of demonstrations", () => {
  it("is what h5py reads", async ({ skip }) => {
    if (python === undefined) skip(unavailable);
    const path = join(folder, "deep", "task_demo.hdf5");
    const writer = await createLiberoFile(path, { problem_info: '{"problem_name":"ä"}' });
    const demonstrations = [made(0), made(1)];
    demonstrations.forEach((demonstration) => writer.add(demonstration));
    expect(existsSync(path)).toBe(false);
    await writer.end();
    expect(readdirSync(join(folder, "deep"))).toEqual(["task_demo.hdf5"]);
    const { attributes, demos } = await read(path);
    expect(attributes).toEqual({ problem_info: '{"problem_name":"ä"}', num_demos: 2, total: 10 });
    expect(Object.keys(demos)).toEqual(["demo_0", "demo_1"]);
    for (const [i, { actions, proprio, states, success, modelXml }] of demonstrations.entries()) {
      const { attributes: own, arrays } = demos[`demo_${i}`]!;
      expect(own).toEqual({
        num_samples: STEPS,
        model_file: modelXml,
        init_state: [...states[0]!],
      });
      const values = (name: string) => arrays[name]!.values!;
      const position = rowsOf(proprio["eef_position"]!, 3);
      const quats = rowsOf(proprio["eef_quat_xyzw"]!, 4);
      const fingers = rowsOf(proprio["gripper_qpos"]!, 2);
      expect(values("actions")).toEqual(rowsOf(actions, 7));
      expect(values("states")).toEqual(states.map((state) => [...state]));
      expect(values("dones")).toEqual([0, 0, 0, 0, 1]);
      expect(values("rewards")).toEqual([0, 0, 0, 0, success ? 1 : 0]);
      expect(values("robot_states")).toEqual(
        fingers.map((finger, t) => [...finger, ...position[t]!, ...quats[t]!]),
      );
      expect(values("obs/ee_pos")).toEqual(position);
      expect(values("obs/gripper_states")).toEqual(fingers);
      expect(values("obs/joint_states")).toEqual(rowsOf(proprio["joint_position"]!, 7));
      expect(values("obs/ee_states")).toEqual(
        position.map((row, t) => [...row, ...values("obs/ee_ori")[t]!]),
      );
      // The rotation vector turns back into the quaternion, sign and all.
      for (const [t, vector] of values("obs/ee_ori").entries()) {
        const angle = Math.hypot(...vector);
        const quat = [...vector.map((v) => (v / angle) * Math.sin(angle / 2)), Math.cos(angle / 2)];
        quat.forEach((value, k) => expect(value).toBeCloseTo(quats[t]![k]!, 6));
      }
      expect(Object.entries(arrays).map(([name, { dtype }]) => [name, dtype])).toEqual(
        Object.keys(arrays).map((name) => [
          name,
          name.endsWith("_rgb") || ["dones", "rewards"].includes(name) ? "uint8" : "float64",
        ]),
      );
      expect(Object.keys(arrays).filter((name) => name.endsWith("_rgb"))).toEqual([
        "obs/agentview_rgb",
        "obs/eye_in_hand_rgb",
        "obs/side_rgb",
      ]);
      // Bytes 0 to 35 in rows of 12: row 0 of ours is the last of theirs.
      const { shape, row_means: means } = arrays["obs/agentview_rgb"]!;
      expect(shape).toEqual([STEPS, 3, 4, 3]);
      expect(means).toEqual([
        [29.5, 17.5, 5.5],
        [57.5, 45.5, 33.5],
      ]);
    }
  });

  it("refuses what does not fit, and leaves nothing of a file that is discarded", async () => {
    const path = join(folder, "refused.hdf5");
    const writer = await createLiberoFile(path, {});
    const good = made(0);
    const { gripper_qpos: _, ...lacking } = good.proprio;
    const twice = { agentview: good.images["agentview"]!, front: good.images["agentview"]! };
    expect(() => writer.add({ ...good, proprio: lacking })).toThrow(
      /"gripper_qpos" is absent, must be \[5, 2\]/,
    );
    expect(() => writer.add({ ...good, actions: new Float32Array(9) })).toThrow(
      /must have rows of 7/,
    );
    expect(() => writer.add({ ...good, states: good.states.slice(1) })).toThrow(
      /4 states, must have 5/,
    );
    expect(() => writer.add({ ...good, images: { side: [] } })).toThrow(
      /0 images of "side", must be 5/,
    );
    expect(() => writer.add({ ...good, images: twice })).toThrow(/two cameras are "agentview_rgb"/);
    await expect(writer.end()).rejects.toThrow("it has no demonstrations, must have");
    await writer.discard();
    expect(readdirSync(folder).filter((name) => name.startsWith("refused"))).toEqual([]);
    await expect(createHdf5(join(folder, "absent", "file.hdf5"))).rejects.toThrow(
      /Cannot write ".*file.hdf5": No such file/,
    );
    const odd = await createHdf5(path);
    const array = { shape: [2, 2], data: new Uint8Array(3) };
    expect(() => odd.addGroup("g", { arrays: { array } })).toThrow(
      /it has 3 numbers, must have 2 x 2/,
    );
    await odd.discard();
  });

  it("has no name while it is written, whoever is killed", async () => {
    const path = join(folder, "killed", "task_demo.hdf5");
    const child = spawn(process.execPath, [script("write-forever.mjs"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    expect(readdirSync(join(folder, "killed"))).toEqual(["task_demo.hdf5.partial"]);
  });

  it("is not there when the disk was full", async ({ skip }) => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    try {
      await system("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
    } catch {
      skip("a small file system cannot be mounted here (needs Linux and root)");
    }
    try {
      const writer = await createLiberoFile(join(disk, "task_demo.hdf5"), {});
      const big = { ...made(0), states: made(0).states.map(() => new Float64Array(20_000)) };
      expect(() => writer.add(big)).toThrow(
        /Cannot write ".*task_demo.hdf5": No space left on device/,
      );
      await writer.discard();
      expect(readdirSync(disk)).toEqual([]);
    } finally {
      // The library cannot close a file that it could not complete.
      await system("umount", ["--lazy", disk]);
    }
  });
});

describe("efference record --format", () => {
  const TASK = "lift_red_cube";
  let out: Record<string, unknown> = {};
  let lerobot: Dataset;
  beforeAll(async () => {
    const wanted = ["--sim", "tabletop", "--task", TASK, "--episodes", "2", "--states", "fixed"];
    const args = ["record", ...wanted, "--format", "lerobot,hdf5", "--out", "run", "--json"];
    const { code, stdout, stderr } = await run(args, folder);
    expect(code, stderr).toBe(0);
    out = lastLine(stdout);
    lerobot = await openDataset(join(folder, "run", "lerobot"));
  });
  afterAll(() => lerobot.close());

  it("writes what is asked for, and only that", () => {
    expect(out).toMatchObject({ episodes: 2, kept: 2 });
    expect(readdirSync(join(folder, "run")).sort()).toEqual([
      "hdf5",
      "journal.jsonl",
      "lerobot",
      "results.json",
    ]);
    expect(lerobot.episodes.map(({ instruction }) => instruction)).toEqual([
      "lift the red cube",
      "lift the red cube",
    ]);
  });

  it("gives LeRobot's and LIBERO's readers the same episodes", async ({ skip }) => {
    if (python === undefined) skip(unavailable);
    const [path] = out["hdf5"] as string[];
    expect(path).toBe(join(folder, "run", "hdf5", "tabletop_goal", `${TASK}_demo.hdf5`));
    const { attributes, demos } = await read(path!);
    expect(JSON.parse(attributes["problem_info"] as string)).toMatchObject({
      language_instruction: "lift the red cube",
    });
    expect(JSON.parse(attributes["env_args"] as string)).toMatchObject({ type: 1 });
    for (const { index, length } of lerobot.episodes) {
      const { arrays } = demos[`demo_${index}`]!;
      const actions = await lerobot.actions(index);
      expect(arrays["actions"]!.values!.flat()).toEqual([...actions]);
      const proprio = await lerobot.proprio(index);
      const width = proprio.length / length;
      // The state begins with position and quaternion, as `robot_states` ends.
      expect(arrays["robot_states"]!.values!.map((row) => row.slice(2))).toEqual(
        Array.from({ length }, (_, t) => [...proprio.subarray(t * width, t * width + 7)]),
      );
      const { images } = await lerobot.read({ episode: index, step: 0, cameras: ["front"] });
      const { data, width: columns, height } = images["front"]!;
      const means = Array.from({ length: height }, (_, y) => {
        const row = data.subarray(3 * columns * y, 3 * columns * (y + 1));
        return row.reduce((sum, value) => sum + value, 0) / row.length;
      }).reverse();
      arrays["obs/agentview_rgb"]!.row_means![0]!.forEach((mean, y) =>
        expect(mean).toBeCloseTo(means[y]!, 9),
      );
    }
  });

  it("has the simulator's own states, the official initial one first", async ({ skip }) => {
    if (python === undefined) skip(unavailable);
    const { demos } = await read((out["hdf5"] as string[])[0]!);
    const firsts = [0, 1].map((index) => {
      const { qpos, qvel } = tabletopWorld().initialState(TASK, { index });
      return [0, ...qpos, ...qvel];
    });
    const found = Object.values(demos).map(({ arrays }) => arrays["states"]!.values![0]!);
    expect(found).toHaveLength(2);
    for (const first of firsts) expect(found).toContainEqual(first);
    // Time goes on by one control step from row to row.
    for (const { arrays } of Object.values(demos)) {
      arrays["states"]!.values!.forEach(([time], t) => expect(time).toBeCloseTo(0.05 * t, 9));
    }
  });

  it("refuses formats that there are not, before anything starts", async () => {
    const odd = await run(["record", "--sim", "tabletop", "--format", "mcap,avi"], folder);
    expect(odd).toMatchObject({ code: 2 });
    expect(odd.stderr).toMatch(/"avi" is none; they must be of mcap, lerobot, hdf5/);
    const plane = await run(["record", "--sim", "pusht", "--format", "hdf5"], folder);
    expect(plane).toMatchObject({ code: 2 });
    expect(plane.stderr).toMatch(
      /LIBERO's layout is of an arm's world, must be one of tabletop, libero/,
    );
  });
});
