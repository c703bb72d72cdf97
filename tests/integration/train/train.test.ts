import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findSoftwareGpu } from "../../support/software-gpu.mjs";
import { lastLine, run, start } from "../cli/cli.ts";

const gpu = findSoftwareGpu();

let cwd = "";
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "efference-train-"));
  const record = await run(
    ["record", "--sim", "tabletop", "--task", "press_button", "--episodes", "3", "--out", "demos"],
    cwd,
  );
  expect(record.code, record.stderr).toBe(0);
  writeFileSync(join(cwd, "config.json"), JSON.stringify(CONFIG));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const CONFIG = {
  policy: {
    kind: "act",
    cameras: ["front"],
    filters: 4,
    keypoints: 4,
    width: 16,
    heads: 2,
    hidden: 16,
    encoderLayers: 1,
    decoderLayers: 1,
    horizon: 4,
  },
  data: {
    folders: ["demos/episodes"],
    resize: { height: 32, width: 32 },
    augment: { shiftPx: 2, brightness: 0.1 },
    validation: 0.3,
  },
  batchSize: 4,
  steps: 40,
  optimiser: { kind: "adamw", emaDecay: 0.9, clipNorm: 1 },
  schedule: { kind: "cosine", peak: 0.003, warmUp: 5 },
  logEvery: 5,
  validate: { everySteps: 10, batches: 2 },
  checkpoint: { everySteps: 10, keep: 2 },
  threads: 1,
};

const train = (...more: string[]): string[] => ["train", "config.json", "--json", ...more];

interface Row {
  readonly kind: string;
  readonly step: number;
  readonly loss: number;
}

