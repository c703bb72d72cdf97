import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("write-forever.mjs", import.meta.url));

it("writeWhole() leaves the old file or the new one wherever it is killed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "efference-killed-"));
  const path = join(folder, "whole");
  try {
    for (const afterMs of [0, 1, 2, 3, 5, 8, 13, 21]) {
      const child = spawn(process.execPath, [SCRIPT, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exited = once(child, "exit");
      await once(child.stdout, "data");
      await sleep(afterMs);
      child.kill("SIGKILL");
      await exited;
      const text = await readFile(path, "utf8");
      expect(text.length).toBe(1 << 20);
      expect(new Set(text).size).toBe(1);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
