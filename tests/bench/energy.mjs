/**
 * One decision of the energy policy and of diffusion policies with the same networks, at batch 1: here as a package
 * runs, against the same in PyTorch on the same number of threads. Rows: what | ours | peer | our time / peer's | goal.
 *
 *     npm run bench -- energy [energy-2 | energy-20 | flow-4 | ddim-10 | ddpm-100 ...] [--json]
 */
import * as models from "../support/models/index.mjs";
import { bestPeer, compare, compareOwn, ms, printRow } from "./_compare.mjs";

const THREADS = 1;
const GOAL = "0.45";
/** Milliseconds of a decision in two steps, on one core. */
const LATENCY_GOAL_MS = 15;
/** By which two steps down an energy are to be quicker than a hundred of denoising. */
const SPEED_UP_GOAL = 20;

const [FEW, MANY] = ["energy-2", "ddpm-100"];
/** The same kinds with other numbers of steps: what one more costs. */
const [MORE, FEWER] = ["energy-20", "ddim-10"];

const NAMES = models.CHUNK_POLICY_CASES.map(({ name }) => name);
const STEPS = Object.fromEntries(models.CHUNK_POLICY_CASES.map(({ name, steps }) => [name, steps]));

async function measure(print, { name, kind, steps }) {
  const config = { ...models.CHUNK_POLICY, kind, steps };
  // Compiling takes PyTorch minutes; where it pays most, in the networks of many steps, it is tried.
  const compile = kind === "flow";
  const { ours, peers, notes } = await compare({ name, config, threads: THREADS, compile });
  const peer = bestPeer(peers);
  printRow(print, {
    what: `${name}, 8.6 M, state, ${THREADS} thread`,
    ours: ms(ours),
    peer: peer === undefined ? "-" : `PyTorch ${peer.label} ${ms(peer)}`,
    ratio: peer === undefined ? "-" : (ours.medianMs / peer.medianMs).toFixed(2),
    goal: GOAL,
  });
  for (const note of notes) print(`  ${note}`);
  return { name, oursMs: ours.medianMs, ...(peer === undefined ? {} : { torchMs: peer.medianMs }) };
}

/** Networks, by the prefix of their cases; the second one has a quarter of the blocks of the first. */
const NETWORKS = { paper: "", "paper, 2 blocks": "short-", small: "small-" };

/**
 * Of a network, in turns: two steps against a hundred of denoising, and what a step costs in forward passes, by the
 * differences of more and fewer, so that what is done once for a decision does not count.
 */
async function speedUp(print, network, threads) {
  const cases = [FEW, MANY, MORE, FEWER];
  const named = (name) => `${NETWORKS[network]}${name}`;
  const sides = await compareOwn(cases.map(named), threads);
  const [few, many] = sides;
  const times = many.medianMs / few.medianMs;
  const msOf = Object.fromEntries(cases.map((name, i) => [name, sides[i].medianMs]));
  const oneMore = (more, fewer) => (msOf[more] - msOf[fewer]) / (STEPS[more] - STEPS[fewer]);
  const passes = oneMore(MORE, FEW) / oneMore(MANY, FEWER);
  print(
    `2 steps of energy against 100 of DDPM, ${network}, in turns, ${threads} thread(s): ` +
      `${times.toFixed(1)} x (${ms(few)}, ${ms(many)}), goal ${SPEED_UP_GOAL} x; ` +
      `a step costs ${passes.toFixed(2)} forward passes`,
  );
  return { name: [FEW, MANY].map(named).join(" against "), threads, times, passes };
}

export default {
  name: "energy",
  title: "making a chunk: energy, flow and diffusion against PyTorch (our time / its time)",
  cases: NAMES,
  async run(print, { cases = NAMES } = {}) {
    printRow(print, { what: "case", ours: "ours", peer: "peer", ratio: "ratio", goal: "goal" });
    const rows = [];
    for (const one of models.CHUNK_POLICY_CASES) {
      if (cases.includes(one.name)) rows.push(await measure(print, one));
    }
    const two = rows.find(({ name }) => name === FEW)?.oursMs;
    if (two !== undefined) {
      print(`a decision in 2 steps: ${two.toFixed(1)} ms, goal below ${LATENCY_GOAL_MS} ms`);
    }
    if (![FEW, MANY].every((name) => cases.includes(name))) return rows;
    for (const network of Object.keys(NETWORKS)) {
      for (const threads of [1, 2]) rows.push(await speedUp(print, network, threads));
    }
    return rows;
  },
};
