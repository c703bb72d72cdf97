import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileSource, openEpisode } from "../../../src/episode/node.ts";
import { lastLine, resultsIn, run } from "./cli.ts";

const system = promisify(execFile);
let cwd = "";
let disk = "";
let unavailable: string | undefined;

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "efference-disk-"));
  disk = join(cwd, "disk");
  mkdirSync(disk);
  try {
    await system("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
  } catch {
    unavailable = "a small file system cannot be mounted here (needs Linux and root)";
  }
});
afterAll(async () => {
  if (unavailable === undefined) await system("umount", [disk]);
  rmSync(cwd, { recursive: true });
});

const EPISODES = 20;

describe("a disk that fills up while recording", () => {
  it("ends with 3 and the file's name, loses no result, leaves readable files", async ({
    skip,
  }) => {
    if (unavailable !== undefined) skip(unavailable);
    const args = ["eval", "--sim", "counter", "--policy", "random", "--task", "count"];
    const out = ["--record", disk, "--out", "run", "--json", "--workers", "2"];
    const ended = await run([...args, "--episodes", `${EPISODES}`, ...out], cwd);
    expect(ended.code).toBe(3);
    const [, file] =
      /Cannot record episode to "(.*)\.mcap": no space is left on the disk/.exec(ended.stderr) ??
      [];
    expect(file).toMatch(join(disk, "count-i"));

    // The worlds went on: every pair has its result, none is a crash.
    expect(lastLine(ended.stdout)).toMatchObject({ episodes: EPISODES, crashes: 0 });
    const results = resultsIn(join(cwd, "run"));
    expect(results.map(({ steps }) => steps)).toEqual(Array(EPISODES).fill(50));
    const written = JSON.parse(readFileSync(join(cwd, "run", "results.json"), "utf8")) as {
      episodeResults: { listenerErrors?: string[] }[];
    };
    const failed = written.episodeResults.filter((result) => result.listenerErrors !== undefined);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(EPISODES);

    const complete = await Promise.all(readdirSync(disk).map(isComplete));
    expect(complete.filter(Boolean)).toHaveLength(EPISODES - failed.length);
  });
});

/** Opens and reads all of it. @throws if it is no episode */
async function isComplete(file: string): Promise<boolean> {
  const source = fileSource(join(disk, file));
  try {
    const { complete, steps, damage } = await openEpisode(source);
    expect(damage).toBeUndefined();
    if (complete) expect(steps).toHaveLength(51);
    return complete;
  } finally {
    await source.close();
  }
}
