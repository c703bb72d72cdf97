/** The simulators that run in a browser. */
import type { Environment } from "../core/index.ts";
import { loadMujoco } from "../../sim-bridge/sims/manipulation/mujoco.ts";
import { createLibero } from "../../sim-bridge/sims/libero/index.ts";
import { createTabletop } from "../../sim-bridge/sims/tabletop/index.ts";
import type { Fetching } from "./fetching.ts";

export interface WorldRequest {
  readonly world: string;
  /** Where the files of worlds that need some lie. */
  readonly dataUrl: string;
  readonly fetching: Fetching;
  /** Where the engine's WebAssembly lies. */
  readonly engineUrl: string;
}

/** @throws {RangeError} for a world that does not run here */
export async function openWorld(request: WorldRequest): Promise<Environment> {
  const { world, fetching, engineUrl } = request;
  const create = WORLDS[world];
  if (create === undefined) {
    const names = Object.keys(WORLDS).join(", ");
    throw new RangeError(
      `Cannot play "${world}": it does not run in a browser, must be one of ${names}`,
    );
  }
  await loadMujoco({ wasmBinary: await fetching(engineUrl, "physics engine") });
  return create(request);
}

const WORLDS: Readonly<Record<string, (request: WorldRequest) => Promise<Environment>>> = {
  tabletop: () => createTabletop(),
  libero: ({ dataUrl, fetching }) =>
    createLibero(
      {
        place: `${dataUrl}libero`,
        read: async (path) => {
          const parts = path.split("/").map(encodeURIComponent).join("/");
          return new Uint8Array(await fetching(`${dataUrl}libero/${parts}`, "scene"));
        },
      },
      // The page draws by itself: no camera looks.
      { imageSize: 0 },
    ),
};
