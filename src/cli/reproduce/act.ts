/** Acts with packages in a world, and counts. */
import type {
  ActionChunk,
  ActionSpec,
  Environment,
  Observation,
  Policy,
  Thought,
} from "../../core/index.ts";
import { PolicyDivergedError, WANT_NOTHING, seeded } from "../../core/index.ts";
import type { DatasetStatistics } from "../../episode/node.ts";
import { auroc, mean, percentile } from "../../math/index.ts";
import type { Plan, RolloutListener } from "../../rollout/index.ts";
import { brokered, departure, holding, rollout } from "../../rollout/index.ts";
import { corrupted } from "./corrupted.ts";
import type { Acted, Detection, Ending, ModeCoverage, Uncertainty } from "./results.ts";
import type { Sampler } from "./study.ts";
import type { Starts } from "./tasks.ts";
import { startOf } from "./tasks.ts";
import type { Mode, StudyWorld } from "./worlds.ts";

/** Chunks, from noise of their own, whose spread is the disagreement. */
const OPINIONS = 4;
/** Seeds of opinions and of chunks whose modes are counted; episodes have the numbers of their states. */
const OPINION_SEED = 1_000_000;
const MODE_SEED = 2_000_000;

export interface ActingRequest {
  readonly world: StudyWorld;
  readonly env: Environment;
  readonly starts: Starts;
  readonly signal: AbortSignal;
}

export interface Episode {
  readonly ending: Ending;
  readonly mode: string | null;
  readonly decisionMs: readonly number[];
  /** Scalars of the decisions at the judged steps of the world, by step. */
  readonly judged: ReadonlyMap<number, Readonly<Record<string, number>>>;
  /** Steps that the decisions took, where the policy says so. */
  readonly steps: readonly number[];
  readonly highestReward: number;
}

/** Asked at the judged steps, besides the policy that acts. */
export interface Opinions {
  /** Another instance of the policy. */
  readonly policy: Policy;
  /** Of the demonstrations. */
  readonly statistics: DatasetStatistics;
  readonly judgedSteps: readonly number[];
}

export async function actedEpisodes(
  policy: Policy,
  request: ActingRequest,
  opinions?: Opinions,
): Promise<readonly Episode[]> {
  const episodes: Episode[] = [];
  for (let i = 0; i < request.starts.count; i++) {
    request.signal.throwIfAborted();
    episodes.push(await actOnce(policy, { ...request, index: i }, opinions));
  }
  return episodes;
}

async function actOnce(
  policy: Policy,
  { world, env, starts, index }: ActingRequest & { readonly index: number },
  opinions?: Opinions,
): Promise<Episode> {
  const watch = watching(world);
  const controller = holding(brokered(opinions === undefined ? policy : polled(policy, opinions)));
  const seen = (): Omit<Episode, "ending" | "mode"> => ({ ...watch.seen });
  try {
    const { outcome } = await rollout(controller, env, {
      ...startOf(env, starts, index),
      listeners: [watch.listener],
    });
    return { ending: outcome.kind, mode: watch.mode() ?? null, ...seen() };
  } catch {
    // The world and the loop are ours: what throws is a policy whose descents ran away.
    return { ending: "crash", mode: null, ...seen() };
  }
}

interface Seen {
  highestReward: number;
  readonly decisionMs: number[];
  readonly judged: Map<number, Readonly<Record<string, number>>>;
  readonly steps: number[];
}

function watching(world: StudyWorld): {
  readonly listener: RolloutListener;
  readonly seen: Seen;
  readonly mode: () => Mode | undefined;
} {
  const tracker = world.track();
  const seen: Seen = { highestReward: 0, decisionMs: [], judged: new Map(), steps: [] };
  const listener: RolloutListener = {
    name: "study",
    onDecision(step, _stampNs, { thoughts, timing }) {
      const scalars = scalarsOf(thoughts);
      seen.decisionMs.push(timing.totalMs);
      if (scalars["steps"] !== undefined) seen.steps.push(scalars["steps"]);
      if (world.judgedSteps.includes(step)) seen.judged.set(step, scalars);
    },
    onStart: (_header, first) => tracker.see(first),
    onStep(timeStep) {
      tracker.see(timeStep);
      seen.highestReward = Math.max(seen.highestReward, timeStep.reward);
    },
  };
  return { listener, seen, mode: () => tracker.mode() };
}

