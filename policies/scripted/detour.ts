/**
 * Experts for a point that is to go round a disc: one keeps left, one keeps right, and one of them is drawn for every
 * episode, so that demonstrations are a mixture. They read the state that learners see.
 */
import type { Decision, Observation, Policy, Rng } from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";

export interface DetourExpertOptions {
  /** Where the disc is passed, seen along y. Default: drawn for every episode, both alike. */
  readonly side?: "left" | "right";
}

/** Sideways from the disc's centre to the places that are passed, m; the disc's radius is 0.3. */
const ENTRY_M = { x: 0.46, y: -0.12 };
const EXIT_M = { x: 0.44, y: 0.2 };
const ARRIVED_M = 0.05;
const STEP_M = 0.05;
/** Of the way to the target that one step takes, which brakes the point there. */
const APPROACH = 0.5;

interface Episode {
  readonly sign: -1 | 1;
  /** Share of the full speed. */
  readonly speed: number;
  phase: 0 | 1 | 2;
}

/** Reads `position`, `disc`, `target`; acts by `delta_position`. Side and speed (0.7 to 1) follow from the seed. */
export function detourExpert({ side }: DetourExpertOptions = {}): Policy {
  let episode: Episode | undefined;
  return {
    spec: {
      name: "scripted-detour",
      observation: "any",
      action: {
        components: [
          {
            name: "delta_position",
            format: "delta_position",
            dtype: "float32",
            shape: [2],
            unit: "0.05 m",
            frame: "world",
            low: [-1],
            high: [1],
          },
        ],
      },
      predictHorizon: 1,
      privileged: false,
    },
    reset({ seed }) {
      episode = drawn(seeded("detour/expert").split(seed), side);
      return Promise.resolve();
    },
    decide(observation): Promise<Decision> {
      const started = performance.now();
      if (episode === undefined) {
        throw new RangeError("Cannot decide: there is no episode, must be reset first");
      }
      const data = next(episode, observation);
      return Promise.resolve({
        chunk: { data, horizon: 1, actionDim: data.length },
        thoughts: [{ kind: "text", tag: "SIDE", text: episode.sign < 0 ? "left" : "right" }],
        timing: { totalMs: performance.now() - started },
      });
    },
  };
}

function drawn(rng: Rng, side: DetourExpertOptions["side"]): Episode {
  // Drawn whether or not it is used, so that a chosen side leaves the speeds as they are.
  const coin = rng.uniform() < 0.5 ? "left" : "right";
  const sign = (side ?? coin) === "left" ? -1 : 1;
  return { sign, speed: 0.7 + 0.3 * rng.uniform(), phase: 0 };
}

function next(episode: Episode, observation: Observation): Float32Array {
  const point = pairOf(observation, "position");
  const disc = pairOf(observation, "disc");
  const places = [
    { x: disc.x + episode.sign * ENTRY_M.x, y: disc.y + ENTRY_M.y },
    { x: disc.x + episode.sign * EXIT_M.x, y: disc.y + EXIT_M.y },
    pairOf(observation, "target"),
  ] as const;
  while (episode.phase < 2 && point.y > places[episode.phase].y - ARRIVED_M) episode.phase++;
  const to = places[episode.phase];
  const way = { x: to.x - point.x, y: to.y - point.y };
  const length = Math.hypot(way.x, way.y);
  if (length === 0) return new Float32Array(2);
  const braked = (APPROACH * length) / STEP_M;
  const speed = episode.phase === 2 ? Math.min(braked, episode.speed) : episode.speed;
  return Float32Array.of((way.x / length) * speed, (way.y / length) * speed);
}

/** @throws {TypeError} if the observation has no such component of two numbers */
function pairOf(
  { proprio }: Observation,
  name: string,
): { readonly x: number; readonly y: number } {
  const array = proprio[name];
  if (array?.data.length !== 2) {
    throw new TypeError(
      `Cannot go round a disc: the observation has ${array === undefined ? "no" : `${array.data.length} numbers of`} "${name}", must have 2`,
    );
  }
  return { x: Number(array.data[0]), y: Number(array.data[1]) };
}
