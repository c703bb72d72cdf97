/** Our datasets read by pyarrow and pandas, and theirs by us. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/episode/node.ts";
import { openDataset, openMcapDataset, writeLeRobotDataset } from "../../../src/episode/node.ts";
import { openBatchLoader } from "../../../src/train/data/index.ts";
import { writeDemonstrations } from "../../support/demonstrations.ts";
import { ensureVenv } from "../../support/python-venv.mjs";
import type { SyntheticEpisode } from "../../support/synthetic-episode.ts";

const run = promisify(execFile);
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const LENGTHS = [5, 9, 3];

let python: string | undefined;
let unavailable: string | undefined;
let folder = "";
beforeAll(async () => {
  ({ python, unavailable } = await ensureVenv());
  folder = await mkdtemp(join(tmpdir(), "efference-lerobot-"));
}, 600_000);
afterAll(() => rm(folder, { recursive: true }));

interface Stats {
  readonly [name: string]: number[] & number[][][];
}

interface Report {
  readonly [key: string]: unknown;
  readonly actions: number[][];
  readonly state: number[][];
  readonly timestamp: number[];
  readonly image_bytes: number[];
  readonly image_mean: number[];
  readonly image_std: number[];
  readonly image_q10: number[];
  readonly action_std: number[];
  readonly action_q99: number[];
  readonly stats: Record<string, Stats>;
}

const flat = (values: unknown): number[] => [values].flat(4) as number[];
const close = (found: unknown, wanted: readonly number[]): void => {
  for (const [i, value] of flat(found).entries()) expect(value).toBeCloseTo(wanted[i]!, 9);
  expect(flat(found)).toHaveLength(wanted.length);
};

describe("pyarrow and pandas, on a dataset of ours", () => {
  let written: SyntheticEpisode[] = [];
  let report: Report | undefined;
  beforeAll(async () => {
    written = await writeDemonstrations(join(folder, "mcap"), LENGTHS);
    const dataset = await openMcapDataset(join(folder, "mcap"));
    await writeLeRobotDataset(join(folder, "ours"), dataset, { dataFileBytes: 4_000 });
    await dataset.close();
    if (python === undefined) return;
    const checked = [script("check_dataset.py"), join(folder, "ours")];
    const { stdout } = await run(python, checked, { maxBuffer: 2 ** 26 });
    report = JSON.parse(stdout) as Report;
  });

  it("find the layout as it must be", ({ skip }) => {
    if (report === undefined) return skip(unavailable);
    expect(report).toMatchObject({
      total: [3, 17, 1],
      tasks: { "put the red cube on the plate": 0 },
      episode_tasks: LENGTHS.map(() => ["put the red cube on the plate"]),
      lengths: LENGTHS,
      ranges: [
        [0, 5],
        [5, 14],
        [14, 17],
      ],
      types: {
        "observation.images.front": "struct<bytes: binary, path: string>",
        "observation.state": "list<element: float>",
        action: "list<element: float>",
        timestamp: "float",
        frame_index: "int64",
        task_index: "int64",
      },
    });
    // A row group is an episode, wherever files end.
    expect(flat(report["row_groups"])).toEqual(LENGTHS);
    const groups = report["row_groups"] as number[][];
    expect(groups.length).toBeGreaterThan(1);
    expect(report["files"]).toEqual(groups.flatMap((rows, file) => rows.map(() => [0, file])));
  });

  it("find every number", ({ skip }) => {
    if (report === undefined) return skip(unavailable);
    expect(report.actions).toEqual(
      written.flatMap(({ actions }) => actions.map((row) => [...row])),
    );
    const states = written.flatMap(({ timeSteps }) =>
      timeSteps
        .slice(0, -1)
        .map(({ observation }) =>
          Object.values(observation.proprio).flatMap(({ data }) =>
            [...data].map((value) => Math.fround(Number(value))),
          ),
        ),
    );
    expect(report.state).toEqual(states);
    const steps = LENGTHS.flatMap((length) => Array.from({ length }, (_, step) => step));
    expect(report.timestamp).toEqual(steps.map((step) => Math.fround(step / 20)));
    const episodes = LENGTHS.flatMap((length, e) => Array.from({ length }, () => e));
    expect(report["bookkeeping"]).toEqual(steps.map((step, i) => [step, episodes[i], i, 0]));
    expect(report.image_bytes).toEqual([
      ...written[0]!.timeSteps[1]!.observation.images["front"]!.data,
    ]);
  });

  it("compute the statistics that we wrote", ({ skip }) => {
    if (report === undefined) return skip(unavailable);
    const { stats } = report;
    const image = stats["observation.images.front"]!;
    expect(image["mean"]).toHaveLength(3);
    close(image["mean"], report.image_mean);
    close(image["std"], report.image_std);
    close(image["q10"], report.image_q10);
    close(stats["action"]!["std"], report.action_std);
    close(stats["action"]!["q99"], report.action_q99);
    expect(stats["index"]!["q50"]).toEqual([8]);
  });

  it("is the same dataset when it is read back by us", async () => {
    const [ours, mcap] = [
      await openDataset(join(folder, "ours")),
      await openDataset(join(folder, "mcap")),
    ];
    expect(ours.spec).toEqual(mcap.spec);
    for (const { index, length } of mcap.episodes) {
      expect(ours.episodes[index]).toMatchObject({
        length,
        instruction: mcap.episodes[index]!.instruction,
      });
      expect(await ours.actions(index)).toEqual(await mcap.actions(index));
      expect(await ours.proprio(index)).toEqual(await mcap.proprio(index));
      const request = { episode: index, step: length - 1, cameras: ["front", "wrist"] };
      expect(await ours.read(request)).toEqual(await mcap.read(request));
    }
    const batches = async (dataset: Dataset, cacheBytes: number): Promise<unknown> => {
      const loading = { batchSize: 6, predictHorizon: 3, cameras: ["front", "wrist"], seed: 2 };
      const options = { ...loading, datasets: [{ dataset }], threads: 0, prefetch: 1, cacheBytes };
      const loader = await openBatchLoader(options);
      const images: unknown[] = [];
      for (let i = 0; i < 9; i++) images.push((await loader.next()).images);
      // Every image once, although windows of one episode ask for it side by side.
      if (cacheBytes > 1e6) expect(loader.usage.decodedImages).toBe(34);
      await loader.close();
      return images;
    };
    const expected = await batches(mcap, 2 ** 24);
    expect(await batches(ours, 2 ** 24)).toEqual(expected);
    expect(await batches(ours, 10_000)).toEqual(expected);
    await ours.close();
    await mcap.close();
  });
});

describe("a dataset of pyarrow's", () => {
  it.for(["snappy", "zstd", "gzip", "none"])(
    "is read with every number and pixel (%s)",
    async (codec, { skip }) => {
      if (python === undefined) return skip(unavailable);
      const path = join(folder, codec);
      await run(python, [script("make_dataset.py"), path, codec]);
      const dataset = await openDataset(path);
      expect(dataset.spec).toEqual({
        images: [{ name: "top", height: 6, width: 8, channels: 3 }],
        proprio: [
          { name: "state", format: "raw", dtype: "float32", shape: [3], description: "a, b, c" },
          { name: "touch", format: "raw", dtype: "bool", shape: [1] },
        ],
        action: {
          components: [
            {
              name: "action",
              format: "raw",
              dtype: "float32",
              shape: [2],
              description: "left, right",
            },
          ],
        },
        controlFreqHz: 10,
      });
      expect(dataset.episodes.map(({ length, task }) => [length, task])).toEqual([
        [4, "open the door"],
        [3, "close the door"],
        [5, "open the door"],
      ]);
      for (const { index: e, length } of dataset.episodes) {
        const steps = Array.from({ length }, (_, step) => step);
        expect(await dataset.actions(e)).toEqual(
          Float32Array.from(steps.flatMap((step) => [step + 10 * e, -step])),
        );
        expect(await dataset.proprio(e)).toEqual(
          Float32Array.from(
            steps.flatMap((s) => [Math.sin(s + e), s * 0.5, e, s % 2 === 0 ? 1 : 0]),
          ),
        );
        for (const step of steps) {
          const { images } = await dataset.read({ episode: e, step, cameras: ["top"] });
          const wanted = Uint8Array.from({ length: 6 * 8 * 3 }, (_, i) => {
            const [y, x, c] = [Math.floor(i / 24), Math.floor(i / 3) % 8, i % 3];
            return e * 50 + step * 7 + y * 3 + x * 5 + c * 11;
          });
          expect(images["top"]!.data).toEqual(wanted);
        }
      }
      await dataset.close();
    },
  );
});
