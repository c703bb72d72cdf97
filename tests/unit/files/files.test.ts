import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syncFolder, writeNew, writeWhole } from "../../../src/files/index.ts";

describe("files", () => {
  let folder = "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "efference-files-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it.each([{}, { forced: false }])(
    "writeWhole() makes folders and replaces files %j",
    async (o) => {
      const path = join(folder, "a", "b", "results.json");
      await writeWhole(path, "first, and longer", o);
      await writeWhole(path, Uint8Array.of(0x32, 0x6e, 0x64), o);
      expect(await readFile(path, "utf8")).toBe("2nd");
      expect(await readdir(join(folder, "a", "b"))).toEqual(["results.json"]);
    },
  );

  it("writeWhole() removes what it wrote where the file cannot take its place", async () => {
    await mkdir(join(folder, "taken", "by"), { recursive: true });
    await expect(writeWhole(join(folder, "taken"), "text")).rejects.toThrow(
      /EISDIR|ENOTEMPTY|EEXIST|EPERM/,
    );
    expect(await readdir(folder)).toEqual(["taken"]);
    expect(await readdir(join(folder, "taken"))).toEqual(["by"]);
  });

  it("writeWhole() of one path at the same time leaves one of the contents", async () => {
    const path = join(folder, "one");
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(1 << 16));
    await Promise.all(contents.map((content) => writeWhole(path, content)));
    expect(contents).toContain(await readFile(path, "utf8"));
    expect(await readdir(folder)).toEqual(["one"]);
  });

  it("writeNew() refuses a file that is there", async () => {
    const path = join(folder, "file");
    await writeFile(path, "old");
    await expect(writeNew(path, "new")).rejects.toThrow(/EEXIST/);
    expect(await readFile(path, "utf8")).toBe("old");
  });

  it("syncFolder() refuses a folder that is not there", async () => {
    await syncFolder(folder);
    await expect(syncFolder(join(folder, "none"))).rejects.toThrow(/ENOENT/);
  });
});
