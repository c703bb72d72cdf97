/** What a world shows, as a hash: policies that learned from another one's numbers are of another study. */
import { createHash } from "node:crypto";
import type { Environment } from "../../core/index.ts";
import { WANT_NOTHING } from "../../core/index.ts";
import type { WorldName } from "./study.ts";
import type { StudyWorld } from "./worlds.ts";
import { STUDY_WORLDS } from "./worlds.ts";

/**
 * @returns SHA-256 of the spec of its observations, but for descriptions, and of every number of the proprio at the start that is
 *   drawn from seed 0. Pixels do not count, their sizes do.
 */
export async function observedIn(
  { task }: Pick<StudyWorld, "task">,
  env: Environment,
): Promise<string> {
  const { images, proprio, texts } = env.spec.observation;
  const hash = createHash("sha256");
  const told = proprio.map(({ name, format, dtype, shape }) => ({ name, format, dtype, shape }));
  const sizes = images.map(({ name, height, width, channels }) => [name, height, width, channels]);
  hash.update(JSON.stringify({ images: sizes, proprio: told, texts: texts.map((t) => t.name) }));
  const { first } = await env.reset({ task, seed: 0, want: WANT_NOTHING });
  for (const { name } of proprio) {
    const { data } = first.observation.proprio[name]!;
    hash.update(new Uint8Array(data.slice().buffer));
  }
  return hash.digest("hex");
}

const observed = new Map<WorldName, Promise<string>>();

/** The same of a world that is opened for it, once in a process. */
export function observedHash(name: WorldName): Promise<string> {
  const known = observed.get(name);
  if (known !== undefined) return known;
  const asked = openedFor(STUDY_WORLDS[name]);
  observed.set(name, asked);
  return asked;
}

async function openedFor(world: StudyWorld): Promise<string> {
  const env = await world.open();
  try {
    return await observedIn(world, env);
  } finally {
    await env.close();
  }
}
