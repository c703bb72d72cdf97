import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createEpisodeWriter,
  fileSource,
  openEpisode,
  RecordingError,
} from "../../../src/episode/node.ts";
import { sampleAction, sampleHeader, sampleStep } from "../../unit/episode/sample.ts";

const run = promisify(execFile);
let folder = "";
let unavailable: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-full-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]);
  } catch {
    unavailable = "a small file system cannot be mounted here (needs Linux and root)";
  }
});
afterAll(async () => {
  if (unavailable === undefined) await run("umount", [folder]);
  await rm(folder, { recursive: true });
});

describe("a disk that fills up", () => {
  it("stops the recording with a RecordingError and keeps every whole chunk", async ({ skip }) => {
    if (unavailable !== undefined) skip(unavailable);
    const path = join(folder, "episode.mcap");
    const writer = await createEpisodeWriter(path, sampleHeader, { chunkBytes: 16_384 });
    let error: unknown;
    let given = 0;
    try {
      for (; given < 20_000; given++) {
        await writer.step({ timeStep: sampleStep(given), action: sampleAction(given) });
      }
      await writer.flush();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RecordingError);
    expect(error).toMatchObject({ code: "ENOSPC", path });
    const source = fileSource(path);
    const episode = await openEpisode(source);
    expect([episode.complete, episode.damage]).toEqual([false, undefined]);
    expect(episode.steps.length).toBeGreaterThan(50);
    expect(episode.steps.length).toBeLessThan(given);
    expect((await episode.image("wrist", episode.steps.length - 1))?.step).toBe(
      episode.steps.length - 1,
    );
    await source.close();
  });

  it("refuses to begin a second one", async ({ skip }) => {
    if (unavailable !== undefined) skip(unavailable);
    const path = join(folder, "second.mcap");
    // Whatever the first test left free is smaller than schemas and scene.
    await run("dd", ["if=/dev/zero", `of=${join(folder, "rest")}`, "bs=4k"]).catch(() => undefined);
    await expect(createEpisodeWriter(path, sampleHeader)).rejects.toMatchObject({ code: "ENOSPC" });
  });
});

describe("a recording that cannot begin", () => {
  it("never overwrites an episode", async () => {
    const other = await mkdtemp(join(tmpdir(), "efference-exists-"));
    const path = join(other, "episode.mcap");
    const first = await createEpisodeWriter(path, sampleHeader);
    await expect(createEpisodeWriter(path, sampleHeader)).rejects.toThrow(
      `Cannot record episode to "${path}": the file exists, must be new (EEXIST)`,
    );
    await first.end({ kind: "crash", error: "x", step: 0 });
    await expect(
      createEpisodeWriter(join(other, "no", "x.mcap"), sampleHeader),
    ).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readdir(other)).toEqual(["episode.mcap"]);
    await rm(other, { recursive: true });
  });
});
