import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeColumns } from "../../../../src/episode/lerobot/columns.ts";
import type { Column } from "../../../../src/episode/lerobot/columns.ts";
import { decodeVideo } from "../../../../src/episode/lerobot/video.ts";
import { openLeRobotDataset } from "../../../../src/episode/node.ts";
import { openBatchLoader } from "../../../../src/train/data/index.ts";

const [SIZE, FPS] = [64, 20];
const LENGTHS = [5, 8, 6];
const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).error === undefined;

/** Brightness of a frame, well apart from that of its neighbours, so that lossy codecs cannot blur them. */
const shade = (frame: number): number => 20 + ((frame * 53) % 200);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-video-"));
  if (hasFfmpeg) await writeVideoDataset(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function writeVideoDataset(root: string): Promise<void> {
  const total = LENGTHS.reduce((a, b) => a + b);
  const frames = Buffer.concat(
    Array.from({ length: total }, (_, i) => Buffer.alloc(SIZE * SIZE * 3, shade(i))),
  );
  const video = join(root, "videos", "observation.images.top", "chunk-000");
  await mkdir(video, { recursive: true });
  const encoder = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "2", "-crf", "18"];
  const input = [
    "-f",
    "rawvideo",
    "-pix_fmt",
    "rgb24",
    "-s",
    `${SIZE}x${SIZE}`,
    "-r",
    String(FPS),
    "-i",
    "-",
  ];
  const args = ["-v", "error", ...input, ...encoder, join(video, "file-000.mp4")];
  const { status, stderr } = spawnSync("ffmpeg", args, { input: frames });
  if (status !== 0) throw new Error(String(stderr));

  const whole = (name: string, cells: readonly number[]): Column => ({
    name,
    kind: "int64",
    cells: cells.map(BigInt),
  });
  const starts = LENGTHS.map((_, e) => LENGTHS.slice(0, e).reduce((a, b) => a + b, 0));
  const steps = LENGTHS.flatMap((length) => Array.from({ length }, (_, step) => step));
  const zeros = LENGTHS.map(() => 0);
  const key = "videos/observation.images.top";
  await mkdir(join(root, "data", "chunk-000"), { recursive: true });
  await mkdir(join(root, "meta", "episodes", "chunk-000"), { recursive: true });
  await writeColumns(join(root, "data", "chunk-000", "file-000.parquet"), [
    { name: "action", kind: "list of float32", cells: steps.map((step) => [step, 1]) },
    whole("frame_index", steps),
    whole(
      "episode_index",
      LENGTHS.flatMap((length, e) => Array<number>(length).fill(e)),
    ),
    whole(
      "task_index",
      steps.map(() => 0),
    ),
  ]);
  await writeColumns(join(root, "meta", "tasks.parquet"), [
    whole("task_index", [0]),
    { name: "__index_level_0__", kind: "text", cells: ["look"] },
  ]);
  await writeColumns(join(root, "meta", "episodes", "chunk-000", "file-000.parquet"), [
    whole("episode_index", [0, 1, 2]),
    { name: "tasks", kind: "list of text", cells: LENGTHS.map(() => ["look"]) },
    whole("length", LENGTHS),
    whole("data/chunk_index", zeros),
    whole("data/file_index", zeros),
    whole("dataset_from_index", starts),
    whole(`${key}/chunk_index`, zeros),
    whole(`${key}/file_index`, zeros),
    { name: `${key}/from_timestamp`, kind: "float64", cells: starts.map((start) => start / FPS) },
  ]);
  const info = {
    codebase_version: "v3.0",
    fps: FPS,
    total_episodes: 3,
    total_frames: total,
    data_path: "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
    video_path: "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    features: {
      "observation.images.top": { dtype: "video", shape: [SIZE, SIZE, 3] },
      action: { dtype: "float32", shape: [2] },
    },
  };
  await writeFile(join(root, "meta", "info.json"), JSON.stringify(info));
}

describe("a dataset with videos", () => {
  it("gives every episode its own frames out of the file that they share", async ({ skip }) => {
    if (!hasFfmpeg) return skip("no ffmpeg on the PATH");
    const dataset = await openLeRobotDataset(folder);
    let frame = 0;
    for (const { index: episode, length } of dataset.episodes) {
      for (let step = 0; step < length; step++, frame++) {
        const { images } = await dataset.read({ episode, step, cameras: ["top"] });
        const { data, height, width } = images["top"]!;
        expect([height, width]).toEqual([SIZE, SIZE]);
        const mean = data.reduce((a, b) => a + b, 0) / data.length;
        // The codec is lossy; neighbours differ by 53.
        expect(Math.abs(mean - shade(frame))).toBeLessThan(6);
      }
    }
    await dataset.close();
  });

  it("is loaded in batches, every episode decoded once", async ({ skip }) => {
    if (!hasFfmpeg) return skip("no ffmpeg on the PATH");
    const dataset = await openLeRobotDataset(folder);
    const options = {
      datasets: [{ dataset }],
      batchSize: 4,
      predictHorizon: 2,
      seed: 1,
      threads: 0,
    };
    const loader = await openBatchLoader({ ...options, cameras: ["top"] });
    const starts = [0, 5, 13];
    for (let i = 0; i < 10; i++) {
      const { images, windows } = await loader.next();
      for (const [at, { episode, step }] of windows.entries()) {
        const size = SIZE * SIZE * 3;
        const image = images["top"]!.data.subarray(at * size, (at + 1) * size);
        const mean = image.reduce((a, b) => a + b, 0) / size;
        expect(Math.abs(mean - shade(starts[episode]! + step))).toBeLessThan(6);
      }
    }
    expect(loader.usage).toMatchObject({ cachedImages: 19, decodedImages: 19 });
    await loader.close();
    await dataset.close();
  });

  it("says so if a video has fewer frames than the episode", async ({ skip }) => {
    if (!hasFfmpeg) return skip("no ffmpeg on the PATH");
    const path = join(folder, "videos", "observation.images.top", "chunk-000", "file-000.mp4");
    const range = { path, fps: FPS, height: SIZE, width: SIZE, channels: 3 as const };
    await expect(decodeVideo({ ...range, fromS: 0.5, frames: 30 })).rejects.toThrow(
      "there are 9 frames of 64 x 64, must be 30",
    );
    await expect(decodeVideo({ ...range, path: "gone.mp4", fromS: 0, frames: 1 })).rejects.toThrow(
      /there are 0 frames .*gone\.mp4/,
    );
  });

  it("says how to get ffmpeg where there is none", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = folder;
    try {
      const range = { fromS: 0, frames: 1, fps: 1, height: 1, width: 1, channels: 3 as const };
      await expect(decodeVideo({ ...range, path: "any.mp4" })).rejects.toThrow(
        /there is no ffmpeg on the PATH, must be for datasets with videos \(Debian: apt install ffmpeg/,
      );
    } finally {
      process.env["PATH"] = path;
    }
  });
});
