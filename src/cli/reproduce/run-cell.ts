/** One cell: a training, and everything that is measured of it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Environment, Policy } from "../../core/index.ts";
import { loadPolicy } from "../../package/index.ts";
import { runtimeVersions } from "../../rollout/versions.ts";
import type { TrainConfig } from "../../train/index.ts";
import type { Episode } from "./act.ts";
import { actedEpisodes, corruptionOf, modeCoverage, summaryOf, uncertaintyOf } from "./act.ts";
import type { Demonstrations } from "./demonstrate.ts";
import { timesInTurns } from "./equal-time.ts";
import { RESULT_FILE, cellFolder, readJson, writeJson } from "./files.ts";
import type { Acted, CellResult } from "./results.ts";
import type { Budget, Cell, Method, MethodName } from "./study.ts";
import { TIME_REFERENCE, commandOf, methodNamed } from "./study.ts";
import type { Starts, TaskChoice } from "./tasks.ts";
import type { CellTraining } from "./train-cell.ts";
import { CURVE_SEED, configOf, episodesIn, trainCell } from "./train-cell.ts";
import type { StudyWorld } from "./worlds.ts";
import { STUDY_WORLDS } from "./worlds.ts";

export interface CellRequest {
  readonly cell: Cell;
  readonly budget: Budget;
  readonly work: string;
  readonly data: { readonly folder: string; readonly about: Demonstrations };
  readonly signal: AbortSignal;
  readonly say: (what: string) => void;
}

/** Trains and measures a cell, or goes on where that was stopped; leaves `result.json`. */
export async function runCell(request: CellRequest): Promise<CellResult> {
  const { cell, budget, work, data, signal, say } = request;
  const world = STUDY_WORLDS[cell.world];
  const method = methodNamed(cell.method);
  const folder = cellFolder(work, cell.id);
  const updates = await updatesOf(request, folder);
  const env = await world.open();
  const place = { world, env, signal };
  try {
    const trained = await trainCell({
      ...{ cell, method, budget, updates, folder, data, signal },
      onEvent(event) {
        if (event.kind !== "updated") return;
        say(`update ${event.step}/${updates}  ${event.stepMs.toFixed(0)} ms`);
      },
      measure: (path) => successesOnCurve(path, { ...place, count: budget.curve.episodes }),
    });
    const measured = await measure(trained, { ...request, method, place });
    const { weightsHash, hash, parameters, secondsPerUpdate, curve } = trained;
    const result: CellResult = {
      ...cell,
      ...{ hash, weightsHash, parameters, updates, secondsPerUpdate, curve },
      trainingS: updates * secondsPerUpdate,
      ...measured,
      command: commandOf(budget, cell),
      versions: runtimeVersions(),
    };
    await writeJson(join(folder, RESULT_FILE), result);
    return result;
  } finally {
    await env.close();
  }
}

/**
 * Equal updates, or as many as take as long as those of the reference. The latter is measured once and kept: a resumed
 * training must be the same.
 */
async function updatesOf(request: CellRequest, folder: string): Promise<number> {
  const { cell, budget, data, signal, say } = request;
  if (cell.equal === "updates") return budget.updates;
  const path = join(folder, "plan.json");
  if (existsSync(path)) return ((await readJson(path)) as { readonly updates: number }).updates;
  say(`timing updates beside those of ${TIME_REFERENCE}`);
  const about = { cell, budget, updates: budget.updates, episodes: episodesIn(data.folder) };
  const of = (name: MethodName): TrainConfig => configOf({ ...about, method: methodNamed(name) });
  const times = await timesInTurns({ reference: of(TIME_REFERENCE), own: of(cell.method) }, signal);
  const updates = Math.round((budget.updates * times.reference) / times.own);
  await writeJson(path, { updates, secondsPerUpdate: times });
  return updates;
}

interface Place {
  readonly world: StudyWorld;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

async function successesOnCurve(
  path: string,
  { count, ...place }: Place & { readonly count: number },
): Promise<number> {
  return withPolicy(path, async (policy) => {
    const starts = { task: place.world.task, from: { seed: CURVE_SEED }, count };
    const episodes = await actedEpisodes(policy, { ...place, starts });
    return episodes.filter(({ ending }) => ending === "success").length;
  });
}

type Measured = Pick<CellResult, "acted" | "disturbed" | "coverage" | "uncertainty" | "corruption">;

async function measure(
  trained: CellTraining,
  { budget, method, place, say }: CellRequest & { readonly method: Method; readonly place: Place },
): Promise<Measured> {
  const [known, ...others] = method.samplers;
  const { task, disturbance, evaluatedFrom } = place.world;
  const fixed = (of: TaskChoice): Starts => ({
    task: of,
    from: evaluatedFrom,
    count: budget.states,
  });
  const path = await trained.packageFor(known);
  say(`acting, ${known.name}`);
  const first = await withPolicy(path, (policy) =>
    withPolicy(path, async (another) => {
      const { judgedSteps } = place.world;
      const opinions = { policy: another, statistics: trained.statistics(), judgedSteps };
      const episodes = await actedEpisodes(policy, { ...place, starts: fixed(task) }, opinions);
      say("acting, disturbed");
      const disturbed =
        disturbance === undefined
          ? null
          : await actedEpisodes(policy, {
              ...{ ...place, starts: fixed(disturbance.task) },
              env: disturbance.around?.(place.env) ?? place.env,
            });
      say("counting modes");
      return { episodes, disturbed, coverage: await modeCoverage(policy, place, budget.modes) };
    }),
  );
  const acted: Acted[] = [summaryOf(known, first.episodes, place.world)];
  for (const sampler of others) {
    say(`acting, ${sampler.name}`);
    const episodes = await withPolicy(
      await trained.packageFor(sampler),
      (policy): Promise<readonly Episode[]> =>
        actedEpisodes(policy, { ...place, starts: fixed(task) }),
    );
    acted.push(summaryOf(sampler, episodes, place.world));
  }
  return {
    acted,
    disturbed: first.disturbed && summaryOf(known, first.disturbed, place.world),
    coverage: first.coverage,
    uncertainty: uncertaintyOf(first.episodes, place.world),
    corruption: corruptionOf(first.episodes, place.world),
  };
}

async function withPolicy<T>(folder: string, use: (policy: Policy) => Promise<T>): Promise<T> {
  const policy = await loadPolicy(folder);
  try {
    return await use(policy);
  } finally {
    await policy.close?.();
  }
}
