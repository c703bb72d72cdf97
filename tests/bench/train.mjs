/**
 * Training steps against PyTorch on the CPU: the same model (`tests/support/models` and its twins), batch,
 * optimiser and number of threads, in turns. PyTorch is the better of eager and `torch.compile`, where it can
 * compile (not second derivatives). Ratios are ours / PyTorch's: below 1 = ours is faster or smaller.
 *
 *     npm run bench -- train [gpt | energy-truncated | energy-full | act ...] [--json]
 */
import * as models from "../support/models/index.mjs";
import { bestPeer, compare, ms, printRow } from "./_compare.mjs";

const gib = (mib) => `${(mib / 1024).toFixed(2)} GiB`;

/** Rows of one comparison: time, memory, opening. */
function rowsOf({ ours, peers }, { title, threads, goal, limits = {} }) {
  const peer = bestPeer(peers);
  const ratio = (of) => (peer === undefined ? undefined : of(ours) / of(peer));
  const [byMedian, byMinimum] = [ratio((side) => side.medianMs), ratio((side) => side.minMs)];
  const byMemory = ratio((side) => side.peakMib);
  return [
    {
      what: `${title}, ${threads} thread${threads > 1 ? "s" : ""}`,
      ours: ms(ours),
      peer: peer === undefined ? "-" : `PyTorch ${peer.label} ${ms(peer)}`,
      ratio: peer === undefined ? "-" : `${byMedian.toFixed(2)} (${byMinimum.toFixed(2)})`,
      goal,
      numbers: { ours, peers },
    },
    {
      what: "  memory, peak of the process",
      ours: gib(ours.peakMib),
      peer: peer === undefined ? "-" : `PyTorch ${gib(peer.peakMib)}`,
      ratio: byMemory === undefined ? "-" : byMemory.toFixed(2),
      goal: limits.memory ?? "1.2",
    },
    {
      what: "  opening the sessions",
      ours: `${(ours.ready.openMs / 1000).toFixed(2)} s`,
      peer: "-",
      ratio: "-",
      goal: limits.open ?? "-",
    },
  ];
}

/** The same model with one thread and with two. */
function trainingCase(comparison) {
  return async (print) => {
    const all = [];
    for (const threads of [1, 2]) {
      const result = await compare({ ...comparison, threads });
      const rows = rowsOf(result, { ...comparison, threads });
      for (const row of rows) printRow(print, row);
      for (const note of result.notes) print(`  ${note}`);
      all.push(...rows.map((row) => ({ case: comparison.name, threads, ...row })));
    }
    return all;
  };
}

const COMPARISONS = [
  {
    name: "gpt",
    title: "GPT 3.44 M, batch 16 x 64",
    config: models.GPT,
    compile: true,
    goal: "1.0",
  },
  {
    name: "energy-truncated",
    title: "energy 5.4 M, batch 64, 6 steps, the last",
    config: models.ENERGY,
    compile: false,
    goal: "0.85",
    limits: { memory: "1.6 GB", open: "2 s" },
  },
  {
    name: "energy-full",
    title: "energy 5.4 M, batch 64, through 6 steps",
    config: models.ENERGY,
    compile: false,
    goal: "1.0",
    limits: { memory: "2.5 GB", open: "3 s" },
  },
  {
    name: "act",
    title: "ACT 34 M, ResNet-18, batch 8, 128 px",
    config: models.ACT,
    compile: true,
    goal: "1.0",
  },
];
const CASES = Object.fromEntries(COMPARISONS.map((each) => [each.name, trainingCase(each)]));

export default {
  title: "training steps, median (minimum); ratio ours / PyTorch's, below 1 = ours is better",
  cases: Object.keys(CASES),
  async run(print, { cases = Object.keys(CASES) } = {}) {
    printRow(print, { what: "case", ours: "ours", peer: "peer", ratio: "ratio", goal: "goal" });
    const rows = [];
    for (const name of cases) rows.push(...(await CASES[name](print)));
    return rows;
  },
};
