import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastLine, run, start } from "./cli.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "efference-guarded-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

async function makeKeys(file: string): Promise<string> {
  const { code, stdout } = await run(["keys", file], cwd);
  expect(code).toBe(0);
  return stdout.trim();
}

const COUNT = ["eval", "--policy", "random", "--task", "count_to_four", "--episodes", "2"];

describe("a guarded evaluation", () => {
  it("works with the peer whose key is allowed and with nobody else", async () => {
    const runtimeKey = await makeKeys("runtime.json");
    const friendKey = await makeKeys("friend.json");
    await makeKeys("stranger.json");
    const keys = ["--server-key-file", "runtime.json", "--allow-key", friendKey];
    const listen = ["--listen", "tcp://127.0.0.1:*", "--out", "guarded", "--json"];
    const running = start([...COUNT, ...listen, ...keys], { cwd });
    const [, endpoint] = await running.says(/waiting for simulators at (\S+)/);
    const dial = ["sim", "run", "counter", "--connect", endpoint!];
    const curve = ["--server-key", runtimeKey, "--key-file"];
    const keyless = start(dial, { cwd });
    const stranger = start([...dial, ...curve, "stranger.json", "--retry-s", "5"], { cwd });
    try {
      await running.says(/refused .*its CURVE key is not allowed/);
      // Two peers have tried, and nothing has been dealt to either.
      expect(running.stderr()).not.toContain("[1/2]");
      const friend = start([...dial, ...curve, "friend.json"], { cwd });
      expect(await running.ended).toBe(0);
      expect(await friend.ended).toBe(0);
      expect(lastLine(running.stdout())).toMatchObject({ episodes: 2, crashes: 0 });
      // It cannot even be told; it goes on dialling until it has tried for long enough, as the stranger may.
      expect(keyless.child.exitCode).toBeNull();
      expect(await stranger.ended).toBe(1);
    } finally {
      keyless.child.kill("SIGKILL");
      await keyless.ended;
    }
  });
});

describe("efference keys", () => {
  it("writes a pair that only its owner can read, prints the public half, overwrites nothing", async () => {
    const key = await makeKeys("pair.json");
    const pair = JSON.parse(readFileSync(join(cwd, "pair.json"), "utf8")) as object;
    expect(pair).toMatchObject({ publicKey: key });
    expect(Object.keys(pair)).toEqual(["publicKey", "secretKey"]);
    if (process.platform !== "win32") {
      expect(statSync(join(cwd, "pair.json")).mode & 0o777).toBe(0o600);
    }
    const again = await run(["keys", "pair.json"], cwd);
    expect([again.code, again.stdout]).toEqual([2, ""]);
    expect(again.stderr).toContain("must be a new file");
    expect(JSON.parse(readFileSync(join(cwd, "pair.json"), "utf8"))).toEqual(pair);
  });

  it.each([
    [
      ["eval", "--listen", "tcp://127.0.0.1:*", "--allow-key", "k", "--out", "half"],
      "must be both",
    ],
    [
      ["eval", "--listen", "tcp://127.0.0.1:*", "--server-key-file", "k", "--out", "half"],
      "must be both",
    ],
    [
      ["sim", "run", "counter", "--connect", "tcp://127.0.0.1:1", "--server-key", "k"],
      "must be both",
    ],
    [
      ["sim", "run", "counter", "--connect", "tcp://127.0.0.1:1"].concat([
        "--server-key",
        "k".repeat(40),
        "--key-file",
        "absent.json",
      ]),
      "must be JSON with publicKey and secretKey",
    ],
  ])("%j is refused: half a guard is none", async (args, words) => {
    const ended = await run(args, cwd);
    expect([ended.code, ended.stdout]).toEqual([2, ""]);
    expect(ended.stderr).toContain(words);
  });
});
