/** Demonstrations recorded here, as LIBERO's own programs read them. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { ASSETS, DATA, PYTHON } from "./sides.ts";

const run = promisify(execFile);
const CLI = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const SCRIPT = fileURLToPath(new URL("demonstrations.py", import.meta.url));
const TASK = "object/0";
const NAME = "pick_up_the_alphabet_soup_and_place_it_in_the_basket";
const folder = mkdtempSync(join(tmpdir(), "efference-demonstrations-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("LIBERO reads what is recorded as hdf5, and its environment takes the states", async () => {
  const args = ["record", "--sim", "libero", "--task", TASK, "--episodes", "2"];
  const out = join(folder, "run");
  await run(process.execPath, [CLI, ...args, "--format", "hdf5", "--out", out, "--json"]);
  const file = join(out, "hdf5", "libero_object", `${NAME}_demo.hdf5`);
  const bddl = join(DATA.place, "tasks", "object", NAME, "task.bddl");
  const { stdout } = await run(PYTHON, [SCRIPT, file, TASK, bddl, ...ASSETS]);
  const report = JSON.parse(stdout.trim().split("\n").at(-1)!) as {
    words: string;
    lengths: number[];
    shapes: Record<string, number[]>;
    env_args: string[];
    problem_info: unknown;
    original_info: unknown;
    errors: Record<string, number>;
  };
  expect(report.words).toContain("total trajectories: 2");
  const [length, second] = report.lengths;
  expect(report.words).toContain(`total transitions: ${length! + second!}`);
  expect(report.shapes).toEqual({
    gripper_states: [length, 2],
    joint_states: [length, 7],
    ee_states: [length, 6],
    ee_pos: [length, 3],
    ee_ori: [length, 3],
  });
  expect(report.env_args).toEqual(["bddl_file", "env_kwargs", "env_name", "problem_name", "type"]);
  expect(report.problem_info).toEqual(report.original_info);
  expect(report.errors["state"]).toBe(0);
  // Observations lag states by one substep and are sampled one before: 4 ms of motion at most.
  expect(report.errors["ee_pos"]).toBeLessThan(5e-3);
  expect(report.errors["joint_states"]).toBeLessThan(2e-2);
  expect(report.errors["gripper_states"]).toBeLessThan(2e-3);
});
