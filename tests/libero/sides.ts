/** The two LIBEROs that are compared: ours in this process, and the original as a Python peer. */
import { spawn } from "node:child_process";
import type { ActionChunk, Environment, Rng, TimeStep, Want } from "../../src/core/index.ts";
import { WANT_NOTHING } from "../../src/core/index.ts";
import { createHub } from "../../sim-bridge/index.ts";
import type { ManipulationWorld } from "../../sim-bridge/sims/manipulation/world.ts";
import { createLibero, liberoWorld, readIndex } from "../../sim-bridge/sims/libero/index.ts";
import type { LiberoOptions, QualityLevel } from "../../sim-bridge/sims/libero/index.ts";
import { liberoFolder } from "../../sim-bridge/sims/libero/node.ts";
import { taskName } from "../../sim-bridge/sims/libero/world.ts";

export const POSES: Want = { ...WANT_NOTHING, poses: true };

/** What `npm run test:libero` found or made. */
export const PYTHON = variable("EFFERENCE_LIBERO_PYTHON");
/** Options that tell the original's programs where its meshes are. */
export const ASSETS = optional("EFFERENCE_LIBERO_ASSETS").flatMap((path) => ["--assets", path]);
/** What `npm run test:libero` exported with the original packages. */
export const DATA_FOLDER = variable("EFFERENCE_LIBERO");
export const DATA = liberoFolder(DATA_FOLDER);
/** The official tasks, `SUITE/NAME`. */
export const TASKS = (await readIndex(DATA)).tasks.map(taskName);

function optional(name: string): string[] {
  const value = process.env[name] ?? "";
  return value === "" ? [] : [value];
}

function variable(name: string): string {
  const [value] = optional(name);
  if (value === undefined) throw new Error(`${name} is not set: run npm run test:libero`);
  return value;
}

/** Of all items, `count` that are evenly spaced; all of them with EFFERENCE_FULL=1. */
export function sample<T>(items: readonly T[], count: number): readonly T[] {
  if (process.env["EFFERENCE_FULL"] === "1" || items.length <= count) return items;
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}

export interface Side extends AsyncDisposable {
  readonly environment: Environment;
}

/** Both start in the official initial state itself: nothing settles first. */
const EXACTLY = ["--settle", "0"];

/** The original, with the command line's options of its simulator. */
export async function openOriginal(
  tasks: readonly string[],
  args: readonly string[],
): Promise<Side> {
  // Our side is in this process: while it draws its first picture no beat goes out, for longer than three seconds where cores are busy.
  const hub = await createHub({ endpoint: "tcp://127.0.0.1:*", heartbeatS: 20 });
  const command = ["-m", "efference_sim", "libero", "--connect", hub.endpoint];
  const child = spawn(PYTHON, [...command, ...ASSETS, ...EXACTLY, "--task", ...tasks, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4000)));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const failed = ended.then((code) => {
    throw new Error(`the original ended with ${code}: ${words}`);
  });
  failed.catch(() => undefined);
  const environment = await Promise.race([hub.nextSimulator(), failed]);
  return {
    environment,
    async [Symbol.asyncDispose]() {
      await environment.close();
      await hub.close();
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Scenes of these tasks, in memory. */
export async function ourWorld(tasks: readonly string[]): Promise<ManipulationWorld> {
  const world = await liberoWorld(DATA, await readIndex(DATA), { settleSteps: 0, imageSize: 0 });
  for (const task of tasks) await world.prepare?.(task);
  return world;
}

export async function openOurs(
  options: LiberoOptions = {},
  level: QualityLevel | undefined = undefined,
): Promise<Side> {
  const pictures = level === undefined ? { imageSize: 0 } : { quality: level };
  const environment = await createLibero(DATA, { settleSteps: 0, ...pictures, ...options });
  return { environment, [Symbol.asyncDispose]: () => environment.close() };
}

/** Both go through the same actions from the same official initial state; pairs of what they answered. */
export async function together(
  [ours, original]: readonly [Environment, Environment],
  episode: { task: string; initialState: number; actions: Float32Array; want: Want },
): Promise<(readonly [ours: TimeStep, original: TimeStep])[]> {
  const { task, initialState, actions, want } = episode;
  const request = { task, seed: 0, initialState, maxSteps: 10_000, want };
  const firsts = await Promise.all([ours.reset(request), original.reset(request)]);
  const pairs: (readonly [TimeStep, TimeStep])[] = [[firsts[0].first, firsts[1].first]];
  for (let at = 0; at < actions.length; at += 7) {
    if (pairs.at(-1)!.some(({ kind }) => kind === "last")) break;
    const chunk: ActionChunk = { data: actions.slice(at, at + 7), horizon: 1, actionDim: 7 };
    const [a, b] = await Promise.all([ours.step(chunk, want), original.step(chunk, want)]);
    pairs.push([a[0]!, b[0]!]);
  }
  return pairs;
}

/** Smooth random motion, `float32[steps, 7]`, that leads away from the table: it touches nothing. */
export function upwardMotion(steps: number, random: Rng): Float32Array {
  const actions = new Float32Array(7 * steps);
  const drift = Array.from({ length: 6 }, () => 0);
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < 6; i++) drift[i] = 0.8 * drift[i]! + 0.3 * random.normal();
    actions.set(
      drift.map((value) => Math.max(-1, Math.min(1, value))),
      7 * step,
    );
    actions[7 * step + 2] = Math.abs(actions[7 * step + 2]!);
    actions[7 * step + 6] = step % 20 < 10 ? -1 : 1;
  }
  return actions;
}

/** Largest distance of two arrays, entry by entry. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} entries`);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
