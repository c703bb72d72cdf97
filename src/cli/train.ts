import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { runtimeVersions } from "../rollout/versions.ts";
import type { TrainConfig, TrainEvent, TrainResult } from "../train/index.ts";
import { CONFIG_FILE } from "../train/run-folder.ts";
import { newRunFolder } from "./eval.ts";
import { evaluatorFor } from "./evaluate-package.ts";
import { EXIT, UsageError } from "./exit.ts";
import { ensureEngine } from "./install-engine.ts";
import { interruptSignal } from "./interrupt.ts";
import type { Progress } from "./progress.ts";
import { createProgress, durationWords } from "./progress.ts";
import { trainableFor } from "./registry.ts";

export interface TrainCommandOptions {
  set?: string[];
  out?: string;
  resume?: boolean;
  maxSteps?: number;
  seeds?: string;
  schema?: boolean;
  json?: boolean;
}

/** `efference train`: one run, or one for each of several seeds. */
export async function trainCommand(
  configPath: string | undefined,
  options: TrainCommandOptions,
): Promise<void> {
  if (options.schema === true) {
    const { trainConfigJsonSchema } = await import("../train/config.ts");
    process.stdout.write(`${JSON.stringify(trainConfigJsonSchema(), null, 2)}\n`);
    return;
  }
  const progress = createProgress();
  const interrupt = interruptSignal();
  await ensureEngine();
  try {
    const config = await configOf(configPath, options);
    const folder = resolve(options.out ?? newRunFolder(config.name));
    const seeds = seedsOf(options.seeds);
    const runs = seeds === undefined ? [{ config, folder }] : seedRuns(config, folder, seeds);
    const results: (TrainResult & { readonly folder: string })[] = [];
    for (const run of runs) {
      if (interrupt.signal.aborted) break;
      if (runs.length > 1) progress.line(`seed ${run.config.seed}: ${run.folder}`);
      const result = await runOne(run, { options, progress, signal: interrupt.signal });
      results.push({ ...result, folder: run.folder });
    }
    await report(results, { folder, sweep: seeds !== undefined, json: options.json === true });
    if (interrupt.signal.aborted) {
      progress.line(`stopped; go on with: efference train --resume --out ${folder}`);
      process.exitCode = EXIT.interrupted;
    }
  } finally {
    progress.clear();
    interrupt.dispose();
  }
}

