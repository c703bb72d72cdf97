/** A policy package that is to drive a world in the page. */
import { basename, resolve } from "node:path";
import { assertSpecsFit, imagesFor } from "../core/index.ts";
import { createSimulator, packageFolderOf } from "./registry.ts";

export interface PlayedPolicy {
  /** What the page calls it. */
  readonly name: string;
  readonly folder: string;
}

/**
 * Finds a package and compares it with the world, whose cameras draw in any size.
 * @param policy a registered name, or the folder of a package
 * @throws {UsageError} if it is neither, or the world is not known
 * @throws {SpecMismatchError} naming every difference between the two
 */
export async function policyToPlay(world: string, policy: string): Promise<PlayedPolicy> {
  const folder = resolve(await packageFolderOf(policy));
  const { readPolicyPackage, specOfPackage } = await import("../package/index.ts");
  const { manifest } = await readPolicyPackage(folder);
  const spec = specOfPackage(manifest);
  const env = await createSimulator(world);
  try {
    const { observation } = env.spec;
    const images = imagesFor(spec, observation.images);
    const environment = { ...env.spec, observation: { ...observation, images } };
    assertSpecsFit(`let "${policy}" drive "${world}"`, { policy: spec, environment });
  } finally {
    await env.close();
  }
  return { name: basename(policy), folder };
}
