/** The simulators that run in a browser, and who knows how to drive them. */
import type { Environment, ImageSpec, Policy, PolicySpec } from "../core/index.ts";
import { imagesFor } from "../core/index.ts";
import { detourExpert } from "../../policies/scripted/detour.ts";
import { scriptedPolicy } from "../../policies/scripted/index.ts";
import { ENGINE_URL, loadMujoco } from "../../sim-bridge/sims/manipulation/mujoco.ts";
import { createDetour } from "../../sim-bridge/sims/detour/index.ts";
import { createLibero } from "../../sim-bridge/sims/libero/index.ts";
import { createTabletop } from "../../sim-bridge/sims/tabletop/index.ts";
import type { Fetching } from "./fetching.ts";
import { addressBelow } from "./fetching.ts";

export interface WorldRequest {
  readonly world: string;
  /** Where the files of worlds that need some lie. */
  readonly dataUrl: string;
  readonly fetching: Fetching;
  /** Of the policy that is to drive: cameras draw in the sizes that it wants. */
  readonly policy?: PolicySpec;
}

export interface World {
  readonly env: Environment;
  readonly expert: () => Policy;
}

/** @throws {RangeError} for a world that does not run here */
export async function openWorld(request: WorldRequest): Promise<World> {
  const { world, fetching, policy } = request;
  const entry = Object.hasOwn(WORLDS, world) ? WORLDS[world] : undefined;
  if (entry === undefined) {
    const names = Object.keys(WORLDS).join(", ");
    throw new RangeError(
      `Cannot play "${world}": it does not run in a browser, must be one of ${names}`,
    );
  }
  if (entry.hasPhysics) {
    await loadMujoco({ wasmBinary: await fetching(ENGINE_URL, "physics engine") });
  }
  return {
    env: await createFor(policy, (view) => entry.create(request, view)),
    expert: entry.expert,
  };
}

/** What is drawn of a world besides the page's own scene. */
interface View {
  /** Whether somebody looks through its cameras. */
  readonly isSeen: boolean;
  /** Absent: the world's own. */
  readonly images?: readonly ImageSpec[];
}

interface WorldEntry {
  readonly hasPhysics: boolean;
  create(request: WorldRequest, view: View): Promise<Environment>;
  readonly expert: () => Policy;
}

/** Which cameras there are is known once the world is; scenes are compiled later, so that making it twice costs little. */
async function createFor(
  policy: PolicySpec | undefined,
  create: (view: View) => Promise<Environment>,
): Promise<Environment> {
  const isSeen =
    policy !== undefined && policy.observation !== "any" && policy.observation.images.length > 0;
  const env = await create({ isSeen });
  if (!isSeen) return env;
  const own = env.spec.observation.images;
  const images = imagesFor(policy, own);
  if (JSON.stringify(images) === JSON.stringify(own)) return env;
  await env.close();
  return create({ isSeen, images });
}

const WORLDS: Readonly<Record<string, WorldEntry>> = {
  tabletop: {
    hasPhysics: true,
    create: (_, { images }) => createTabletop(images === undefined ? {} : { images }),
    expert: scriptedPolicy,
  },
  libero: {
    hasPhysics: true,
    create({ dataUrl, fetching }, { isSeen, images }) {
      const files = {
        place: `${dataUrl}libero`,
        read: async (path: string) =>
          new Uint8Array(await fetching(addressBelow(`${dataUrl}libero/`, path), "scene")),
      };
      // The page draws by itself: without a policy no camera looks.
      if (!isSeen) return createLibero(files, { imageSize: 0 });
      return createLibero(files, images === undefined ? {} : { images });
    },
    expert: scriptedPolicy,
  },
  detour: {
    hasPhysics: false,
    create: () => Promise.resolve(createDetour()),
    expert: detourExpert,
  },
};