/** The file, or with `--resume` the configuration of the run; with every `--set` applied. */
async function configOf(
  path: string | undefined,
  options: TrainCommandOptions,
): Promise<TrainConfig> {
  const { applyOverride, parseTrainConfig } = await import("../train/index.ts");
  const stored =
    options.resume === true && options.out !== undefined
      ? join(options.out, CONFIG_FILE)
      : undefined;
  const file = path ?? (stored !== undefined && existsSync(stored) ? stored : undefined);
  if (file === undefined) {
    throw new UsageError(
      "Cannot train: there is no configuration, must be a file (or --resume --out FOLDER of an earlier run)",
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Cannot read ${file}: ${reason}, must be a JSON file`);
  }
  for (const override of options.set ?? []) json = applyOverride(json, override);
  return parseTrainConfig(json);
}

function seedsOf(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const seeds = text.split(",").map((part) => Number(part.trim()));
  if (seeds.some((seed) => !Number.isInteger(seed) || seed < 0)) {
    throw new UsageError(`Cannot sweep over seeds "${text}": must be integers like 0,1,2`);
  }
  return seeds;
}

interface PlannedRun {
  readonly config: TrainConfig;
  readonly folder: string;
}

function seedRuns(config: TrainConfig, folder: string, seeds: readonly number[]): PlannedRun[] {
  return seeds.map((seed) => ({
    config: { ...config, seed },
    folder: join(folder, `seed-${seed}`),
  }));
}

async function runOne(
  { config, folder }: PlannedRun,
  at: { options: TrainCommandOptions; progress: Progress; signal: AbortSignal },
): Promise<TrainResult> {
  const { options, progress, signal } = at;
  const { train } = await import("../train/index.ts");
  const resume = options.resume === true;
  await assertFolder(folder, resume);
  const makeTrainable = await trainableFor(config.policy);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
  const { maxSteps } = options;
  return train({
    config,
    folder,
    resume,
    signal,
    makeTrainable,
    onEvent: reporter(progress, Math.min(config.steps, maxSteps ?? Infinity)),
    provenance: {
      command: `efference ${process.argv.slice(2).join(" ")}`,
      versions: runtimeVersions(),
      started: new Date().toISOString().slice(0, 10),
    },
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(config.evaluate === undefined
      ? {}
      : { evaluate: evaluatorFor(config.evaluate, { folder, progress, signal }) }),
  });
}

/** @throws {UsageError} if a run would be mixed with another */
async function assertFolder(folder: string, resume: boolean): Promise<void> {
  const { listCheckpoints } = await import("../train/index.ts");
  if (resume || (await listCheckpoints(join(folder, "checkpoints"))).length === 0) return;
  throw new UsageError(
    `Cannot start training in ${folder}: it holds a run already, must be a new folder (or pass --resume)`,
  );
}

/** One live line, and a line that stays for whatever a person may want to find later. */
function reporter(progress: Progress, last: number): (event: TrainEvent) => void {
  let perStepMs = 0;
  let smoothLoss = 0;
  let waitShare = 0;
  return (event) => {
    switch (event.kind) {
      case "opened":
        progress.line(
          `${event.parameters.toLocaleString("en")} parameters, ${event.episodes} episodes ` +
            `(${event.heldOut} held out), ${event.windows.toLocaleString("en")} windows, ` +
            (event.idleSteps === 0
              ? ""
              : `${event.idleSteps.toLocaleString("en")} idle steps left out, `) +
            `graph opened in ${durationWords(event.openMs / 1000)}` +
            (event.step === 0 ? "" : `; goes on after update ${event.step}`),
        );
        return;
      case "updated": {
        const mix = (before: number, now: number): number =>
          perStepMs === 0 ? now : 0.95 * before + 0.05 * now;
        smoothLoss = mix(smoothLoss, event.loss);
        waitShare = mix(waitShare, event.waitMs / event.stepMs);
        perStepMs = mix(perStepMs, event.stepMs);
        const words =
          `update ${event.step}/${last}  loss ${smoothLoss.toFixed(4)}  rate ${event.rate.toExponential(1)}  ` +
          `${perStepMs.toFixed(0)} ms an update, ${(100 * waitShare).toFixed(0)} % waiting for data  ` +
          `about ${durationWords(((last - event.step) * perStepMs) / 1000)} left`;
        progress.live(words);
        if (!process.stderr.isTTY && event.step % 100 === 0) progress.line(words);
        return;
      }
      case "measured": {
        const values = Object.entries(event.values).map(([name, v]) => `${name} ${v.toFixed(4)}`);
        progress.line(
          `update ${event.step}: ${event.what} ${values.join("  ")}${event.best ? "  (best so far)" : ""}`,
        );
        return;
      }
      case "checkpoint":
        return;
    }
  };
}

async function report(
  results: readonly (TrainResult & { readonly folder: string })[],
  { folder, sweep, json }: { folder: string; sweep: boolean; json: boolean },
): Promise<void> {
  const [first] = results;
  if (first === undefined) return;
  const summary = sweep ? { folder, runs: results, ...(await spread(results)) } : first;
  if (sweep) await writeFile(join(folder, "sweep.json"), `${JSON.stringify(summary, null, 2)}\n`);
  if (json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  for (const { folder: run, ended, step, best, weightsHash, waitMs, totalMs } of results) {
    process.stdout.write(
      `${basename(run)}: ${step} updates in ${durationWords(totalMs / 1000)} ` +
        `(${((100 * waitMs) / totalMs).toFixed(1)} % waiting for data), ended by ${ended}\n` +
        (best === null ? "" : `best: ${best.value.toFixed(4)} after update ${best.step}\n`) +
        `weights sha256 ${weightsHash}\npackages in ${join(run, "packages")}\n`,
    );
  }
  if (sweep) process.stdout.write(`over seeds: ${JSON.stringify(await spread(results))}\n`);
}

/** Mean of the deciding metric over seeds, with its 95 % interval (Student's t). */
async function spread(results: readonly TrainResult[]): Promise<object> {
  const values = results.flatMap(({ best }) => (best === null ? [] : [best.value]));
  if (values.length < 2) return { seeds: values.length };
  const { meanInterval } = await import("../math/index.ts");
  return { seeds: values.length, ...meanInterval(values) };
}
