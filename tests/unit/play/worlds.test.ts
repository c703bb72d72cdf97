import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { PolicySpec } from "../../../src/core/index.ts";
import { actionDim } from "../../../src/core/index.ts";
import { driverOf } from "../../../src/play/drivers.ts";
import type { Fetching } from "../../../src/play/fetching.ts";
import { openWorld } from "../../../src/play/worlds.ts";
import { LIBERO_ABSENT, liberoFiles } from "../../support/libero-files.ts";

const fetching: Fetching = async (url) => {
  const [, path] = url.split("http://page/worlds/libero/");
  const bytes = path === undefined ? await readFile(new URL(url)) : await liberoFiles().read(path);
  return new Uint8Array(bytes).buffer;
};
const at = { dataUrl: "http://page/worlds/", fetching };

const looking = (...images: readonly (readonly [string, number])[]): PolicySpec => ({
  name: "looking",
  observation: {
    images: images.map(([name, side]) => ({ name, height: side, width: side, channels: 3 })),
    proprio: [],
    texts: [],
  },
  action: "any",
  predictHorizon: 1,
  privileged: false,
});

describe("openWorld()", () => {
  it("draws in the sizes that the policy wants, other cameras in their own", async () => {
    const { env } = await openWorld({ ...at, world: "tabletop", policy: looking(["wrist", 48]) });
    expect(env.spec.observation.images).toEqual([
      { name: "front", height: 128, width: 128, channels: 3 },
      { name: "wrist", height: 48, width: 48, channels: 3 },
    ]);
    await env.close();
  });

  it.skipIf(LIBERO_ABSENT !== undefined)(
    `has LIBERO's cameras only where there are pictures (${LIBERO_ABSENT ?? "data present"})`,
    async () => {
      for (const policy of [undefined, looking(["agentview", 128])]) {
        const asked = policy === undefined ? {} : { policy };
        const { env } = await openWorld({ ...at, world: "libero", ...asked });
        expect(env.spec.observation.images).toEqual([]);
        await env.close();
      }
    },
  );

  it.each(["moon", "constructor"])("refuses a world that it does not have: %s", async (world) => {
    await expect(openWorld({ ...at, world })).rejects.toThrow(
      `Cannot play "${world}": it does not run in a browser, must be one of tabletop, libero, detour`,
    );
  });

  it("takes of an arm's row what the world has", async () => {
    const { env, expert } = await openWorld({ ...at, world: "detour" });
    const box = { row: Float32Array.of(0.4, -0.2, 9, 9, 9, 9, -1) };
    const keys = driverOf({ kind: "keyboard" }, { spec: env.spec, box, expert });
    const { chunk } = await keys.next({} as never);
    expect(chunk.actionDim).toBe(actionDim(env.spec.action));
    expect([...chunk.data]).toEqual([...Float32Array.of(0.4, -0.2)]);
    expect(() => driverOf({ kind: "policy" }, { spec: env.spec, box, expert })).toThrow(
      "the world is open without a policy",
    );
    expect(expert().spec.name).toBe("scripted-detour");
    await env.close();
  });
});
