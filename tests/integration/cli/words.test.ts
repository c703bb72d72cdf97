import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import { writePolicyPackage } from "../../../src/package/index.ts";
import {
  DIM,
  STATE_INPUT,
  graph,
  manifestOf,
  rows,
  stepInputs,
} from "../../support/package-shapes.ts";
import { CLI, lastLine, run, start } from "./cli.ts";

let cwd = "";
let episode = "";
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "efference-words-"));
  const args = ["eval", "--sim", "counter", "--policy", "random", "--task", "count"];
  const out = ["--episodes", "1", "--workers", "1", "--record", "--out", "run"];
  expect((await run([...args, ...out], cwd)).code).toBe(0);
  const episodes = join(cwd, "run", "episodes");
  episode = join(episodes, readdirSync(episodes)[0]!);
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe("efference inspect", () => {
  it("says what an episode is, in words and as JSON", async () => {
    const words = await run(["inspect", episode], cwd);
    expect(words.code).toBe(0);
    expect(words.stdout).toContain("failure (time limit) after 50 steps");
    expect(words.stdout).toContain("50 decisions, 1 cameras");
    const json = await run(["inspect", episode, "--json"], cwd);
    expect(json.code).toBe(0);
    expect(lastLine(json.stdout)).toMatchObject({
      kind: "episode",
      task: "count",
      policy: "random",
      environment: { name: "counter" },
      complete: true,
      outcome: { kind: "failure", reason: "time_limit", step: 50 },
      steps: 50,
      durationS: 5,
      return: 50,
    });
  });

  it("says of a file that was cut off that it is unfinished, and shows what is there", async () => {
    const bytes = readFileSync(episode);
    const cut = join(cwd, "cut.mcap");
    // Everything but the outcome, which comes after the last chunk.
    writeFileSync(cut, bytes.subarray(0, bytes.indexOf("outcome", bytes.length / 2) - 1));
    const words = await run(["inspect", cut], cwd);
    expect(words.code).toBe(0);
    expect(words.stdout).toContain("unfinished (running, or cut off)");
    const json = lastLine((await run(["inspect", cut, "--json"], cwd)).stdout);
    expect(json).toMatchObject({ complete: false, task: "count", steps: 50 });
    expect(json).not.toHaveProperty("outcome");
  });

  it("says what a package with a loop runs, what its graphs take, and what cannot run here", async () => {
    const folder = join(cwd, "pack");
    const shape = {
      runner: {
        type: "iterative",
        scheduler: "ddim",
        num_train_timesteps: 50,
        num_inference_steps: 5,
        action_dim: DIM,
        horizon: 2,
      },
      artifacts: { encoder: "encoder.onnx", denoise: "denoise.onnx" },
      inputs: [STATE_INPUT],
    };
    const encoder = graph((g) => g.output("cond", g.tanh(g.input("state", "float32", [1, DIM]))));
    const denoise = graph((g) => {
      const { x, t } = stepInputs(g);
      g.output("noise_pred", g.sum(x, t, rows(g, g.input("cond", "float32", [1, DIM]))));
    });
    const files = { "encoder.onnx": encoder, "denoise.onnx": denoise };
    await writePolicyPackage(folder, { manifest: manifestOf(shape), files });
    const words = await run(["inspect", folder], cwd);
    expect(words.code).toBe(0);
    expect(words.stdout).toMatch(/runs +the encoder once, then 5 ddim steps on float32\[1, 2, 3\]/);
    expect(words.stdout).toMatch(/takes +x_t float32\[1, 2, 3\]; timestep float32\[1\]; cond/);
    expect(words.stdout).toMatch(/binding +state from proprio/);

    const manifest = manifestOf({ ...shape, runner: { type: "speculative" } });
    await writePolicyPackage(folder, { manifest, files }, { overwrite: true });
    const other = await run(["inspect", folder, "--json"], cwd);
    expect(other.code).toBe(0);
    expect(lastLine(other.stdout)).toMatchObject({
      kind: "policy_package",
      description: { runnable: false, runner: expect.stringContaining('"speculative"') },
    });
  });

  it("prints the table of a run's results, and reads its folder", async () => {
    for (const path of ["run", join("run", "results.json")]) {
      const { code, stdout } = await run(["inspect", path], cwd);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^count +0\/1 /m);
    }
  });

  it.each([
    ["noise.mcap", "not an MCAP", 1],
    ["noise.onnx", "noise", 1],
    ["noise.json", "not a result", 1],
    ["noise.txt", "must be an .mcap, .onnx", 2],
  ])("refuses %s", async (name, text, code) => {
    writeFileSync(join(cwd, name), text);
    const ended = await run(["inspect", name], cwd);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    expect(ended.stderr).toMatch(/^Cannot .*: .*must/);
    // One line for a person, no stack.
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("efference sim", () => {
  it("lists simulators and the tasks of one", async () => {
    const list = await run(["sim", "list", "--json"], cwd);
    expect(list.code).toBe(0);
    expect(lastLine(list.stdout)).toMatchObject({
      simulators: [
        { name: "tabletop" },
        { name: "libero" },
        { name: "pusht" },
        { name: "detour" },
        { name: "counter" },
      ],
    });
    const one = lastLine((await run(["sim", "list", "counter", "--json"], cwd)).stdout);
    expect(one).toMatchObject({ name: "counter", tasks: [{ name: "count" }, {}] });
    const unknown = await run(["sim", "list", "chess"], cwd);
    expect([unknown.code, unknown.stdout]).toEqual([2, ""]);
    expect(unknown.stderr).toContain("must be one of tabletop, libero, pusht, detour, counter");
  });

  it("leaves when it is interrupted, though nobody ever answered", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const dialled = once(server, "connection");
    const alone = start(["sim", "run", "counter", "--connect", `tcp://127.0.0.1:${port}`], { cwd });
    const [socket] = (await dialled) as [Socket];
    alone.child.kill("SIGTERM");
    expect(await alone.ended).toBe(0);
    socket.destroy();
    server.close();
  });
});

describe("efference doctor", () => {
  it("says what works, as one JSON object", async () => {
    const { code, stdout } = await run(["doctor", "--json"], cwd);
    const { machine, checks } = lastLine(stdout) as {
      machine: string;
      checks: { name: string; status: string; found: string; advice?: string; optional?: true }[];
    };
    expect(machine).toContain(process.platform);
    const named = (name: string): (typeof checks)[number] | undefined =>
      checks.find((check) => check.name === name);
    expect(named("Node")).toMatchObject({ status: "ok", found: process.versions.node });
    expect(named("zeromq")).toMatchObject({
      status: "ok",
      found: packageJson.dependencies.zeromq,
    });
    for (const { status, advice } of checks) if (status !== "ok") expect(advice).toBeTruthy();
    const isBroken = checks.some(({ status, optional }) => status !== "ok" && optional !== true);
    expect(code).toBe(isBroken ? 1 : 0);
  });

  it("with --gpu tries every device and says how to get what is missing", async () => {
    const { stdout } = await run(["doctor", "--gpu", "--json"], cwd);
    const { checks } = lastLine(stdout) as {
      checks: { name: string; status: string; advice?: string }[];
    };
    const names = checks.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["device webgpu", "device cuda"]));
    for (const { status, advice } of checks) if (status !== "ok") expect(advice).toBeTruthy();
    const provider = checks.find(({ name }) => name === "onnxruntime's CUDA provider");
    if (provider?.status === "missing") expect(provider.advice).toContain("onnxruntime-gpu==");
  });
});

