import { createRequire } from "node:module";
import type * as Zstd from "@foxglove/wasm-zstd";
import { McapStreamReader, McapWriter } from "@mcap/core";
import { copyFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { SpecMismatchError } from "../../../../src/core/index.ts";
import {
  createEpisodeWriter,
  openFrameSource,
  openMcapDataset,
} from "../../../../src/episode/node.ts";
import { writeDemonstrations } from "../../../support/demonstrations.ts";
import type { SyntheticEpisode } from "../../../support/synthetic-episode.ts";
import { synthesiseEpisode } from "../../../support/synthetic-episode.ts";
import {
  startSyntheticEpisode,
  writeSteps,
  writeSyntheticEpisode,
} from "../../../support/synthetic-files.ts";

const zstd = createRequire(import.meta.url)("@foxglove/wasm-zstd") as typeof Zstd;
const LENGTHS = [12, 30, 7];
let folder = "";
let written: SyntheticEpisode[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-dataset-"));
  written = await writeDemonstrations(folder, LENGTHS);
});
afterAll(() => rm(folder, { recursive: true }));

describe("openMcapDataset", () => {
  it("says what was recorded", async () => {
    const dataset = await openMcapDataset(folder);
    const { observation, action, controlFreqHz } = written[0]!.header.spec;
    expect(dataset.spec).toEqual({
      images: observation.images,
      proprio: observation.proprio,
      action,
      controlFreqHz,
    });
    expect(dataset.episodes.map(({ length }) => length)).toEqual(LENGTHS);
    expect(dataset.episodes[1]).toMatchObject({
      index: 1,
      task: "put_red_cube_on_plate",
      instruction: "put the red cube on the plate",
      source: "episode-001.mcap",
      success: true,
    });
    await dataset.close();
  });

  it("gives the action that followed each observation, and the body's state before it", async () => {
    const dataset = await openMcapDataset(folder);
    for (const [e, { actions, timeSteps }] of written.entries()) {
      expect(await dataset.actions(e)).toEqual(
        Float32Array.from(actions.flatMap((row) => [...row])),
      );
      const rows = timeSteps
        .slice(0, -1)
        .flatMap(({ observation: { proprio } }) =>
          ["eef_position", "gripper_opening", "joint_position"].flatMap((name) =>
            Array.from(proprio[name]!.data, Number),
          ),
        );
      expect(await dataset.proprio(e)).toEqual(Float32Array.from(rows));
    }
    await dataset.close();
  });

  it("reads the image of every step, here and from a description that was posted", async () => {
    const dataset = await openMcapDataset(folder);
    const frames = openFrameSource(structuredClone(await dataset.frameSource(["wrist"])));
    for (const [e, { timeSteps }] of written.entries()) {
      for (let step = 0; step < LENGTHS[e]!; step++) {
        const { images } = timeSteps[step]!.observation;
        const frame = await dataset.read({ episode: e, step, cameras: ["front"] });
        expect(Object.keys(frame.images)).toEqual(["front"]);
        expect(frame.images["front"]!.data).toEqual(images["front"]!.data);
        expect((await frames.read(e, step, "wrist")).data).toEqual(images["wrist"]!.data);
      }
    }
    await frames.close();
    await dataset.close();
  });

  it("takes the cameras it is asked for, and refuses one that is not there", async () => {
    const dataset = await openMcapDataset(folder, { cameras: ["wrist"] });
    expect(dataset.spec.images.map(({ name }) => name)).toEqual(["wrist"]);
    await expect(dataset.read({ episode: 0, step: 0, cameras: ["front"] })).rejects.toThrow(
      'Cannot read camera "front": the dataset has "wrist", must be one of them',
    );
    await expect(openMcapDataset(folder, { cameras: ["top"] })).rejects.toThrow(
      /"episode-000.mcap".*"top"/,
    );
    await dataset.close();
  });

  it("refuses steps and episodes that are not there", async () => {
    const dataset = await openMcapDataset(folder);
    await expect(dataset.read({ episode: 2, step: 7, cameras: [] })).rejects.toThrow(RangeError);
    await expect(dataset.actions(3)).rejects.toThrow("Cannot read episode 3: there are 3");
    await dataset.close();
  });
});

