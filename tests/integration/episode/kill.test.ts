import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng, fileSource, listEpisodes, openEpisode } from "../../../src/episode/node.ts";

const script = fileURLToPath(new URL("./record-forever.mjs", import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-kill-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a recorder that is killed", () => {
  it("leaves a file that opens, with every step that was flushed, marked as incomplete", async () => {
    const path = join(folder, "killed.mcap");
    const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    let flushed = 0;
    let seenWhileRunning = 0;
    const source = fileSource(path);
    for await (const line of createInterface({ input: child.stdout })) {
      flushed = Number(line);
      // It can be read while it is being written, too.
      const episode = await openEpisode(source);
      expect(episode.complete).toBe(false);
      expect(episode.steps.length).toBeGreaterThanOrEqual(flushed);
      seenWhileRunning = episode.steps.length;
      if (flushed >= 50) break;
    }
    child.kill("SIGKILL");
    expect(await exited).toEqual([null, "SIGKILL"]);

    const episode = await openEpisode(source);
    expect(episode.complete).toBe(false);
    expect(episode.outcome).toBeUndefined();
    expect(episode.damage).toBeUndefined();
    expect(episode.header.episodeId).toBe("killed");
    expect(episode.steps.length).toBeGreaterThanOrEqual(Math.max(flushed, seenWhileRunning));
    expect(episode.steps.map(({ step }) => step)).toEqual(episode.steps.map((_, i) => i));
    const last = episode.steps.length - 1;
    const image = (await episode.image("front", last))!;
    expect(image.step).toBe(last);
    expect(decodePng(image.bytes).data).toEqual(
      new Uint8Array(32 * 32 * 3).map((_, i) => (i * last) & 0xff),
    );
    await source.close();

    const [listed] = await listEpisodes(folder);
    expect(listed?.summary).toMatchObject({ complete: false, steps: episode.steps.length });
    expect(listed?.summary?.outcome).toBeUndefined();
  });
});