describe("efference --version", () => {
  it("is the package's, and comes without loading anything heavy", async () => {
    const version = await loadedBy(["--version"]);
    expect(version.stdout.trim()).toBe(packageJson.version);
    expect(packagesIn(version.loaded)).toEqual(["commander"]);
    // The same list does show a package that is used.
    const simulator = await loadedBy(["sim", "list", "tabletop"]);
    expect(packagesIn(simulator.loaded)).toContain("@mujoco/mujoco");
  });
});

/** Prints the address of every module that is imported to stderr. */
const HOOK = `
  import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    writeSync(2, "loads " + url + "\\n");
    return next(url, context);
  }`;

async function loadedBy(
  args: readonly string[],
): Promise<{ stdout: string; loaded: readonly string[] }> {
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(hook)});`;
  const preload = `data:text/javascript,${encodeURIComponent(register)}`;
  const running = start(["--import", preload, CLI, ...args], { cwd, command: process.execPath });
  expect(await running.ended).toBe(0);
  const loaded = [...running.stderr().matchAll(/^loads (.*)$/gm)].map(([, url]) => url!);
  return { stdout: running.stdout(), loaded };
}

function packagesIn(urls: readonly string[]): string[] {
  const names = urls.flatMap((url) => {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url)?.[1];
    return name === undefined ? [] : [name];
  });
  return [...new Set(names)];
}
