/** Runs a model here and in PyTorch in turns, each in a process of its own, for a bounded time. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findTorch } from "../support/torch-venv.mjs";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const OURS = file("_model-worker.mjs");
const THEIRS = file("torch/models.py");
/** Compiled code of `torch.compile`, which takes a minute to make. */
const COMPILED = file("../../.cache/torch-inductor");

const READY_MS = 60_000;
const COMPILE_MS = 150_000;
/** Of the rounds of one case, all sides together. */
const BUDGET_MS = 12_000;
/** What one side does at a time. */
const TURN_MS = 700;
const [FEWEST_ROUNDS, MOST_ROUNDS] = [3, 12];
/** Steps that take longer are warm after one. */
const SLOW_MS = 3000;

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A process that answers every line with a line of JSON. */
async function openSide(label, { command, args, readyMs, env = {} }) {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let complaint = "";
  child.stderr.on("data", (chunk) => (complaint = (complaint + chunk).slice(-1000)));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const close = async () => {
    child.stdin.end();
    // What is still at work would disturb the next case.
    const kill = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(kill);
  };
  const answer = async (ms) => {
    const { value, done } = await within(lines.next(), ms, label);
    if (done) throw new Error(`${label} ended: ${complaint.trim().split("\n").at(-1)}`);
    return JSON.parse(value);
  };
  try {
    const ready = await answer(readyMs);
    const run = (steps) => {
      child.stdin.write(`${steps}\n`);
      return answer(READY_MS);
    };
    return { label, ready, run, close, times: [], peakMib: 0 };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

async function openSides({ name, threads, config, compile }, notes) {
  const ours = { command: process.execPath, args: [OURS, name, `${threads}`], readyMs: READY_MS };
  const sides = [await openSide("ours", ours)];
  const { python, unavailable } = findTorch();
  if (python === undefined) {
    notes.push(unavailable);
    return sides;
  }
  for (const mode of compile ? ["eager", "compile"] : ["eager"]) {
    const args = [THEIRS, name, `${threads}`, mode, JSON.stringify(config)];
    const env = { TORCHINDUCTOR_CACHE_DIR: COMPILED };
    const readyMs = mode === "compile" ? COMPILE_MS : READY_MS;
    try {
      sides.push(await openSide(mode, { command: python, args, readyMs, env }));
    } catch (error) {
      notes.push(`PyTorch ${error.message}`);
    }
  }
  return sides;
}

/** How many steps of the slowest side fit into a turn. */
async function stepsPerTurn(sides) {
  let longest = 0;
  for (const side of sides) {
    // The first step is slow: memory is touched for the first time.
    let { times } = await side.run(1);
    if (times[0] < SLOW_MS) ({ times } = await side.run(1));
    longest = Math.max(longest, ...times);
  }
  return { steps: Math.max(1, Math.floor(TURN_MS / longest)), longest };
}

/**
 * @param {{ name: string, threads: number, config: object, compile: boolean }} comparison
 * @returns one entry per side, ours first: `{ label, ready, times, medianMs, minMs, peakMib }`, and notes
 */
export async function compare(comparison) {
  const notes = [];
  const results = await inTurns(await openSides(comparison, notes));
  return { ours: results[0], peers: results.slice(1), notes };
}

/**
 * Our own cases against each other, so that what the host does meanwhile counts for all of them.
 *
 * @returns one entry per name, as of `compare`
 */
export async function compareOwn(names, threads) {
  const sides = [];
  for (const name of names) {
    const args = [OURS, name, `${threads}`];
    sides.push(await openSide(name, { command: process.execPath, args, readyMs: READY_MS }));
  }
  return inTurns(sides);
}

/** Closes the sides at the end. */
async function inTurns(sides) {
  try {
    const { steps, longest } = await stepsPerTurn(sides);
    const until = performance.now() + BUDGET_MS;
    const round = steps * longest * sides.length;
    for (let i = 0; i < MOST_ROUNDS; i++) {
      if (i >= FEWEST_ROUNDS && performance.now() + round > until) break;
      for (const side of sides) {
        const { times, peakMib } = await side.run(steps);
        side.times.push(...times);
        side.peakMib = peakMib;
      }
    }
  } finally {
    for (const side of sides) await side.close();
  }
  return sides.map(({ label, ready, times, peakMib }) => {
    return { label, ready, medianMs: median(times), minMs: Math.min(...times), peakMib };
  });
}

/** The peer with the lower median, and the lowest memory of any. */
export function bestPeer(peers) {
  if (peers.length === 0) return undefined;
  const fastest = [...peers].sort((a, b) => a.medianMs - b.medianMs)[0];
  return { ...fastest, peakMib: Math.min(...peers.map(({ peakMib }) => peakMib)) };
}

const WIDTHS = [52, 18, 34, 14, 7];

export function printRow(print, { what, ours, peer, ratio, goal }) {
  const cells = [what, ours, peer, ratio, goal];
  const padded = cells.map((cell, i) => cell.padEnd(WIDTHS[i] ?? 0));
  print(padded.join(" ").trimEnd());
}

export const ms = ({ medianMs, minMs }) => `${digits(medianMs)} ms (${digits(minMs)})`;

function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
