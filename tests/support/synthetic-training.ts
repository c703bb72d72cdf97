/** Synthetic training runs: curves that look like learning, written as a run writes them. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seeded } from "../../src/core/index.ts";

export interface SyntheticTraining {
  readonly seed?: number;
  readonly name?: string;
  /** Updates of the whole run. */
  readonly steps?: number;
  /** Updates that are written; default: all. */
  readonly until?: number;
  readonly evaluated?: boolean;
  /** False for runs of a version that did not write it. */
  readonly elapsed?: boolean;
}

const LOG_EVERY = 20;
const VALIDATE_EVERY = 500;
const EVALUATE_EVERY = 1000;
const EPISODES = 28;

export function syntheticConfig({ seed = 0, name = "act-lift", steps = 8000 }: SyntheticTraining) {
  return {
    name,
    policy: { kind: "act" },
    data: { folders: ["runs/lift/episodes"], labels: "decided", validation: 0.03 },
    seed,
    batchSize: 32,
    steps,
    optimiser: { kind: "adamw", weightDecay: 0.01, clipNorm: 1 },
    schedule: { kind: "cosine", peak: 0.0005, warmUp: 200, total: steps, floor: 0.00001 },
    logEvery: LOG_EVERY,
    evaluate: { sim: "tabletop", episodes: 4, everySteps: EVALUATE_EVERY },
  };
}

/** A line of `metrics.jsonl`. */
export type SyntheticRow = Readonly<Record<string, number | string>>;

/** The lines of updates `from + 1` to `to`. */
export function syntheticRows(
  options: SyntheticTraining,
  { from = 0, to = options.until ?? options.steps ?? 8000 } = {},
): SyntheticRow[] {
  const { seed = 0, steps = 8000, evaluated = true, elapsed = true } = options;
  const rows: SyntheticRow[] = [];
  const lossAt = (step: number): number => 0.16 + 0.9 * Math.exp(-step / 900) + seed * 0.012;
  for (let step = LOG_EVERY; step <= to; step += LOG_EVERY) {
    const rng = seeded(seed).split(step);
    const loss = lossAt(step) * (1 + 0.22 * (rng.uniform() - 0.4));
    const at = { step, epoch: Number((step / 1426).toFixed(4)) };
    const time = elapsed ? { elapsed_s: Number((step * 0.41).toFixed(3)) } : {};
    const progress = Math.min(1, step / steps);
    const rate =
      step < 200 ? (0.0005 * step) / 200 : 0.00025 * (1 + Math.cos(Math.PI * progress)) + 1e-5;
    const waitMs = 8 + 10 * rng.uniform() + (rng.uniform() > 0.97 ? 120 : 0);
    const measured = {
      loss,
      action: loss,
      rate,
      grad_norm: (1.2 + 9 * Math.exp(-step / 500)) * (0.8 + 0.5 * rng.uniform()),
      wait_ms: waitMs,
      step_ms: 390 + 50 * rng.uniform() + waitMs,
      cpu_ms: 380,
    };
    const made: SyntheticRow[] = [{ kind: "train", ...at, ...time, ...measured }];
    if (step % VALIDATE_EVERY === 0) {
      const heldOut = lossAt(step) * 1.06 + 0.01 * rng.uniform();
      made.push({ kind: "validation", ...at, ...time, loss: heldOut, action: heldOut });
    }
    if (evaluated && step % EVALUATE_EVERY === 0) {
      const chance = 0.93 * (1 - Math.exp(-step / 2600));
      const successes = Math.min(EPISODES, Math.round(EPISODES * chance - seed));
      const counts = { successes, scored: EPISODES, crashes: 0, steps: 71 };
      made.push({
        kind: "evaluation",
        ...at,
        ...time,
        success_rate: successes / EPISODES,
        ...counts,
      });
    }
    if (step > from) rows.push(...made);
  }
  return rows;
}

/** Starts a run's folder: configuration and metrics. */
export function writeSyntheticTraining(folder: string, options: SyntheticTraining = {}): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify(syntheticConfig(options), null, 2));
  appendRows(folder, syntheticRows(options));
}

export function appendRows(folder: string, rows: readonly SyntheticRow[]): void {
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  appendFileSync(join(folder, "metrics.jsonl"), lines);
}