function scalarsOf(thoughts: readonly Thought[]): Record<string, number> {
  return Object.fromEntries(
    thoughts.flatMap((thought) =>
      thought.kind === "scalar" ? [[thought.tag, thought.value]] : [],
    ),
  );
}

/** The same policy, with what other chunks of it tell at the judged steps; its own chunk stays as it is. */
function polled(policy: Policy, opinions: Opinions): Policy {
  let start: Parameters<Policy["reset"]>[0] | undefined;
  let before: Plan | undefined;
  return {
    spec: policy.spec,
    reset(begun) {
      start = begun;
      before = undefined;
      return policy.reset(begun);
    },
    async decide(observation) {
      const decision = await policy.decide(observation);
      const { step } = observation;
      const last = before;
      before = { chunk: decision.chunk, step };
      if (start === undefined || !opinions.judgedSteps.includes(step)) {
        return decision;
      }
      const rng = seeded("corrupted").split(start.seed).split(step);
      const seen = corrupted(observation, { statistics: opinions.statistics, rng });
      const asked = await poll(opinions.policy, { start, observation });
      const odd = await poll(opinions.policy, { start, observation: seen });
      const told = Object.entries({
        disagreement: asked.told.disagreement,
        ...replanned(last, { chunk: decision.chunk, step }, start.spec.action),
        ...prefixed({
          ...odd.told,
          ...replanned(last, { chunk: odd.chunk, step }, start.spec.action),
        }),
      });
      const thoughts = told.map(([tag, value]): Thought => ({ kind: "scalar", tag, value }));
      return { ...decision, thoughts: [...decision.thoughts, ...thoughts] };
    },
  };
}

/** How far a decision is from the plan before; infinitely, where every descent ran away. */
function replanned(
  before: Plan | undefined,
  { chunk, step }: { readonly chunk: ActionChunk | undefined; readonly step: number },
  action: ActionSpec,
): { readonly replanned?: number } {
  if (before === undefined) return {};
  if (chunk === undefined) return { replanned: Infinity };
  const value = departure(before, { chunk, step }, action);
  return value === undefined ? {} : { replanned: value };
}

/** Before the names of what is told in view of the corrupted observation. */
const CORRUPTED = "corrupted/";

function prefixed(scalars: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(scalars).map(([name, value]) => [`${CORRUPTED}${name}`, value]),
  );
}

/** Several decisions in view of one observation. */
interface Poll {
  /** What the first of them tells, where it is one of `SIGNALS`; infinite if one ran away, as is the next. */
  readonly [signal: string]: number;
  /** How far their chunks are apart. */
  readonly disagreement: number;
}

async function poll(
  policy: Policy,
  {
    start,
    observation,
  }: { readonly start: Parameters<Policy["reset"]>[0]; readonly observation: Observation },
): Promise<{ readonly told: Poll; readonly chunk: ActionChunk | undefined }> {
  const chunks: ActionChunk[] = [];
  let told: Record<string, number> = {};
  try {
    for (let k = 0; k < OPINIONS; k++) {
      await policy.reset({ ...start, seed: OPINION_SEED + start.seed * OPINIONS + k });
      const { chunk, thoughts } = await policy.decide(observation);
      chunks.push(chunk);
      if (k === 0) told = scalarsOf(thoughts);
    }
  } catch (error) {
    if (!(error instanceof PolicyDivergedError)) throw error;
    const all = Object.fromEntries(SIGNALS.map((signal) => [signal, Infinity]));
    return { told: { ...all, disagreement: Infinity }, chunk: undefined };
  }
  return { told: { ...told, disagreement: spread(chunks) }, chunk: chunks[0] };
}

/** Standard deviation over the chunks (divisor n), root mean square over their numbers; physical units. */
export function spread(chunks: readonly ActionChunk[]): number {
  const size = chunks[0]?.data.length ?? 0;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const centre = mean(chunks.map(({ data }) => data[i] ?? NaN));
    for (const { data } of chunks) sum += ((data[i] ?? NaN) - centre) ** 2 / chunks.length;
  }
  return Math.sqrt(sum / size);
}

