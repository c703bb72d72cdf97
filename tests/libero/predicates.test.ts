/** Every goal of LIBERO is true and false exactly where the original says so. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseBddl } from "../../sim-bridge/sims/manipulation/bddl.ts";
import { Physics } from "../../sim-bridge/sims/manipulation/mujoco.ts";
import { withBoxes } from "../../sim-bridge/sims/manipulation/thing-boxes.ts";
import { compileGoal } from "../../sim-bridge/sims/manipulation/predicates.ts";
import { readFloat64 } from "../support/libero-files.ts";
import { ASSETS, PYTHON, TASKS, ourWorld, sample } from "./sides.ts";

const STATES = 200;
const SCRIPT = fileURLToPath(new URL("predicates.py", import.meta.url));
/** All 26th and those with a predicate that few goals have. */
const tasks = [
  ...new Set([...sample(TASKS, 26), ...TASKS.filter((task) => /turn_off/.test(task))]),
];

describe("goals", () => {
  const folder = mkdtempSync(join(tmpdir(), "efference-predicates-"));
  /** How often each predicate was true and false, over all tasks. */
  const seen: Record<string, [no: number, yes: number]> = {};

  beforeAll(async () => {
    const where = ["--states", String(STATES), "--out", folder];
    await promisify(execFile)(PYTHON, [SCRIPT, ...tasks, ...where, ...ASSETS]);
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(tasks)("of %s", async (task) => {
    const world = await ourWorld([task]);
    const scene = world.buildScene(task);
    const { goal: atoms } = parseBddl(scene.bddl);
    using physics = await Physics.compile(scene.xml, scene.files);
    const goal = compileGoal(atoms, withBoxes(physics, scene), physics);
    const name = task.replace("/", "__");
    const positions = readFloat64(join(folder, `${name}.qpos`));
    const truths = readFileSync(join(folder, `${name}.true`));
    expect(positions).toHaveLength(STATES * physics.nq);
    expect(truths).toHaveLength(STATES * atoms.length);
    for (let state = 0; state < STATES; state++) {
      physics.reset();
      physics.views.qpos.set(positions.subarray(state * physics.nq, (state + 1) * physics.nq));
      physics.forward();
      const theirs = [...truths.subarray(state * atoms.length, (state + 1) * atoms.length)];
      expect(goal.evaluate().map(Number), `state ${state}`).toEqual(theirs);
      theirs.forEach((truth, i) => ((seen[atoms[i]![0]] ??= [0, 0])[truth as 0 | 1] += 1));
    }
  });

  it("were true and false often enough to tell", () => {
    expect(Object.keys(seen).sort()).toEqual(["close", "in", "on", "open", "turnoff", "turnon"]);
    for (const [name, counts] of Object.entries(seen)) {
      expect(Math.min(...counts), `${name}: ${counts.join(" false, ")} true`).toBeGreaterThan(20);
    }
  });
});
