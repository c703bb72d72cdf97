/** The golden numbers of other evaluation loops are what the original's robosuite still makes of the same observations. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PYTHON } from "./sides.ts";

const SCRIPT = fileURLToPath(new URL("../support/conventions_golden.py", import.meta.url));
const GOLDEN = new URL("../unit/package/conventions.golden.json", import.meta.url);

/** Every number of a JSON value, in order. */
function numbersOf(json: unknown): number[] {
  if (typeof json === "number") return [json];
  return typeof json === "object" && json !== null ? Object.values(json).flatMap(numbersOf) : [];
}

it("conventions.golden.json comes out again", () => {
  const output = execFileSync(PYTHON, [SCRIPT], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const made = numbersOf(JSON.parse(output));
  const golden = numbersOf(JSON.parse(readFileSync(GOLDEN, "utf8")));
  expect(made.length).toBeGreaterThan(1000);
  expect(made).toHaveLength(golden.length);
  made.forEach((value, i) => expect(value).toBeCloseTo(golden[i]!, 12));
});
