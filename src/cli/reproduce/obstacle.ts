/**
 * A second disc in the way of the shipped energy policy, which no demonstration had: where its paths go without and with
 * energies that keep clear of it. Nothing is trained; the disc is not in the world, and paths that enter it are counted.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ComposeOptions, EnergyTerm } from "../../../policies/energy/index.ts";
import { composeEnergyPackage, shippedEnergyPackage } from "../../../policies/energy/index.ts";
import { createDetour } from "../../../sim-bridge/sims/detour/index.ts";
import type { Policy, TimeStep } from "../../core/index.ts";
import { pairedCounts, pairedDifference, percentile, wilsonInterval } from "../../math/index.ts";
import { loadPolicy, writePolicyPackage } from "../../package/index.ts";
import type { RolloutListener } from "../../rollout/index.ts";
import { brokered, holding, rollout } from "../../rollout/index.ts";
import { differenceWords, rateWords, table } from "./markdown.ts";
import type { Ending } from "./results.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A disc that paths must not enter, m. */
export interface Obstacle extends Point {
  readonly radiusM: number;
}

/** Before the disc, where the way round its right-hand side leads. */
export const OBSTACLE: Obstacle = { x: 0.4, y: -0.3, radiusM: 0.1 };
/** Drawn starts, which neither demonstrations nor the choice of weights have seen. */
const STARTS = { seed: 7_000_000, count: 100 } as const;

function minus(at: number): string {
  return at < 0 ? `+ ${-at}` : `- ${at}`;
}

/** From a place, which is subtracted, to where a row is predicted to lead: 0.05 m for a unit of action. */
function squaredDistance([x, y]: readonly [string, string]): string {
  const off = [x, y].map(
    (at, i) => `(observed_position_${i} + 0.05 * sum_delta_position_${i} ${at})^2`,
  );
  return off.join(" + ");
}

/** Highest in the middle of the obstacle. */
const AROUND_OBSTACLE = `exp(-(${squaredDistance([minus(OBSTACLE.x), minus(OBSTACLE.y)])}) / (2 * 0.14^2))`;
/** Highest in the middle of the world's own disc, which paths that give way to the obstacle may touch. */
const AROUND_DISC = `exp(-(${squaredDistance(["- observed_disc_0", "- observed_disc_1"])}) / (2 * 0.2^2))`;

/** A way to act with the shipped package. */
export interface Variant extends Required<Pick<ComposeOptions, "terms">> {
  readonly name: string;
  readonly infer?: ComposeOptions["infer"];
}

const obstacle = (weight: number): EnergyTerm => ({
  name: "obstacle",
  formula: AROUND_OBSTACLE,
  weight,
});
const disc: EnergyTerm = { name: "disc", formula: AROUND_DISC, weight: 0.15 };

/** Weights and widths were chosen on fixed starts of the world; drawn ones are counted. */
export const VARIANTS = {
  nothing: { name: "nothing", terms: [] },
  weak: { name: "the obstacle, 0.1", terms: [obstacle(0.1)] },
  strong: { name: "the obstacle, 0.3", terms: [obstacle(0.3)] },
  both: { name: "the obstacle, 0.3, and the disc, 0.15", terms: [obstacle(0.3), disc] },
  best: { name: "both, the best of 8", terms: [obstacle(0.3), disc], infer: { samples: 8 } },
} as const satisfies Readonly<Record<string, Variant>>;

/** One episode. */
export interface Passage {
  readonly ending: Ending;
  /** From the path, between its steps too, to the obstacle's edge, m; below 0 the path enters it. */
  readonly clearanceM: number;
}

/** Episodes of the world `detour` from drawn starts. */
export async function passages(
  policy: Policy,
  { seeds, obstacle }: { readonly seeds: readonly number[]; readonly obstacle: Obstacle },
): Promise<readonly Passage[]> {
  const found: Passage[] = [];
  for (const seed of seeds) {
    const path: Point[] = [];
    const see = ({ observation }: TimeStep): void => {
      const [x, y] = Array.from(observation.proprio["position"]?.data ?? [], Number);
      path.push({ x: x ?? NaN, y: y ?? NaN });
    };
    const listener: RolloutListener = {
      name: "path",
      onStart: (_, first) => see(first),
      onStep: see,
    };
    const { outcome } = await rollout(holding(brokered(policy)), createDetour(), {
      ...{ task: "detour", seed, listeners: [listener] },
    });
    const distances = path.slice(1).map((to, i) => distanceTo(obstacle, [path[i] ?? to, to]));
    const clearanceM = Math.min(...distances) - obstacle.radiusM;
    found.push({ ending: outcome.kind, clearanceM });
  }
  return found;
}

