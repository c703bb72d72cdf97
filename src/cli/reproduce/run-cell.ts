/** One cell: a training, and everything that is measured of it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Environment, Policy } from "../../core/index.ts";
import { loadPolicy } from "../../package/index.ts";
import { runtimeVersions } from "../../rollout/versions.ts";
import type { TrainConfig } from "../../train/index.ts";
import { actedEpisodes, corruptionOf, modeCoverage, summaryOf, uncertaintyOf } from "./act.ts";
import type { Demonstrations } from "./demonstrate.ts";
import { timesInTurns } from "./equal-time.ts";
import { RESULT_FILE, cellFolder, kept, readJson, writeJson } from "./files.ts";
import type { Acted, CellResult } from "./results.ts";
import type { Budget, Cell, Method, MethodName, Sampler } from "./study.ts";
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
    const measured = await measure(trained, { ...request, method, place, folder });
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

interface MeasureRequest extends CellRequest {
  readonly method: Method;
  readonly place: Place;
  readonly folder: string;
}

/** By every sampler; each is kept when it is done, so that a cell that was stopped goes on with the next. */
async function measure(trained: CellTraining, request: MeasureRequest): Promise<Measured> {
  const { budget, method, say, folder } = request;
  const [known, ...others] = method.samplers;
  const { states, modes } = budget;
  const { weightsHash } = trained;
  const file = ({ name }: Sampler): string =>
    join(folder, "measured", `${name.replaceAll(" ", "-")}.json`);
  const about = { weightsHash, infer: known.infer, states, modes };
  const { first, ...more } = await kept(file(known), about, () => {
    say(`acting, ${known.name}`);
    return measureKnown(trained, request);
  });
  const acted: Acted[] = [first];
  for (const sampler of others) {
    const by = { weightsHash, infer: sampler.infer, states };
    acted.push(
      await kept(file(sampler), by, () => {
        say(`acting, ${sampler.name}`);
        return measureOther(trained, sampler, request);
      }),
    );
  }
  return { acted, ...more };
}

function fixedStarts({ budget, place }: MeasureRequest, task: TaskChoice): Starts {
  return { task, from: place.world.evaluatedFrom, count: budget.states };
}

/** By the sampler that the method is known by. */
async function measureKnown(
  trained: CellTraining,
  request: MeasureRequest,
): Promise<{ readonly first: Acted } & Omit<Measured, "acted">> {
  const { budget, method, place, say } = request;
  const { task, disturbance, judgedSteps } = place.world;
  const [known] = method.samplers;
  const path = await trained.packageFor(known);
  return withPolicy(path, (policy) =>
    withPolicy(path, async (another) => {
      const opinions = { policy: another, statistics: trained.statistics(), judgedSteps };
      const starts = fixedStarts(request, task);
      const episodes = await actedEpisodes(policy, { ...place, starts }, opinions);
      say("acting, disturbed");
      const disturbed =
        disturbance === undefined
          ? null
          : await actedEpisodes(policy, {
              ...{ ...place, starts: fixedStarts(request, disturbance.task) },
              env: disturbance.around?.(place.env) ?? place.env,
            });
      say("counting modes");
      return {
        first: summaryOf(known, episodes, place.world),
        disturbed: disturbed && summaryOf(known, disturbed, place.world),
        coverage: await modeCoverage(policy, place, budget.modes),
        uncertainty: uncertaintyOf(episodes, place.world),
        corruption: corruptionOf(episodes, place.world),
      };
    }),
  );
}

async function measureOther(
  trained: CellTraining,
  sampler: Sampler,
  request: MeasureRequest,
): Promise<Acted> {
  const { place } = request;
  const starts = fixedStarts(request, place.world.task);
  const path = await trained.packageFor(sampler);
  const episodes = await withPolicy(path, (policy) => actedEpisodes(policy, { ...place, starts }));
  return summaryOf(sampler, episodes, place.world);
}

async function withPolicy<T>(folder: string, use: (policy: Policy) => Promise<T>): Promise<T> {
  const policy = await loadPolicy(folder);
  try {
    return await use(policy);
  } finally {
    await policy.close?.();
  }
}