export function summaryOf(
  { name, steps }: Pick<Sampler, "name" | "steps">,
  episodes: readonly Episode[],
  { isGraded }: Pick<StudyWorld, "isGraded">,
): Acted {
  const told = episodes.flatMap((episode) => episode.steps);
  return {
    sampler: name,
    endings: episodes.map(({ ending }) => ending),
    modes: episodes.map(({ mode }) => mode),
    decisionMs: percentile(
      episodes.flatMap(({ decisionMs }) => decisionMs),
      0.5,
    ),
    meanSteps: told.length > 0 ? mean(told) : steps,
    ...(told.length > 0 ? { stepCounts: countsOf(told) } : {}),
    ...(isGraded ? { score: mean(episodes.map(({ highestReward }) => highestReward)) } : {}),
  };
}

/** How often 0, 1, 2 ... occur. */
function countsOf(numbers: readonly number[]): readonly number[] {
  const counts = Array.from({ length: Math.max(...numbers) + 1 }, () => 0);
  for (const number of numbers) counts[number]!++;
  return counts;
}

const SIGNALS = ["energy", "moved", "disagreement", "replanned"] as const;

/** AUROC of each signal at each judged step; higher numbers are to mean failure. */
export function uncertaintyOf(
  episodes: readonly Episode[],
  { judgedSteps }: Pick<StudyWorld, "judgedSteps">,
): readonly Uncertainty[] {
  return judgedSteps.flatMap((step) =>
    SIGNALS.flatMap((signal) => {
      const alive = episodes.flatMap(({ ending, judged }) => {
        const value = judged.get(step)?.[signal];
        return value === undefined || ending === "crash" ? [] : [{ ending, value }];
      });
      if (alive.length === 0) return [];
      const of = (ending: Ending): number[] =>
        alive.flatMap((one) => (one.ending === ending ? [one.value] : []));
      const failures = of("failure");
      const area = auroc(failures, of("success")) ?? null;
      return [{ signal, step, auroc: area, failures: failures.length, episodes: alive.length }];
    }),
  );
}

/** AUROC of each signal at each judged step for a corrupted observation, among all decisions there. */
export function corruptionOf(
  episodes: readonly Episode[],
  { judgedSteps }: Pick<StudyWorld, "judgedSteps">,
): readonly Detection[] {
  return judgedSteps.flatMap((step) =>
    SIGNALS.flatMap((signal) => {
      const pairs = episodes.flatMap(({ judged }) => {
        const told = judged.get(step);
        const [clean, odd] = [told?.[signal], told?.[`${CORRUPTED}${signal}`]];
        return clean === undefined || odd === undefined ? [] : [{ clean, odd }];
      });
      if (pairs.length === 0) return [];
      const odd = pairs.map((pair) => pair.odd);
      const area =
        auroc(
          odd,
          pairs.map(({ clean }) => clean),
        ) ?? null;
      return [{ signal, step, auroc: area, episodes: pairs.length }];
    }),
  );
}

/** Modes of chunks from the first `starts` fixed states, `samples` of each; null where chunks do not tell. */
export async function modeCoverage(
  policy: Policy,
  { world, env }: Pick<ActingRequest, "world" | "env">,
  { starts, samples }: { readonly starts: number; readonly samples: number },
): Promise<ModeCoverage | null> {
  if (world.modeOfChunk === undefined) return null;
  const want = { ...WANT_NOTHING, images: world.cameras };
  const shares: number[] = [];
  for (let i = 0; i < starts; i++) {
    const start = { ...startOf(env, { task: world.task, from: "fixed" }, i), seed: 0 };
    const { observation } = (await env.reset({ ...start, want })).first;
    const { task } = start;
    const { instruction } = observation;
    let ofFirstMode = 0;
    for (let k = 0; k < samples; k++) {
      const seed = MODE_SEED + i * samples + k;
      await policy.reset({ task, instruction, seed, spec: env.spec });
      const { chunk } = await policy.decide(observation);
      if (world.modeOfChunk(observation, chunk) === world.modes?.[0]) ofFirstMode++;
    }
    shares.push(ofFirstMode / samples);
  }
  return {
    starts,
    samples,
    minority: mean(shares.map((share) => Math.min(share, 1 - share))),
    both: shares.filter((share) => share > 0 && share < 1).length / starts,
  };
}
