import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DatasetSpec, LeRobotStep } from "../../../../src/episode/node.ts";
import { createLeRobotWriter, openLeRobotDataset } from "../../../../src/episode/node.ts";
import { writeColumns } from "../../../../src/episode/lerobot/columns.ts";

const SPEC: DatasetSpec = {
  images: [{ name: "top", height: 4, width: 5, channels: 3 }],
  proprio: [
    {
      name: "joints",
      format: "joint_position",
      dtype: "float64",
      shape: [2],
      unit: "rad",
      low: [-Infinity],
    },
  ],
  action: { components: [{ name: "move", format: "raw", dtype: "float32", shape: [2] }] },
  controlFreqHz: 10,
};

function step(value: number, more: Partial<LeRobotStep> = {}): LeRobotStep {
  const data = new Uint8Array(60).fill(value);
  return {
    images: { top: { height: 4, width: 5, channels: 3, data } },
    proprio: Float32Array.of(value, -value),
    action: Float32Array.of(value / 2, 1),
    ...more,
  };
}

let base = "";
let folder = "";
let number = 0;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "efference-lerobot-broken-"));
  const writer = await createLeRobotWriter(join(base, "good"), { spec: SPEC });
  await writer.episode("open", [step(1), step(2), step(3, { task: "close" })]);
  await writer.episode("close", [step(4), step(5)]);
  await writer.end();
});
afterAll(() => rm(base, { recursive: true }));
beforeEach(async () => {
  folder = join(base, `copy-${number++}`);
  await cp(join(base, "good"), folder, { recursive: true });
});

async function changeInfo(change: (info: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, "meta", "info.json");
  const info = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  change(info);
  await writeFile(path, JSON.stringify(info));
}

describe("openLeRobotDataset", () => {
  it("reads back what was written, formats and units included", async () => {
    const dataset = await openLeRobotDataset(folder);
    expect(dataset.spec).toEqual(SPEC);
    expect(dataset.episodes.map(({ length, task }) => [length, task])).toEqual([
      [3, "open"],
      [2, "close"],
    ]);
    expect(await dataset.instructionChanges(0)).toEqual([{ step: 2, instruction: "close" }]);
    expect(await dataset.actions(1)).toEqual(Float32Array.of(2, 1, 2.5, 1));
    const frame = await dataset.read({ episode: 0, step: 2, cameras: ["top"] });
    expect(frame.instruction).toBe("close");
    expect(frame.images["top"]!.data).toEqual(new Uint8Array(60).fill(3));
    await dataset.close();
  });

  it("takes the episodes of the tasks that it is asked for", async () => {
    const dataset = await openLeRobotDataset(folder, { tasks: ["open"] });
    expect(dataset.episodes.map(({ length }) => length)).toEqual([3]);
    expect(dataset.skipped).toEqual([{ source: "episode 1", reason: "task close" }]);
    await dataset.close();
    await expect(openLeRobotDataset(folder, { tasks: ["fold"] })).rejects.toThrow(
      "it has 2 episodes, none of them to learn from",
    );
  });

  it("refuses other versions, saying what to do", async () => {
    await changeInfo((info) => (info["codebase_version"] = "v2.1"));
    await expect(openLeRobotDataset(folder)).rejects.toThrow(
      /its codebase_version is "v2.1", must be v3.x; convert it/,
    );
    await changeInfo((info) => (info["codebase_version"] = "v4.0"));
    await expect(openLeRobotDataset(folder)).rejects.toThrow(/is "v4.0", must be v3.x$/);
  });

  it("refuses broken metadata", async () => {
    await changeInfo((info) => (info["fps"] = "fast"));
    await expect(openLeRobotDataset(folder)).rejects.toThrow(SyntaxError);
    await writeFile(join(folder, "meta", "info.json"), "{");
    await expect(openLeRobotDataset(folder)).rejects.toThrow("it is no JSON");
    await rm(join(folder, "meta", "info.json"));
    await expect(openLeRobotDataset(folder)).rejects.toThrow("meta/info.json is unreadable");
  });

  it("refuses a dataset without actions, and a camera that is not there", async () => {
    await expect(openLeRobotDataset(folder, { cameras: ["wrist"] })).rejects.toThrow(
      'Cannot read camera "wrist": the dataset has "top"',
    );
    await changeInfo((info) => delete (info["features"] as Record<string, unknown>)["action"]);
    await expect(openLeRobotDataset(folder)).rejects.toThrow('it has no feature "action"');
  });

  it("refuses rows that are not those of the episode", async () => {
    const whole = (name: string, cells: number[]) =>
      ({ name, kind: "int64", cells: cells.map(BigInt) }) as const;
    await writeColumns(join(folder, "data", "chunk-000", "file-000.parquet"), [
      whole("frame_index", [0, 1, 2, 0, 1]),
      whole("episode_index", [0, 0, 1, 1, 1]),
      whole("task_index", [0, 0, 0, 0, 0]),
      { name: "action", kind: "list of float32", cells: Array(5).fill([1, 2, 3]) },
      { name: "observation.state", kind: "list of float32", cells: Array(5).fill([1, NaN]) },
    ]);
    const dataset = await openLeRobotDataset(folder);
    await expect(dataset.actions(0)).rejects.toThrow(
      "there are another step in row 2, must be its 3 steps in order",
    );
    await expect(dataset.actions(1)).rejects.toThrow('column "action" has 3 numbers, must have 2');
    await expect(dataset.read({ episode: 0, step: 0, cameras: ["top"] })).rejects.toThrow(
      'it has no column "observation.images.top", must have',
    );
    await dataset.close();
  });

  it("refuses a cut-off data file by its name", async () => {
    const path = join(folder, "data", "chunk-000", "file-000.parquet");
    await truncate(path, 700);
    const dataset = await openLeRobotDataset(folder);
    await expect(dataset.actions(0)).rejects.toThrow(SyntaxError);
    await expect(dataset.actions(0)).rejects.toThrow(path);
    await dataset.close();
  });
});

describe("createLeRobotWriter", () => {
  it("refuses what the format cannot hold", async () => {
    await expect(createLeRobotWriter(folder, { spec: SPEC })).rejects.toThrow("must be empty");
    const spec = { ...SPEC, controlFreqHz: 12.5 };
    await expect(createLeRobotWriter(join(base, "slow"), { spec })).rejects.toThrow(
      "its rate is 12.5 Hz, must be a whole number",
    );
  });

  it("refuses steps that do not fit, and a dataset without episodes", async () => {
    const writer = await createLeRobotWriter(join(base, "refused"), { spec: SPEC });
    const refused = (more: Partial<LeRobotStep>): Promise<void> =>
      writer.episode("x", [step(1, more)]);
    await expect(refused({ action: Float32Array.of(1) })).rejects.toThrow(
      "its action has 1 values",
    );
    await expect(refused({ proprio: Float32Array.of(1, NaN) })).rejects.toThrow(
      "its proprio is NaN",
    );
    await expect(refused({ images: {} })).rejects.toThrow('it has no image "top"');
    await expect(writer.episode("x", [])).rejects.toThrow("it has no steps");
    await expect(writer.end()).rejects.toThrow("it has no episodes");
  });
});
