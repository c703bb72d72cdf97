import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng } from "../../../src/episode/node.ts";
import { createFileSink } from "../../../src/episode/file-sink.ts";
import { ensureVenv } from "../../support/python-venv.mjs";
import {
  recordSample,
  sampleAction,
  sampleDecision,
  sampleImage,
  samplePoses,
  sampleScene,
} from "../../unit/episode/sample.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("./check_mcap.py", import.meta.url));

type Fields = Record<string, unknown>;
interface Report {
  readonly topics: Record<string, string>;
  readonly counts: Record<string, number>;
  readonly metadata: Record<string, Record<string, string>>;
  readonly attachments: Record<string, { environment: { controlFreqHz: number } }>;
  readonly frames: string[];
  readonly messages: Record<string, Fields[]>;
}

let folder = "";
let report: Report | undefined;
let unavailable: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-python-"));
  const venv = await ensureVenv();
  if (venv.python === undefined) {
    unavailable = venv.unavailable ?? "no Python environment";
    return;
  }
  const path = join(folder, "episode.mcap");
  await recordSample(await createFileSink(path), { steps: 12, chunkBytes: 2500 });
  // It checks CRCs, indexes, statistics, sequences and frames itself, and fails if one is wrong.
  const { stdout } = await run(venv.python, [script, path], { maxBuffer: 2 ** 26 });
  report = JSON.parse(stdout) as Report;
}, 600_000);
afterAll(() => rm(folder, { recursive: true }));

describe("the official MCAP library, on an episode of ours", () => {
  it("finds every CRC, index, sequence number, statistic and frame as it must be", ({ skip }) => {
    if (report === undefined) return skip(unavailable);
    expect(report.counts).toMatchObject({
      "/step": 12,
      "/tf": 12,
      "/tf_static": 1,
      "/scene": 1,
      "/policy/decision": 3,
      "/policy/thought": 9,
      "/events": 1,
      "/episode/event": 1,
      "/camera/front/image": 12,
      "/camera/front/calibration": 1,
    });
    expect(report.topics).toMatchObject({
      "/camera/wrist/image": "foxglove.CompressedImage",
      "/camera/wrist/calibration": "foxglove.CameraCalibration",
      "/tf": "foxglove.FrameTransforms",
      "/scene": "foxglove.SceneUpdate",
      "/events": "foxglove.Log",
      "/step": "efference.Step",
    });
    expect(report.frames).toEqual(["camera/front", "camera/wrist", "gripper", "table"]);
    expect(report.metadata["episode"]).toMatchObject({
      task: "lift_red_cube",
      seed: "3",
      suite: "tabletop",
    });
    expect(report.metadata["outcome"]).toMatchObject({ kind: "success", step: "11" });
    expect(report.attachments["spec.json"]?.environment.controlFreqHz).toBe(20);
  });

  it("decodes what was recorded by the schemas in the file", ({ skip }) => {
    if (report === undefined) return skip(unavailable);
    const { messages } = report;
    expect(messages["/step"]![5]).toMatchObject({
      step: 5,
      stamp_ns: "250000000",
      reward: 5 / 3,
      success: false,
      texts: [{ name: "chat", text: "hello 5" }],
      proprio: [
        { name: "joints", dtype: "float32", shape: ["2"], values: [Math.fround(5 / 7), -5] },
        { name: "count", dtype: "int64", int64_values: ["-5"] },
      ],
    });
    expect((messages["/step"]![5]!["action"] as number[]).map(Math.fround)).toEqual([
      ...sampleAction(5),
    ]);
    expect(messages["/step"]![0]).not.toHaveProperty("action");
    expect((messages["/policy/decision"]![1]!["chunk"] as number[]).map(Math.fround)).toEqual([
      ...sampleDecision(4).chunk.data,
    ]);
    const gripper = (messages["/tf"]![3]!["transforms"] as Fields[])[1]!;
    const [x, y, z, qw, qx, qy, qz] = samplePoses(3).subarray(14);
    expect(gripper).toMatchObject({
      parent_frame_id: "world",
      child_frame_id: "gripper",
      translation: { x, y, z },
      rotation: { w: qw, x: qx, y: qy, z: qz },
    });
    const png = Buffer.from(messages["/camera/front/image"]![4]!["data"] as string, "base64");
    expect(decodePng(png).data).toEqual(sampleImage(4, [12, 16, 3]).data);
    const entities = messages["/scene"]![0]!["entities"] as Fields[];
    expect(entities.map(({ id }) => id)).toEqual(["world", "table", "gripper"]);
    const primitives = ["cubes", "spheres", "cylinders", "triangles"].map((kind) =>
      entities.reduce(
        (sum, entity) => sum + ((entity[kind] as unknown[] | undefined)?.length ?? 0),
        0,
      ),
    );
    // A capsule is a cylinder and two spheres, a plane is triangles.
    expect(primitives).toEqual([1, 4, 2, 2]);
    expect(sampleScene.geoms).toHaveLength(7);
  });
});
