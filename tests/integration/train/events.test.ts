/** The README's policy trained on a few episodes, its run inspected, and its events read by another program. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPolicyPackage } from "../../../src/package/index.ts";
import { parseTrainConfig, readRunFolder, train } from "../../../src/train/index.ts";
import { writeDemonstrations } from "../../support/demonstrations.ts";
import { linearPolicy } from "../../support/linear-policy.ts";
import { ensureVenv } from "../../support/python-venv.mjs";
import { run as cli } from "../cli/cli.ts";

const run = promisify(execFile);
let root = "";
let folder = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "efference-events-"));
  folder = join(root, "run");
  await writeDemonstrations(join(root, "demos"), [12, 15, 11]);
  const config = parseTrainConfig({
    name: "linear",
    policy: { kind: "linear" },
    data: { folders: [join(root, "demos")], validation: 0.34, threads: 0 },
    batchSize: 8,
    steps: 40,
    schedule: { kind: "cosine", peak: 0.01, warmUp: 2 },
    logEvery: 2,
    validate: { everySteps: 10, batches: 2 },
    checkpoint: { everySteps: 20, keep: 2 },
    threads: 1,
  });
  const options = { config, folder, makeTrainable: linearPolicy };
  await train({ ...options, maxSteps: 20 });
  await train({ ...options, resume: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
});
afterAll(() => rm(root, { recursive: true }));

describe("the policy of src/train/README.md", () => {
  it("learns, and its package is readable", async () => {
    const { rows, best, packages } = await readRunFolder(folder);
    const losses = rows.filter(({ kind }) => kind === "train").map(({ loss }) => Number(loss));
    expect(losses).toHaveLength(20);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    const heldOut = rows.filter(({ kind }) => kind === "validation");
    const lowest = heldOut.reduce((a, b) => (Number(b["loss"]) < Number(a["loss"]) ? b : a));
    expect(best).toEqual({ metric: "loss", step: lowest.step, value: lowest["loss"] });
    expect(packages).toEqual(["best", "last"]);
    const { manifest } = await readPolicyPackage(join(folder, "packages", "best"));
    expect(manifest.policy.name).toBe("linear");
  });
});

describe("efference inspect RUN", () => {
  it("says how far the run is, as words and as data", async () => {
    const words = await cli(["inspect", folder], root);
    expect(words.code, words.stderr).toBe(0);
    expect(words.stdout).toMatch(/^linear: policy linear, seed 0, 40 of 40 updates in /m);
    expect(words.stdout).toMatch(/^packages: best, last$/m);
    expect(words.stdout).toMatch(/^update +40 +40$/m);
    const { stdout } = await cli(["inspect", folder, "--json"], root);
    const { rows } = await readRunFolder(folder);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: "training_run",
      updates: 40,
      last: {
        train: rows.findLast(({ kind }) => kind === "train"),
        validation: rows.findLast(({ kind }) => kind === "validation"),
      },
      packages: ["best", "last"],
      config: { name: "linear" },
    });
  });
});

describe("event files, read in Python", () => {
  it("hold every row of metrics.jsonl, one file for each start", async ({ skip }) => {
    const { python, unavailable } = await ensureVenv();
    if (python === undefined) return skip(unavailable);
    const names = (await readdir(folder)).filter((name) => name.startsWith("events.out")).sort();
    const script = fileURLToPath(new URL("check_events.py", import.meta.url));
    const { stdout } = await run(python, [script, ...names.map((name) => join(folder, name))]);
    const files = JSON.parse(stdout) as {
      version: string;
      events: { wall: number; step: number; values: Record<string, number> }[];
    }[];
    expect(new Set(files.map(({ version }) => version))).toEqual(new Set(["brain.Event:2"]));
    const lines = (await readFile(join(folder, "metrics.jsonl"), "utf8")).trim().split("\n");
    const wanted = lines.map((line) => {
      const {
        kind,
        step,
        epoch: _,
        elapsed_s: __,
        ...values
      } = JSON.parse(line) as Record<string, string | number>;
      const tagged = Object.entries(values).map(([name, value]) => [
        `${kind}/${name}`,
        Math.fround(Number(value)),
      ]);
      return { step, values: Object.fromEntries(tagged) as unknown };
    });
    const events = files.flatMap((file) => file.events);
    expect(events.map(({ step, values }) => ({ step, values }))).toEqual(wanted);
    expect(Math.abs(events.at(-1)!.wall - Date.now() / 1000)).toBeLessThan(3600);
  }, 600_000);
});
