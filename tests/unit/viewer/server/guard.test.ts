import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRange, resolveEpisode } from "../../../../src/viewer/server/episode-file.ts";
import { isOwnHost } from "../../../../src/viewer/server/guard.ts";

describe("isOwnHost()", () => {
  it("knows the names of this computer, with and without a port", () => {
    for (const host of ["127.0.0.1:4870", "localhost:4870", "LOCALHOST", "[::1]:1"]) {
      expect(isOwnHost(host, "127.0.0.1"), host).toBe(true);
    }
    expect(isOwnHost("10.0.0.7:80", "10.0.0.7")).toBe(true);
  });
  it("refuses names that only lead here", () => {
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example:80",
      "localhost.evil.example",
      "",
      undefined,
    ]) {
      expect(isOwnHost(host, "127.0.0.1"), host).toBe(false);
    }
  });
});

describe("parseRange()", () => {
  it("reads one range and cuts it at the end", () => {
    expect(parseRange("bytes=0-9", 100)).toEqual({ start: 0, end: 9 });
    expect(parseRange("bytes=90-200", 100)).toEqual({ start: 90, end: 99 });
    expect(parseRange("bytes=7-", 100)).toEqual({ start: 7, end: 99 });
    expect(parseRange("bytes=-10", 100)).toEqual({ start: 90, end: 99 });
    expect(parseRange("bytes=-1000", 100)).toEqual({ start: 0, end: 99 });
  });
  it("says what cannot be satisfied and ignores the rest", () => {
    expect(parseRange("bytes=100-", 100)).toBe("unsatisfiable");
    expect(parseRange("bytes=-0", 100)).toBe("unsatisfiable");
    expect(parseRange("bytes=0-0", 0)).toBe("unsatisfiable");
    for (const header of [
      undefined,
      "bytes=-",
      "bytes=5-2",
      "bytes=0-1,4-5",
      "lines=0-1",
      "bytes=a-b",
    ]) {
      expect(parseRange(header, 100), header).toBeUndefined();
    }
  });
});

describe("resolveEpisode()", () => {
  let root: string;
  let folder: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "efference-viewer-"));
    folder = join(root, "runs");
    await mkdir(join(folder, "a"), { recursive: true });
    await writeFile(join(folder, "a", "e.mcap"), "x");
    await writeFile(join(folder, "secret.txt"), "x");
    await writeFile(join(root, "outside.mcap"), "x");
    await symlink(join(root, "outside.mcap"), join(folder, "link.mcap"));
    await mkdir(join(folder, "folder.mcap"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it("finds episodes below the folder", async () => {
    expect(await resolveEpisode(folder, "a/e.mcap")).toMatch(/a.e\.mcap$/);
  });
  it("finds nothing else, whatever the path looks like", async () => {
    const paths = [
      "../outside.mcap",
      "a/../../outside.mcap",
      "link.mcap",
      "secret.txt",
      "folder.mcap",
      "absent.mcap",
      "/etc/passwd",
      "a/e.mcap\0.mcap",
      "..\\outside.mcap",
      "",
    ];
    for (const path of paths) expect(await resolveEpisode(folder, path), path).toBeUndefined();
  });
});