/** From a point to the nearest place between two others. */
function distanceTo(point: Point, [a, b]: readonly [Point, Point]): number {
  const [along, off] = [
    { x: b.x - a.x, y: b.y - a.y },
    { x: point.x - a.x, y: point.y - a.y },
  ];
  const length = along.x ** 2 + along.y ** 2;
  const share = length === 0 ? 0 : (along.x * off.x + along.y * off.y) / length;
  const at = Math.min(1, Math.max(0, share));
  return Math.hypot(off.x - at * along.x, off.y - at * along.y);
}

/** The shipped package, acting so. */
export async function policyOf({ terms, infer = {} }: Variant): Promise<Policy> {
  const root = await mkdtemp(join(tmpdir(), "efference-obstacle-"));
  try {
    const folder = join(root, "package");
    const content = await composeEnergyPackage(shippedEnergyPackage(), { terms, infer });
    await writePolicyPackage(folder, content);
    return await loadPolicy(folder);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** `efference reproduce obstacle`: the table of the energy policies' README, "An obstacle". */
export async function reproduceObstacle({ json }: { readonly json: boolean }): Promise<void> {
  const seeds = Array.from({ length: STARTS.count }, (_, i) => STARTS.seed + i);
  const acted: Acted[] = [];
  for (const variant of Object.values(VARIANTS)) {
    const policy = await policyOf(variant);
    try {
      const found = await passages(policy, { seeds, obstacle: OBSTACLE });
      acted.push({ variant, passages: found });
    } finally {
      await policy.close?.();
    }
  }
  const results = { obstacle: OBSTACLE, starts: STARTS, acted };
  process.stdout.write(json ? `${JSON.stringify(results)}\n` : wordsOf(acted));
}

interface Acted {
  readonly variant: Variant;
  readonly passages: readonly Passage[];
}

function wordsOf(acted: readonly Acted[]): string {
  const formulas = [`obstacle: ${AROUND_OBSTACLE}`, `disc: ${AROUND_DISC}`];
  return `${formulas.join("\n")}\n\n${obstacleTable(acted)}`;
}

/** Every variant, and what it changes against the first, paired by start. */
export function obstacleTable(acted: readonly Acted[]): string {
  const enters = ({ clearanceM }: Passage): boolean => clearanceM < 0;
  const reaches = ({ ending }: Passage): boolean => ending === "success";
  const [first] = acted;
  const rows = acted.map(({ variant, passages: all }, i) => {
    const clearances = all.map(({ clearanceM }) => clearanceM);
    const least = [0, 0.1].map((part) => percentile(clearances, part).toFixed(3));
    const change = (of: (passage: Passage) => boolean): string =>
      first === undefined || i === 0 ? "-" : changeOf([first.passages, all], of);
    const counts = [shareOf(all, enters), change(enters), ...least];
    return [variant.name, ...counts, shareOf(all, reaches), change(reaches)];
  });
  const clearances = ["least clearance, m", "in 10 % below, m"];
  return table(["added", "paths that enter it", "more", ...clearances, "success", "more"], rows);
}

function shareOf(all: readonly Passage[], of: (passage: Passage) => boolean): string {
  const count = all.filter(of).length;
  return rateWords({
    ...{ successes: count, scored: all.length, crashes: 0, rate: count / all.length },
    ...wilsonInterval(count, all.length),
  });
}

/** Percentage points by which the second share is more than the first. */
function changeOf(
  [first, second]: readonly [readonly Passage[], readonly Passage[]],
  of: (passage: Passage) => boolean,
): string {
  const pairs = first.map((before, i) => [of(before), of(second[i]!)] as const);
  return differenceWords(pairedDifference(pairedCounts(pairs)));
}
