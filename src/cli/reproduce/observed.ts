/** What a world shows, as a hash: policies that learned from another one's numbers are of another study. */
import { createHash } from "node:crypto";
import { WANT_NOTHING } from "../../core/index.ts";
import type { WorldName } from "./study.ts";
import { taskOf } from "./tasks.ts";
import { STUDY_WORLDS } from "./worlds.ts";

const observed = new Map<WorldName, Promise<string>>();

/**
 * Opens the world, once in a process.
 *
 * @returns SHA-256 of the spec of its observations, but for descriptions, and of every number of the proprio at the start that is
 *   drawn from seed 0. Pixels do not count, their sizes do.
 */
export function observedHash(name: WorldName): Promise<string> {
  const known = observed.get(name);
  if (known !== undefined) return known;
  const asked = hashOf(name);
  observed.set(name, asked);
  return asked;
}

async function hashOf(name: WorldName): Promise<string> {
  const world = STUDY_WORLDS[name];
  const env = await world.open();
  try {
    const { images, proprio, texts } = env.spec.observation;
    const told = proprio.map(({ name: component, format, dtype, shape }) => {
      return { name: component, format, dtype, shape };
    });
    const sizes = images.map((image) => [image.name, image.height, image.width, image.channels]);
    const spec = { images: sizes, proprio: told, texts: texts.map((text) => text.name) };
    const hash = createHash("sha256").update(JSON.stringify(spec));
    const task = taskOf(env, world.task, 0);
    const { first } = await env.reset({ task, seed: 0, want: WANT_NOTHING });
    for (const component of proprio) hash.update(first.observation.proprio[component.name]!.data);
    return hash.digest("hex");
  } finally {
    await env.close();
  }
}
