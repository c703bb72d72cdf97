/** What lies in the folder of a training run, read without touching it: the run may be going on. */
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { METRICS_FILE } from "./metrics.ts";

/** A line of `metrics.jsonl` as it is written. */
export interface LoggedRow {
  readonly kind: "train" | "validation" | "evaluation";
  readonly step: number;
  readonly epoch: number;
  /** Everything else; null stands for what is not finite. */
  readonly [name: string]: number | string | null;
}

export interface RunFolder {
  readonly config: Readonly<Record<string, unknown>>;
  /** In the order of the file; a torn last line is left out. */
  readonly rows: readonly LoggedRow[];
  /** The measurement that decides, as the run chooses it: the highest success rate, else the lowest held-out loss. */
  readonly best:
    | { readonly metric: "success_rate" | "loss"; readonly step: number; readonly value: number }
    | undefined;
  /** Oldest first. */
  readonly checkpoints: readonly { readonly name: string; readonly bytes: number }[];
  /** Names below `packages/`. */
  readonly packages: readonly string[];
}

export const CONFIG_FILE = "config.json";

/** @throws {SyntaxError} if there is no `config.json` of a training run, or a line of its metrics is damaged */
export async function readRunFolder(folder: string): Promise<RunFolder> {
  const config = await readRunConfig(folder);
  if (config === undefined) {
    throw new SyntaxError(
      `Cannot read training run ${folder}: its ${CONFIG_FILE} is absent or another one, must have policy and optimiser`,
    );
  }
  const rows = await readRows(join(folder, METRICS_FILE));
  return {
    config,
    rows,
    best: bestOf(rows),
    checkpoints: await checkpointsIn(join(folder, "checkpoints")),
    packages: await packagesIn(join(folder, "packages")),
  };
}

/** The configuration of the run in a folder; undefined where it holds none. */
export async function readRunConfig(
  folder: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const json: unknown = JSON.parse(await readFile(join(folder, CONFIG_FILE), "utf8"));
    const isRun =
      typeof json === "object" && json !== null && "policy" in json && "optimiser" in json;
    return isRun ? { ...json } : undefined;
  } catch {
    return undefined;
  }
}

async function readRows(file: string): Promise<LoggedRow[]> {
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as LoggedRow;
    } catch {
      throw new SyntaxError(`Cannot read ${file}: line ${i + 1} is "${line}", must be JSON`);
    }
  });
}

function bestOf(rows: readonly LoggedRow[]): RunFolder["best"] {
  const evaluations = rows.filter(({ kind }) => kind === "evaluation");
  const metric = evaluations.length > 0 ? "success_rate" : "loss";
  const sign = metric === "loss" ? -1 : 1;
  const measured =
    metric === "loss" ? rows.filter(({ kind }) => kind === "validation") : evaluations;
  let best: RunFolder["best"];
  for (const { step, [metric]: value } of measured) {
    if (typeof value !== "number") continue;
    if (best === undefined || sign * value > sign * best.value) best = { metric, step, value };
  }
  return best;
}

/** Complete ones: what is being written has a hidden name until it is whole. */
async function checkpointsIn(folder: string): Promise<RunFolder["checkpoints"]> {
  const names = (await namesIn(folder)).filter((name) => /^step-\d+$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const files = await namesIn(join(folder, name));
      // A checkpoint may be pruned while it is counted.
      const sizes = files.map((file) =>
        stat(join(folder, name, file)).then(
          ({ size }) => size,
          () => 0,
        ),
      );
      return { name, bytes: (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) };
    }),
  );
}

async function packagesIn(folder: string): Promise<string[]> {
  const names = await namesIn(folder);
  return names.filter((name) => existsSync(join(folder, name, "manifest.json")));
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).sort();
}