function rows(folder: string): Row[] {
  return readFileSync(join(cwd, folder, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

/** What must not depend on time or interruption. */
function essence(folder: string): unknown {
  return rows(folder).map(({ kind, step, loss }) => ({ kind, step, loss }));
}

describe("efference train", () => {
  it("learns, measures, and leaves checkpoints, metrics and packages", async () => {
    const { code, stdout, stderr } = await run(train("--out", "whole"), cwd);
    expect(code, stderr).toBe(0);
    const summary = lastLine(stdout);
    expect(summary).toMatchObject({ step: 40, ended: "steps" });
    const train0 = rows("whole").filter(({ kind }) => kind === "train");
    expect(train0.map(({ step }) => step)).toEqual([5, 10, 15, 20, 25, 30, 35, 40]);
    expect(train0.at(-1)!.loss).toBeLessThan(train0[0]!.loss);
    expect(rows("whole").filter(({ kind }) => kind === "validation")).toHaveLength(4);
    expect(readdirSync(join(cwd, "whole", "packages")).sort()).toEqual(["best", "last"]);
    expect(readdirSync(join(cwd, "whole")).some((name) => name.startsWith("events.out"))).toBe(
      true,
    );
    const checkpoints = readdirSync(join(cwd, "whole", "checkpoints"));
    expect(checkpoints).toContain("step-00000040");
    expect(checkpoints.length).toBeLessThanOrEqual(3);
  });

  it("killed and resumed ends with the same weights and metrics", async () => {
    const killed = start(train("--out", "killed", "--set", "threads=2"), { cwd });
    // Killed at whatever it is doing once it has a checkpoint to go on from.
    const checkpoint = join(cwd, "killed", "checkpoints", "step-00000010");
    while (!existsSync(checkpoint)) await new Promise((resolve) => setTimeout(resolve, 5));
    killed.child.kill("SIGKILL");
    expect(await killed.ended).toBe("SIGKILL");
    const resumed = await run(train("--out", "killed", "--resume"), cwd);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toMatch(/goes on after update \d+/);
    const [a, b] = [
      lastLine(resumed.stdout),
      lastLine((await run(train("--out", "again"), cwd)).stdout),
    ];
    expect(a["weightsHash"]).toBe(b["weightsHash"]);
    expect(essence("killed")).toEqual(essence("again"));
  });

  it("stops after --max-steps on the same schedule, and goes on", async () => {
    const part = await run(train("--out", "part", "--max-steps", "13"), cwd);
    expect(lastLine(part.stdout)).toMatchObject({ step: 13 });
    const rest = await run(["train", "--resume", "--out", "part", "--json"], cwd);
    const whole = await run(train("--out", "whole2"), cwd);
    expect(lastLine(rest.stdout)["weightsHash"]).toBe(lastLine(whole.stdout)["weightsHash"]);
  });

  it("gives the same with several updates in a run, wherever it was interrupted", async () => {
    const together = ["--set", "updatesPerRun=7"];
    const part = await run(train("--out", "runs7", "--max-steps", "13", ...together), cwd);
    expect(lastLine(part.stdout), part.stderr).toMatchObject({ step: 13 });
    const rest = await run(["train", "--resume", "--out", "runs7", "--json"], cwd);
    const others = await run(train("--out", "runs3", "--set", "updatesPerRun=3"), cwd);
    expect(lastLine(rest.stdout)["weightsHash"]).toBe(lastLine(others.stdout)["weightsHash"]);
    expect(essence("runs7")).toEqual(essence("runs3"));
    const losses = rows("runs7").map(({ loss }) => loss);
    rows("whole").forEach(({ loss }, i) => expect(losses[i]).toBeCloseTo(loss, 3));
  });

  it("leaves out steps that hardly move, says how many, and refuses to leave out all", async () => {
    const some = await run(train("--out", "busy", "--set", "data.idle.below=0.3"), cwd);
    expect(some.code, some.stderr).toBe(0);
    const [, windows, idle] = /([\d,]+) windows, ([\d,]+) idle steps left out/.exec(some.stderr)!;
    const whole = await run(train("--out", "all", "--max-steps", "1"), cwd);
    expect(whole.stderr).not.toContain("left out");
    const [, all] = /([\d,]+) windows/.exec(whole.stderr)!;
    // Of all episodes, of which one is held out.
    expect(Number(idle)).toBeGreaterThanOrEqual(Number(all) - Number(windows));
    expect(Number(windows)).toBeLessThan(Number(all));
    const none = await run(train("--out", "none", "--set", "data.idle.below=2"), cwd);
    expect(none.code).not.toBe(0);
    expect(none.stderr).toMatch(/Cannot leave out idle steps of ".*mcap": every action is below 2/);
  });

  it("makes packages that act", async () => {
    const { code, stdout, stderr } = await run(
      [
        "eval",
        "--sim",
        "tabletop",
        "--task",
        "press_button",
        "--policy",
        "whole/packages/last",
      ].concat(["--episodes", "1", "--max-steps", "8", "--out", "acted", "--json"]),
      cwd,
    );
    expect(code, stderr).toBe(0);
    expect(lastLine(stdout)).toMatchObject({ episodes: 1, crashes: 0 });
  });

  it.skipIf(gpu.unavailable !== undefined)(
    `trains on a GPU, where the state stays (${gpu.unavailable ?? "SwiftShader is there"})`,
    async () => {
      const short = ["--max-steps", "6", "--set", "logEvery=1", "--set", "checkpoint.everySteps=3"];
      const there = start(train("--out", "gpu", ...short, "--set", "device=webgpu"), {
        cwd,
        env: { ...gpu.env },
      });
      expect(await there.ended, there.stderr()).toBe(0);
      const here = await run(train("--out", "cpu", ...short), cwd);
      expect(here.code, here.stderr).toBe(0);
      const losses = (folder: string): number[] => rows(folder).map(({ loss }) => loss);
      expect(losses("gpu")).toHaveLength(6);
      losses("gpu").forEach((loss, i) => expect(loss).toBeCloseTo(losses("cpu")[i]!, 3));
      expect(readdirSync(join(cwd, "gpu", "checkpoints"))).toContain("step-00000006");
    },
  );

  it("gives each seed a run, with mean and interval", async () => {
    const { code, stdout, stderr } = await run(
      train("--out", "sweep", "--seeds", "1,2", "--max-steps", "10"),
      cwd,
    );
    expect(code, stderr).toBe(0);
    const summary = lastLine(stdout) as unknown as { seeds: number; low: number; high: number };
    expect(summary.seeds).toBe(2);
    expect(summary.low).toBeLessThan(summary.high);
    expect(existsSync(join(cwd, "sweep", "sweep.json"))).toBe(true);
  });

  it.each([
    ["a key that is wrong", ["--set", "batchSize=0"], /batchSize: /],
    ["a policy that cannot be trained", ["--set", "policy.kind=abc"], /kind "abc"/],
    ["a missing camera", ["--set", 'policy.cameras=["side"]'], /side/],
    ["a missing component", ["--set", 'policy.proprio=["torque"]'], /"torque" is absent/],
    ["an objective that is not made", ["--set", "objectives.speed=1"], /objective "speed"/],
  ])("refuses %s", async (_, more, words) => {
    const { code, stderr } = await run(train("--out", `bad-${Math.random()}`, ...more), cwd);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(words);
  });

  it("refuses to go on with another configuration or in another run's folder", async () => {
    const other = await run(train("--out", "whole", "--resume", "--set", "seed=9"), cwd);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/checkpoint is of another configuration, must be the same/);
    const again = await run(train("--out", "whole"), cwd);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/holds a run already/);
  });

  it("stops at a loss that is not finite, keeps the checkpoint and names the batch", async () => {
    const { code, stderr } = await run(
      train(
        "--out",
        "nan",
        "--set",
        "schedule.peak=1e30",
        "--set",
        "optimiser.clipNorm=1e30",
      ).concat(["--set", "checkpoint.everySteps=1", "--set", "schedule.warmUp=0"]),
      cwd,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /must be finite; the batch was at epoch 0, window \d+ \(task episode:step press_button/,
    );
    expect(readdirSync(join(cwd, "nan", "checkpoints"))).not.toEqual([]);
  });
});
