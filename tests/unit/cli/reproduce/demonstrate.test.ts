import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { demonstrated, recorded } from "../../../../src/cli/reproduce/demonstrate.ts";
import { STUDY_WORLDS } from "../../../../src/cli/reproduce/worlds.ts";

const cwd = mkdtempSync(join(tmpdir(), "efference-demonstrate-"));
afterAll(() => rmSync(cwd, { recursive: true }));
const request = {
  world: STUDY_WORLDS.detour,
  folder: join(cwd, "data", "detour"),
  count: 2,
  signal: new AbortController().signal,
  onEpisode: () => undefined,
};

describe("demonstrated", () => {
  it("records the same where two do at once, and leaves one folder", async () => {
    const both = await Promise.all([demonstrated(request), demonstrated(request)]);
    expect(both[0]).toEqual(both[1]);
    expect(both[0]).toEqual(await recorded(request.folder));
    expect(readdirSync(join(cwd, "data"))).toEqual(["detour"]);
    expect(readdirSync(join(request.folder, "episodes"))).toHaveLength(2);
  });

  it("removes what dead processes have left, and nothing else", async () => {
    const folder = join(cwd, "left", "detour");
    // More than any process's number is.
    const dead = `${folder}.${hostname()}.4194305.1.part`;
    const others = [
      `${folder}.${hostname()}.${process.ppid}.1.part`,
      `${folder}.elsewhere.4194305.1.part`,
      `${folder}-pushed.${hostname()}.4194305.1.part`,
    ];
    for (const path of [dead, ...others]) mkdirSync(path, { recursive: true });
    await demonstrated({ ...request, folder });
    expect(existsSync(dead)).toBe(false);
    for (const path of others) expect(existsSync(path), path).toBe(true);
  });

  it("leaves nothing where it is stopped", async () => {
    const stop = new AbortController();
    const folder = join(cwd, "stopped", "detour");
    const stopped = demonstrated({
      ...{ ...request, folder, signal: stop.signal },
      onEpisode: () => stop.abort(new RangeError("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(readdirSync(join(cwd, "stopped"))).toEqual([]);
  });
});
