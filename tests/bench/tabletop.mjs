/**
 * How fast the tabletop runs: control steps per second (20 to a simulated second, 25 substeps of the
 * physics each) without pictures and with two of 128 x 128, in one process and in two, against the
 * bare engine on the same scenes.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const TASKS = ["lift_red_cube", "put_red_cube_in_bottom_drawer", "stack_three_cubes"];
const BLOCKS = 40;

/** Runs one job in each of `workers` processes at once. */
async function inProcesses(workers, job) {
  const path = fileURLToPath(new URL("./_tabletop-worker.mjs", import.meta.url));
  const children = Array.from({ length: workers }, () => fork(path));
  try {
    await Promise.all(children.map((child) => once(child, "message")));
    const answers = children.map((child) => once(child, "message"));
    for (const child of children) child.send(job);
    return (await Promise.all(answers)).map(([{ times }]) => times);
  } finally {
    for (const child of children) child.kill();
  }
}

/** Control steps per second by the median block. */
function rate(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return 1000 / sorted[Math.floor(sorted.length / 2)];
}

async function run(print) {
  const columns = ["task", "engine", "no images", "of engine", "two 128 px", "2 processes"];
  print(columns.map((name, i) => (i === 0 ? name.padEnd(34) : name.padStart(12))).join(""));
  for (const task of TASKS) {
    const kinds = ["engine", "none", "images"];
    const [alone] = await inProcesses(1, { task, kinds, blocks: BLOCKS });
    const [engine, none, images] = alone.map(rate);
    const pair = await inProcesses(2, { task, kinds: ["images"], blocks: BLOCKS });
    const both = pair.reduce((sum, [times]) => sum + rate(times), 0);
    const cells = [engine, none, none / engine, images, both].map((value, i) =>
      (i === 2 ? `${(100 * value).toFixed(0)} %` : value.toFixed(0)).padStart(12),
    );
    print(`${task.padEnd(34)}${cells.join("")}`);
  }
  print(
    "control steps per second by the median block of 10 (real time is 20); engine = bare mj_step",
  );
}

export default { name: "tabletop", title: "tabletop: control steps per second", run };