describe("what a dataset is made of", () => {
  let own = "";
  beforeEach(async () => {
    own = await mkdtemp(join(tmpdir(), "efference-dataset-own-"));
    await writeDemonstrations(own, [6, 5]);
  });
  afterEach(() => rm(own, { recursive: true }));
  const extra = (): string => join(own, "extra.mcap");

  it("has successes only, unless failures are asked for, and never crashes", async () => {
    await writeSyntheticEpisode(extra(), { imagePx: 16, steps: 5, outcome: "failure" });
    await writeSyntheticEpisode(join(own, "gone.mcap"), {
      imagePx: 16,
      steps: 5,
      outcome: "crash",
    });
    const dataset = await openMcapDataset(own);
    expect(dataset.episodes.map(({ source }) => source)).toEqual([
      "episode-000.mcap",
      "episode-001.mcap",
    ]);
    expect(dataset.skipped).toEqual([
      { source: "extra.mcap", reason: "failure: time_limit" },
      { source: "gone.mcap", reason: "crash" },
    ]);
    const all = await openMcapDataset(own, { outcomes: "finished" });
    expect(all.episodes.map(({ success }) => success)).toEqual([true, true, false]);
  });

  it("refuses an empty folder, and one without anything to learn from", async () => {
    await expect(openMcapDataset(own, { tasks: ["fold"] })).rejects.toThrow(
      "2 files, but none to learn from (2 x task put_red_cube_on_plate)",
    );
    await rm(join(own, "episode-000.mcap"));
    await rm(join(own, "episode-001.mcap"));
    await expect(openMcapDataset(own)).rejects.toThrow("it has no .mcap file, must have episodes");
  });

  it("refuses an unfinished file, or skips it where that is asked for", async () => {
    const episode = synthesiseEpisode({ imagePx: 16, steps: 40 });
    const writer = await startSyntheticEpisode(join(own, "whole.mcap"), episode);
    await writeSteps(writer, episode, { from: 0, to: 41 });
    await writer.end(episode.outcome);
    await rename(join(own, "whole.mcap"), extra());
    const { length } = await readFile(extra());
    await truncate(extra(), Math.floor(length * 0.7));
    await expect(openMcapDataset(own)).rejects.toThrow(/"extra.mcap" is unfinished/);
    const dataset = await openMcapDataset(own, { unfinished: "skip" });
    expect(dataset.skipped).toEqual([{ source: "extra.mcap", reason: "unfinished" }]);
    expect(dataset.episodes).toHaveLength(2);
    await writeFile(extra(), "no episode at all");
    await expect(openMcapDataset(own)).rejects.toThrow(/"extra.mcap" is unreadable/);
  });

  it("refuses an episode that is not like the others, naming it and the difference", async () => {
    await writeSyntheticEpisode(extra(), { imagePx: 24, steps: 5 });
    const refused = openMcapDataset(own);
    await expect(refused).rejects.toThrow(SpecMismatchError);
    await expect(refused).rejects.toThrow(
      '"extra.mcap" is not like "episode-000.mcap": image "front" is uint8[24, 24, 3], must be uint8[16, 16, 3]',
    );
    await rm(extra());
    await writeSyntheticEpisode(join(own, "unlit.mcap"), { images: false, steps: 5 });
    await expect(openMcapDataset(own)).rejects.toThrow(
      '"unlit.mcap" is not like "episode-000.mcap": image "front" is absent (no images), must be uint8[16, 16, 3]',
    );
  });

  it("refuses an action that is not finite, or of another width", async () => {
    const episode = synthesiseEpisode({ imagePx: 16, steps: 4 });
    const record = async (name: string, action: Float32Array): Promise<void> => {
      const writer = await createEpisodeWriter(join(own, name), episode.header);
      for (const [i, timeStep] of episode.timeSteps.entries()) {
        const made = i === 3 ? action : episode.actions[i - 1];
        await writer.step({ timeStep, action: made });
      }
      await writer.end(episode.outcome);
    };
    await record("nan.mcap", Float32Array.of(0, NaN, 0, 1));
    await record("short.mcap", Float32Array.of(0, 1));
    const dataset = await openMcapDataset(own);
    const at = (name: string): number =>
      dataset.episodes.findIndex(({ source }) => source === name);
    await expect(dataset.actions(at("nan.mcap"))).rejects.toThrow(
      'Cannot use "nan.mcap": entry 1 of the action of step 2 is NaN, must be finite',
    );
    await expect(dataset.actions(at("short.mcap"))).rejects.toThrow(
      'Cannot use "short.mcap": step 2 has an action of 2 entries, must have one of 4',
    );
    expect(await dataset.actions(0)).toHaveLength(6 * 4);
  });

  it("refuses an episode with a step that has no image of its own", async () => {
    const episode = synthesiseEpisode({ imagePx: 16, steps: 4 });
    const writer = await createEpisodeWriter(extra(), episode.header);
    for (const [i, timeStep] of episode.timeSteps.entries()) {
      const observation = i === 2 ? { ...timeStep.observation, images: {} } : timeStep.observation;
      await writer.step({ timeStep: { ...timeStep, observation }, action: episode.actions[i - 1] });
    }
    await writer.end(episode.outcome);
    const dataset = await openMcapDataset(own);
    await expect(dataset.frameSource(["front"])).rejects.toThrow(
      'Cannot use "extra.mcap": step 2 has no image "front", every step must have one',
    );
  });

  it("has a hash that knows the data and not the place", async () => {
    const { hash } = await openMcapDataset(own);
    const moved = `${own}-moved`;
    await rename(own, moved);
    expect((await openMcapDataset(moved)).hash).toBe(hash);
    await rename(moved, own);
    await copyFile(join(folder, "episode-001.mcap"), join(own, "episode-001.mcap"));
    expect((await openMcapDataset(own)).hash).not.toBe(hash);
    expect((await openMcapDataset(own, { files: ["episode-000.mcap"] })).episodes).toHaveLength(1);
  });

  it("follows an instruction that changes on the way", async () => {
    const episode = synthesiseEpisode({ imagePx: 16, steps: 4 });
    const writer = await createEpisodeWriter(extra(), episode.header);
    for (const [i, timeStep] of episode.timeSteps.entries()) {
      const instruction = i >= 2 ? "stop" : timeStep.observation.instruction;
      const observation = { ...timeStep.observation, instruction };
      await writer.step({ timeStep: { ...timeStep, observation }, action: episode.actions[i - 1] });
    }
    await writer.end(episode.outcome);
    const dataset = await openMcapDataset(own);
    const said = async (step: number): Promise<string> =>
      (await dataset.read({ episode: 2, step, cameras: [] })).instruction;
    expect([await said(1), await said(2), await said(3)]).toEqual([
      "put the red cube on the plate",
      "stop",
      "stop",
    ]);
  });
});

