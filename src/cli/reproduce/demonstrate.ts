/** Demonstrations of a world's experts, the same for every method and seed. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import type { EpisodeOutcome } from "../../episode/types.ts";
import { brokered, perturbed, recordTo, rollout } from "../../rollout/index.ts";
import type { RolloutListener } from "../../rollout/index.ts";
import { UsageError } from "../exit.ts";
import { isRunning } from "../is-running.ts";
import { readJson, writeJson } from "./files.ts";
import { observedHash } from "./observed.ts";
import { taskOf } from "./tasks.ts";
import type { Mode, StudyWorld } from "./worlds.ts";

export interface Demonstrations {
  /** SHA-256 of all decided actions: of what is learned. Files hold times and differ from run to run. */
  readonly hash: string;
  /** SHA-256 of what the world showed; see `observedHash`. */
  readonly observed: string;
  readonly episodes: number;
  /** Expert's failures, which are not kept. */
  readonly failed: number;
  readonly modes: Readonly<Record<string, number>>;
}

export interface DemonstrationRequest {
  readonly world: StudyWorld;
  /** Holds `episodes/` and `demonstrations.json` when it is finished. */
  readonly folder: string;
  readonly count: number;
  readonly signal: AbortSignal;
  readonly onEpisode: (done: number) => void;
}

const SUMMARY = "demonstrations.json";

/** What was recorded into a folder; undefined if nothing was, or not all. */
export async function recorded(folder: string): Promise<Demonstrations | undefined> {
  const path = join(folder, SUMMARY);
  return existsSync(path) ? ((await readJson(path)) as Demonstrations) : undefined;
}

/**
 * Records `count` successful episodes from drawn starts, or finds them there.
 * @throws {UsageError} if it finds another number
 */
export async function demonstrated(request: DemonstrationRequest): Promise<Demonstrations> {
  const { folder, count } = request;
  const found = await recorded(folder);
  if (found !== undefined && found.episodes !== count) {
    throw new UsageError(
      `Cannot use ${folder}: it holds ${found.episodes} demonstrations, must hold ${count}; take a new folder`,
    );
  }
  if (found !== undefined) return found;
  await removeLeft(folder);
  const part = `${partsOf(folder)}${process.pid}.${++parts}.part`;
  try {
    const made = await record(request, part);
    await writeJson(join(part, SUMMARY), made);
    await rename(part, folder);
    return made;
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    // Another process that records the same was first.
    const others = await recorded(folder);
    if (others === undefined) throw error;
    return others;
  }
}

/** Recordings that this process has begun. */
let parts = 0;

/** How the names of a folder's unfinished recordings begin on this machine; the process that makes them follows. */
function partsOf(folder: string): string {
  return `${folder}.${hostname()}.`;
}

/** Removes what processes of this machine have left that were killed. */
async function removeLeft(folder: string): Promise<void> {
  if (!existsSync(dirname(folder))) return;
  const begin = basename(partsOf(folder));
  for (const name of await readdir(dirname(folder))) {
    const [pid, , end] = name.startsWith(begin) ? name.slice(begin.length).split(".") : [];
    if (end !== "part" || isRunning(Number(pid))) continue;
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

async function record(request: DemonstrationRequest, part: string): Promise<Demonstrations> {
  const { world, count } = request;
  const calm = await world.open();
  const env = world.demonstratedIn?.(calm) ?? calm;
  const { noise, held = 0 } = world;
  const controller = perturbed(brokered(await world.expert()), { noise, held });
  const hash = createHash("sha256");
  const modes: Record<string, number> = {};
  let kept = 0;
  let failed = 0;
  try {
    for (let seed = 0; kept < count; seed++) {
      request.signal.throwIfAborted();
      const recorder = recordTo(join(part, "episodes"));
      const watch = watching(world);
      const listeners = [recorder, watch.listener];
      const { outcome, listenerFailures } = await rollout(controller, env, {
        ...{ task: taskOf(env, world.task, seed), seed, listeners },
      });
      // What was not written whole must not count as one.
      if (listenerFailures[0] !== undefined) throw listenerFailures[0].error;
      if (!(await isKept(outcome, recorder.path))) {
        failed++;
        assertWorthwhile(world, { kept, failed });
        continue;
      }
      kept++;
      for (const row of watch.decided) hash.update(row);
      const mode = watch.mode();
      if (mode !== undefined) modes[mode] = (modes[mode] ?? 0) + 1;
      request.onEpisode(kept);
    }
  } finally {
    await env.close();
  }
  const observed = await observedHash(world.name);
  return { hash: hash.digest("hex"), observed, episodes: kept, failed, modes };
}

async function isKept(outcome: EpisodeOutcome, path: string | undefined): Promise<boolean> {
  if (outcome.kind === "success") return true;
  if (path !== undefined) await rm(path, { force: true });
  return false;
}

/** @throws {RangeError} where the expert fails so often that the end would not come */
function assertWorthwhile({ name }: StudyWorld, at: { kept: number; failed: number }): void {
  if (at.failed < 50 || at.failed < 4 * at.kept) return;
  throw new RangeError(
    `Cannot record demonstrations of "${name}": the expert failed ${at.failed} times and succeeded ${at.kept} times, must succeed at least in a fifth`,
  );
}

function watching(world: StudyWorld): {
  readonly listener: RolloutListener;
  readonly decided: readonly Uint8Array[];
  readonly mode: () => Mode | undefined;
} {
  const decided: Uint8Array[] = [];
  const tracker = world.track();
  return {
    decided,
    mode: () => tracker.mode(),
    listener: {
      name: "demonstrations",
      onDecision(_step, _stampNs, { chunk: { data } }) {
        decided.push(new Uint8Array(data.slice().buffer));
      },
      onStart: (_header, first) => tracker.see(first),
      onStep: (timeStep) => tracker.see(timeStep),
    },
  };
}
