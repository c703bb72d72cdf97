import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  listBenchmarks,
  loadBenchmark,
  runBenchmarks,
} from "../../../src/bootstrap/benchmarks.mjs";

const FILES = {
  "good.mjs": `export default { title: "Good", run: async (print, given) => (print("measured"), given) };`,
  "lacking.mjs": `export default { title: "Lacking", needs: () => "a folder", run: () => { throw new Error("ran"); } };`,
  "throwing.mjs": `export default { title: "Throwing", run() { throw new Error("no sockets left"); } };`,
  "broken.mjs": `throw new Error("cannot be imported");`,
  "script.mjs": `export const run = () => 1;`,
  "half.mjs": `export default { title: "Half" };`,
  "_worker.mjs": `throw new Error("imported a helper");`,
  "results.md": "",
};

describe("benchmarks", () => {
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "efference-benchmarks-"));
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const wanted = (name: string, cases: readonly string[] = []) => ({
    name,
    cases,
    load: () => loadBenchmark(folder, name),
  });

  it("are the files that are no helpers", () => {
    expect(listBenchmarks(folder).sort()).toEqual(
      ["broken", "good", "half", "lacking", "script", "throwing"].sort(),
    );
  });

  it("name the file whose default export is none, and what it lacks", async () => {
    await expect(loadBenchmark(folder, "script")).rejects.toThrow(
      `Cannot run benchmark "script": the default export of ${join(folder, "script.mjs")} has no "title" and "run", must be { title, run }`,
    );
    await expect(loadBenchmark(folder, "half")).rejects.toThrow(/half\.mjs has no "run", must be/);
  });

  it("go on after one that fails, cannot be imported or needs what is not here", async () => {
    const names = ["throwing", "broken", "script", "lacking"].map((name) => wanted(name));
    const lines: string[] = [];
    const print = (line: string): void => void lines.push(line);
    const { results, failed, leftOut } = await runBenchmarks(
      [...names, wanted("good", ["one"])],
      print,
    );
    expect(results).toEqual({ good: { cases: ["one"] } });
    expect(failed).toEqual(["throwing", "broken", "script"]);
    expect(leftOut).toEqual(["lacking"]);
    const text = lines.join("\n");
    expect(text).toContain("throwing failed: Error: no sockets left");
    expect(text).toContain("broken failed: Error: cannot be imported");
    expect(text).toContain("left out: lacking needs a folder");
    expect(lines.slice(-2)).toEqual(["\n== Good", "measured"]);
  });
});