describe("a file that another program compressed", () => {
  it("gives the same dataset, its images looked up one by one", async () => {
    const own = await mkdtemp(join(tmpdir(), "efference-dataset-zstd-"));
    for (const name of ["episode-000.mcap", "episode-002.mcap"]) {
      await writeFile(join(own, name), await recompress(await readFile(join(folder, name))));
    }
    const [small, plain] = [await openMcapDataset(own), await openMcapDataset(folder)];
    expect(await small.frameSource(["front"])).toMatchObject({
      episodes: [{ places: { front: undefined } }, { places: { front: undefined } }],
    });
    for (const [mine, theirs] of [
      [0, 0],
      [1, 2],
    ] as const) {
      expect(await small.actions(mine)).toEqual(await plain.actions(theirs));
      for (let step = 0; step < plain.episodes[theirs]!.length; step++) {
        const cameras = ["front", "wrist"];
        expect(await small.read({ episode: mine, step, cameras })).toEqual(
          await plain.read({ episode: theirs, step, cameras }),
        );
      }
    }
    await small.close();
    await plain.close();
    await rm(own, { recursive: true });
  });
});

/** All records of a file through the reference writer, images and the rest in the same Zstandard chunks. */
async function recompress(bytes: Uint8Array): Promise<Uint8Array> {
  await zstd.isLoaded;
  const parts: Uint8Array[] = [];
  let position = 0n;
  const writer = new McapWriter({
    writable: {
      position: () => position,
      write: (part: Uint8Array) => {
        parts.push(Uint8Array.from(part));
        position += BigInt(part.length);
        return Promise.resolve();
      },
    },
    chunkSize: 20_000,
    compressChunk: (data) => ({ compression: "zstd", compressedData: zstd.compress(data, 3) }),
  });
  await writer.start({ profile: "", library: "other" });
  const reader = new McapStreamReader({
    decompressHandlers: { zstd: (data, size) => zstd.decompress(data, Number(size)) },
  });
  reader.append(bytes);
  const [schemas, channels] = [new Map<number, number>(), new Map<number, number>()];
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
    if (record.type === "Schema" && !schemas.has(record.id)) {
      schemas.set(record.id, await writer.registerSchema(record));
    } else if (record.type === "Channel" && !channels.has(record.id)) {
      const schemaId = schemas.get(record.schemaId)!;
      channels.set(record.id, await writer.registerChannel({ ...record, schemaId }));
    } else if (record.type === "Message") {
      await writer.addMessage({ ...record, channelId: channels.get(record.channelId)! });
    } else if (record.type === "Metadata") await writer.addMetadata(record);
  }
  await writer.end();
  return Buffer.concat(parts);
}
