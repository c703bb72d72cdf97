/**
 * Control in real time at the tabletop's 20 Hz: an energy policy that sees both cameras (128 px) drives the arm of a
 * simulator in a process of its own, connected by ipc. A step's action is due when the step begins, 50 ms after the one
 * before; until then the simulator has to act and draw, pictures have to come over the bridge, and at every eighth step
 * the policy has to decide, or to have decided while it moved ("ahead": 4 steps of time). Weights are untrained: they cost the same, but a descent does not come to rest, so that
 * "until still" takes all of its steps.
 *
 *     npm run bench -- control [small-2 | small-still-ahead ...] [--json]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { superviseSimulators } from "../../dist/src/cli/supervise.js";
import { actionDim, realTime } from "../../dist/src/core/index.js";
import { percentiles } from "../../dist/src/math/index.js";
import { loadPolicy } from "../../dist/src/package/index.js";
import { brokered, holding, overlapped, rollout } from "../../dist/src/rollout/index.js";
import { connectSim } from "../../dist/sim-bridge/index.js";
import { createTabletop } from "../../dist/sim-bridge/sims/tabletop/index.js";
import { writeUntrainedEnergy } from "./_untrained.mjs";

const TASK = "lift_red_cube";
const EXECUTE_HORIZON = 8;
/** Steps that are measured at a time, and those before that are not. */
const [STEPS, WARM_UP] = [200, 3 * EXECUTE_HORIZON];
const TURNS = 3;

/** A normalised action of untrained weights may be of any size. */
const LIMIT = 1e9;
const CASES = {
  "small-2": {
    what: "small, 2 steps",
    policy: { preset: "small", infer: { steps: 2, limit: LIMIT } },
  },
  "small-still": {
    what: "small, until still, at most 20",
    policy: { preset: "small", infer: { limit: LIMIT } },
  },
  "small-still-ahead": {
    what: "small, until still, 4 rows ahead",
    policy: { preset: "small", infer: { limit: LIMIT } },
    ahead: 4,
  },
  "paper-2": {
    what: "paper, 2 steps",
    policy: { preset: "paper", infer: { steps: 2, limit: LIMIT } },
  },
  "paper-2-ahead": {
    what: "paper, 2 steps, 4 rows ahead",
    policy: { preset: "paper", infer: { steps: 2, limit: LIMIT } },
    ahead: 4,
  },
};
const FLOOR = "floor";

const WIDTHS = [7, 11, 24, 22, 24, 26, 15, 10];
const LEGEND = [
  "step: from an action that left until the next was ready: simulator, pictures, decision; of floor: its p99",
  "late: after it was due (negative: before), with what earlier steps left behind; missed: later than 0",
];

async function openSimulator(folder) {
  let supervisor;
  return connectSim(`ipc://${join(folder, "tabletop")}`, {
    onListening: (endpoint) => {
      supervisor = superviseSimulators({ simulator: "tabletop", endpoint, workers: 1 });
    },
    onClose: () => supervisor?.close(),
  });
}

/** Sees the same as another policy and stands still. */
function idle({ spec }) {
  const width = actionDim(spec.action);
  const horizon = spec.predictHorizon;
  const chunk = { data: new Float32Array(horizon * width), horizon, actionDim: width };
  return {
    spec: { ...spec, name: "idle" },
    reset: () => Promise.resolve(),
    decide: () => Promise.resolve({ chunk, thoughts: [], timing: { totalMs: 0 } }),
  };
}

/** Real time that notes when a step's action was ready, was due and left, ns. */
function watched(notes) {
  const clock = realTime();
  return {
    ...clock,
    async waitUntil(dueNs) {
      const readyNs = clock.nowNs();
      await clock.waitUntil(dueNs);
      notes.push({ dueNs, readyNs, leftNs: clock.nowNs() });
    },
  };
}

/** Notes how long decisions take and what the processor does meanwhile, ms, all threads of this process together. */
function timed(policy, side) {
  return {
    ...policy,
    spec: policy.spec,
    reset: (start) => policy.reset(start),
    async decide(observation) {
      const [began, before] = [performance.now(), process.cpuUsage()];
      const decision = await policy.decide(observation);
      const { user, system } = process.cpuUsage(before);
      if (observation.step >= WARM_UP) {
        side.decisionMs.push(performance.now() - began);
        side.cpuMs.push((user + system) / 1000);
      }
      return decision;
    },
    close: () => policy.close?.(),
  };
}

/** Looks at both pictures of every step, as a recorder does; counts the steps that had them, and steps of descents. */
function onlooker(cameras) {
  const seen = { pictures: 0, descents: [] };
  return {
    seen,
    name: "onlooker",
    wants: { images: "all", imagesAt: "every" },
    onStep({ observation: { images } }) {
      if (Object.keys(images).length === cameras) seen.pictures++;
    },
    onDecision(_step, _stampNs, { thoughts }) {
      seen.descents.push(thoughts.find(({ tag }) => tag === "steps")?.value ?? 0);
    },
  };
}

const sinceMs = (fromNs, toNs) => Number(toNs - fromNs) / 1e6;

