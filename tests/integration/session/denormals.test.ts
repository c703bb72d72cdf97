import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const CHILD = fileURLToPath(new URL("../../support/denormals-child.mjs", import.meta.url));

function sessions(...words: string[]): unknown[] {
  const lines = execFileSync(process.execPath, [CHILD, ...words], { encoding: "utf8" });
  return lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

const kept = { denormalsAsZero: false, zeros: 0 };
const flushed = { denormalsAsZero: true, zeros: 1 };

/** The engine sets the mode once per process: what a session says must be what its graph does. */
// The engine knows the mode of x86 processors alone.
describe.skipIf(process.arch !== "x64")("denormal numbers count as 0", () => {
  it.each<[string, string[], unknown[]]>([
    ["not unless asked for", ["plain", "plain:thread"], [kept, kept]],
    [
      "in the first session and in its thread from then on",
      ["flushing", "plain"],
      [flushed, flushed],
    ],
    ["in a thread of its own, and there alone", ["flushing:thread", "plain"], [flushed, kept]],
    ["not in a later session of the same thread", ["plain", "flushing"], [kept, kept]],
    ["not in a later session of another thread", ["plain", "flushing:thread"], [kept, kept]],
    // Mixed, it would be the engine's helper threads against the one that calls it.
    ["in all threads of a session or in none", ["plain", "flushing:2"], [kept, kept]],
    ["in all threads of a session", ["flushing:2", "plain:2"], [flushed, flushed]],
    ["in all threads of a session with its own", ["plain", "flushing:thread:2"], [kept, kept]],
  ])("%s", (_, words, wanted) => {
    expect(sessions(...words)).toEqual(wanted);
  });
});
