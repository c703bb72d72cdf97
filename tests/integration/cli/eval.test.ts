import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileSource, openEpisode } from "../../../src/episode/node.ts";
import { findPython } from "../python/python-peer.ts";
import { essence, lastLine, resultsIn, run, start } from "./cli.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "efference-eval-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const PRESS = ["eval", "--sim", "tabletop", "--task", "press_button", "--policy", "scripted"];
const python = await findPython();

describe("efference eval", () => {
  it("starts simulators, ends with one JSON object, and does not depend on their number", async () => {
    const two = await run(
      [...PRESS, "--suite", "goal", "--episodes", "2", "--workers", "2", "--json", "--out", "two"],
      cwd,
    );
    expect(two.code).toBe(0);
    const json = lastLine(two.stdout);
    expect(json).toMatchObject({ episodes: 2, successes: 2, crashes: 0, successRate: 1 });
    expect(json["interval"]).toHaveLength(2);
    expect(json["tasks"]).toMatchObject([{ task: "press_button", episodes: 2 }]);
    expect(two.stdout.trim().split("\n")).toHaveLength(1);
    expect(two.stderr).toContain("[2/2] press_button");
    const one = await run([...PRESS, "--episodes", "2", "--workers", "1", "--out", "one"], cwd);
    expect(one.code).toBe(0);
    expect(essence(resultsIn(join(cwd, "one")))).toEqual(essence(resultsIn(join(cwd, "two"))));
    expect(one.stdout).toContain("press_button");
  });

  it("evaluates whatever simulators dial in and writes one readable file per episode", async () => {
    const args = ["eval", "--listen", "tcp://127.0.0.1:*", "--policy", "random", "--episodes", "3"];
    const running = start([...args, "--record", "mcap", "--out", "listen", "--json"], { cwd });
    const [, endpoint] = await running.says(/waiting for simulators at (\S+)/);
    const peers = [0, 1].map(() =>
      start(["sim", "run", "counter", "--connect", endpoint!], { cwd }),
    );
    expect(await running.ended).toBe(0);
    for (const peer of peers) expect(await peer.ended).toBe(0);
    const files = readdirSync(join(cwd, "mcap"));
    expect(files).toHaveLength(Number(lastLine(running.stdout())["episodes"]));
    for (const file of files) {
      const source = fileSource(join(cwd, "mcap", file));
      const episode = await openEpisode(source);
      expect(episode.complete).toBe(true);
      expect(episode.outcome).toBeDefined();
      expect(episode.steps.length).toBeGreaterThan(1);
      await source.close();
    }
  });

  it("refuses a simulator of another kind with the difference in words, and goes on", async () => {
    const args = [
      "eval",
      "--listen",
      "tcp://127.0.0.1:*",
      "--policy",
      "scripted",
      "--task",
      "press_button",
    ];
    const running = start([...args, "--episodes", "6", "--out", "mixed", "--json"], { cwd });
    const [, endpoint] = await running.says(/waiting for simulators at (\S+)/);
    const arm = start(["sim", "run", "tabletop", "--connect", endpoint!], { cwd });
    await running.says(/\[1\/6\]/);
    const other = start(["sim", "run", "counter", "--connect", endpoint!], { cwd });
    expect(await other.ended).toBe(1);
    expect(running.stderr() + other.stderr()).toMatch(
      /action component "delta_position" is absent/,
    );
    expect(await running.ended).toBe(0);
    expect(await arm.ended).toBe(0);
    expect(lastLine(running.stdout())).toMatchObject({ episodes: 6, successes: 6, crashes: 0 });
  });

  it.skipIf(python.python === undefined)(
    `evaluates a Gymnasium environment ${python.unavailable ?? "that nobody here wrote"}`,
    async () => {
      const args = [
        "eval",
        "--listen",
        "tcp://127.0.0.1:*",
        "--policy",
        "random",
        "--episodes",
        "6",
      ];
      const running = start([...args, "--record", "gym", "--out", "gym-run", "--json"], { cwd });
      const [, endpoint] = await running.says(/waiting for simulators at (\S+)/);
      const peer = start(
        ["-m", "efference_sim", "gymnasium", "CartPole-v1", "--connect", endpoint!],
        { cwd, command: python.python! },
      );
      expect(await running.ended).toBe(0);
      expect(await peer.ended).toBe(0);
      expect(lastLine(running.stdout())).toMatchObject({
        episodes: 6,
        crashes: 0,
        successReported: false,
      });
      expect(readdirSync(join(cwd, "gym"))).toHaveLength(6);
    },
  );
});

describe("bad usage", () => {
  it.each([
    [["eval"], 2, "exactly one of --sim NAME"],
    [["eval", "--sim", "chess"], 2, "must be one of tabletop, libero, pusht, detour, counter"],
    [["eval", "--sim", "counter", "--episodes", "0"], 2, "integer of 1 or more"],
    [["eval", "--sim", "tabletop", "--suite", "nope", "--out", "u1"], 2, 'suite "nope"'],
    [["eval", "--sim", "tabletop", "--task", "nope", "--out", "u2"], 2, 'task "nope"'],
    [["eval", "--sim", "counter", "--policy", "nope", "--out", "u3"], 2, 'policy "nope"'],
    [["eval", "--sim", "counter", "--step-timeout", "0"], 2, "a number above 0"],
    [["eval", "--listen", "chess", "--policy", "random", "--out", "u5"], 2, "must be tcp://"],
    [["eval", "--sim", "counter", "--policy", "scripted", "--out", "u6"], 1, "must be absent"],
    [["eval", "--sim", "counter", "--listen", "tcp://127.0.0.1:*"], 2, "exactly one of"],
    [["eval", "--resume", "nowhere"], 2, "of an earlier run"],
    [["eval", "--listen", "tcp://0.0.0.0:5999", "--policy", "random", "--out", "u4"], 2, "CURVE"],
    [["view", "nowhere"], 2, "must be a folder"],
    [["inspect", "nowhere"], 2, "must be a file or a folder"],
    [["fly"], 2, "unknown command"],
  ] as const)("%j ends with %i and says what must be", async (args, code, words) => {
    const ended = await run(args, cwd);
    expect(ended.stderr).toContain(words);
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe("");
    for (const folder of args.filter((_, i) => args[i - 1] === "--out")) {
      expect(existsSync(join(cwd, folder))).toBe(false);
    }
  });

  it("refuses to write over a run that is there", async () => {
    const args = [
      "eval",
      "--sim",
      "counter",
      "--policy",
      "random",
      "--episodes",
      "1",
      "--out",
      "once",
    ];
    expect((await run(args, cwd)).code).toBe(0);
    const again = await run(args, cwd);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("must be a new folder");
  });
});

describe("efference --help", () => {
  it("has examples for every command", async () => {
    const help = await run(["--help"], cwd);
    expect(help.code).toBe(0);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
    expect(commands).toEqual(expect.arrayContaining(["demo", "eval", "view", "inspect", "doctor"]));
    for (const command of commands.filter((name) => !["help", "sim", "libero"].includes(name))) {
      const { code, stdout } = await run([command, "--help"], cwd);
      expect(code).toBe(0);
      expect(stdout).toContain("Examples:");
    }
  });
});