/** One episode; adds what it measured to `side`. */
async function takeTurn(env, side, turn) {
  const notes = [];
  const look = onlooker(env.spec.observation.images.length);
  const { steps } = await rollout(side.controller, env, {
    task: TASK,
    initialState: turn,
    maxSteps: WARM_UP + STEPS,
    clock: watched(notes),
    listeners: [look],
  });
  if (look.seen.pictures !== steps) {
    throw new RangeError(
      `Cannot measure: ${look.seen.pictures} of ${steps} steps came with pictures, must be all`,
    );
  }
  for (let i = WARM_UP; i < notes.length; i++) {
    const { dueNs, readyNs } = notes[i];
    side.stepMs.push(sinceMs(notes[i - 1].leftNs, readyNs));
    side.lateMs.push(sinceMs(dueNs, readyNs));
  }
  side.descents.push(...look.seen.descents.slice(WARM_UP / EXECUTE_HORIZON));
}

function sideOf(name, { what, policy, ahead }) {
  const measured = { stepMs: [], lateMs: [], decisionMs: [], cpuMs: [], descents: [] };
  const asked = timed(policy, measured);
  const rows = { executeHorizon: EXECUTE_HORIZON };
  const controller = holding(
    ahead === undefined ? brokered(asked, rows) : overlapped(asked, { ...rows, ahead }),
  );
  return { name, what, controller, ...measured };
}

async function tabletopSpec() {
  const env = await createTabletop();
  await env.close();
  return env.spec;
}

/** Before the simulator is there: making packages takes seconds in which nobody answers it. */
async function openSides(folder, cases) {
  const spec = await tabletopSpec();
  const sides = [];
  for (const name of cases) {
    const { what, policy, ahead } = CASES[name];
    const parameters = await writeUntrainedEnergy(join(folder, name), { spec, policy });
    const millions = `${(parameters / 1e6).toFixed(1)} M`;
    const loaded = await loadPolicy(join(folder, name));
    sides.push(sideOf(name, { what: `${what}, ${millions}`, policy: loaded, ahead }));
  }
  const floor = { what: "decides nothing", policy: idle(sides[0].controller) };
  return [sideOf(FLOOR, floor), ...sides];
}

function spread(values) {
  const [p10, p50, p99, max] = percentiles(values, [0.1, 0.5, 0.99, 1]);
  return { p10, p50, p99, max };
}

function rowOf({ name, what, stepMs, lateMs, decisionMs, cpuMs, descents }) {
  const missed = lateMs.filter((ms) => ms > 0).length;
  return {
    name,
    what,
    steps: lateMs.length,
    decisions: decisionMs.length,
    ...(name === FLOOR ? {} : { descentSteps: spread(descents) }),
    decisionMs: spread(decisionMs),
    decisionCpuMs: spread(cpuMs),
    stepMs: spread(stepMs),
    lateMs: spread(lateMs),
    missed,
    missedShare: missed / lateMs.length,
  };
}

const cellOf = ({ p10, p50, p99 }) => [p10, p50, p99].map((ms) => ms.toFixed(1)).join(" / ");

const COLUMNS = [
  ["steps", ({ steps }) => `${steps}`],
  ["decisions", ({ decisions }) => `${decisions}`],
  ["decision", ({ decisionMs }) => cellOf(decisionMs)],
  ["its processor", ({ decisionCpuMs }) => cellOf(decisionCpuMs)],
  ["step", ({ stepMs }) => cellOf(stepMs)],
  ["late", ({ lateMs }) => cellOf(lateMs)],
  ["missed", ({ missed, missedShare }) => `${missed} (${(100 * missedShare).toFixed(1)} %)`],
  ["of floor", ({ ratio }) => ratio?.toFixed(2) ?? "-"],
];

function printTable(print, rows) {
  const line = (what, cells) =>
    what.padEnd(38) + cells.map((cell, i) => cell.padStart(WIDTHS[i])).join("");
  const names = COLUMNS.map(([name]) => name);
  print(line("p10 / p50 / p99 in ms", names));
  for (const row of rows) {
    const cells = COLUMNS.map(([, cell]) => cell(row));
    print(line(row.what, cells));
  }
}

async function run(print, { cases = Object.keys(CASES) } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "efference-bench-control-"));
  const sides = await openSides(folder, cases);
  const env = await openSimulator(folder);
  try {
    // In turns, so that whatever else the machine does hits all alike.
    for (let turn = 0; turn < TURNS; turn++) {
      for (const side of sides) await takeTurn(env, side, turn);
    }
  } finally {
    for (const { controller } of sides) await controller.close?.();
    await env.close();
    await rm(folder, { recursive: true, force: true });
  }
  const [floor, ...rows] = sides.map(rowOf);
  const all = [floor, ...rows.map((row) => ({ ...row, ratio: row.stepMs.p99 / floor.stepMs.p99 }))];
  printTable(print, all);
  const periodMs = 1000 / env.spec.controlFreqHz;
  const load = loadavg().map((value) => Number(value.toFixed(2)));
  const cores = availableParallelism();
  for (const text of LEGEND) print(text);
  print(
    `goal: a step's p99 below ${periodMs} ms, so that late p99 is below 0 and at most 1 % is missed`,
  );
  print(`load ${load.join(" ")} on ${cores} cores`);
  if (floor.lateMs.p99 > 0) {
    print("the floor misses the goal, too: this machine has too little time left for any policy");
  }
  return { rows: all, load, cores };
}

export default {
  name: "control",
  title: "control at 20 Hz with two cameras: decisions and missed deadlines of energy policies",
  cases: Object.keys(CASES),
  run,
};
