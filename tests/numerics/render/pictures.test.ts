import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../sim-bridge/sims/manipulation/render/renderer.ts";
import type { Fidelity } from "../../../sim-bridge/sims/manipulation/render/types.ts";
import { RayCamera } from "../../support/render/engine.ts";
import { GOLDEN_SCENES } from "../../support/render/golden-scenes.mjs";

/** What MuJoCo's own renderer draws; tests/support/render/pictures_golden.py says how. */
const golden = JSON.parse(
  readFileSync(new URL("pictures.golden.json", import.meta.url), "utf8"),
) as { size: number; pictures: Record<string, string> };

function goldenPicture(name: string): Uint8Array {
  return inflateSync(Buffer.from(golden.pictures[name]!, "base64"));
}

/** Peak signal to noise ratio of 8-bit pictures, dB. */
function psnrDb(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  const squares = a.reduce((sum, value, index) => sum + (value - b[index]!) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / a.length));
}

describe("the renderer against MuJoCo's own", () => {
  /**
   * Decibels that each picture must reach. Without its reflection the mirror's would have 19 to 30; the
   * close view of shiny boxes ("hand") needs MuJoCo's own triangles, which only "exact" has.
   */
  const LEAST_DB: Readonly<Record<string, Readonly<Record<Fidelity, number>>>> = {
    "mirror/front": { fast: 41, exact: 47 },
    "mirror/graze": { fast: 41, exact: 50 },
    "mirror/hand": { fast: 31, exact: 50 },
    "tabletop/front": { fast: 42, exact: 55 },
    "tabletop/wrist": { fast: 42, exact: 55 },
    "rings/front": { fast: 41, exact: 50 },
    "rings/near": { fast: 44, exact: 57 },
  };

  const CASES = GOLDEN_SCENES.flatMap((scene) =>
    (["fast", "exact"] as const).map((fidelity) => ({ ...scene, fidelity })),
  );
  it.each(CASES)("draws the same pictures: $name, $fidelity", async (scene) => {
    const { name, xml, cameras, frames, fidelity } = scene;
    for (const [frame, qpos] of frames.entries()) {
      const opened = await RayCamera.open({ xml, qpos, keepsColours: true });
      const size = { width: golden.size, height: golden.size };
      const renderer = createCameraRenderer(opened.model, { ...size, fidelity });
      for (const camera of cameras) {
        const { rgb } = renderer.render(camera, opened.poses);
        const psnr = psnrDb(rgb, goldenPicture(`${name}/${camera}/${frame}`));
        const least = LEAST_DB[`${name}/${camera}`]![fidelity];
        expect(psnr, `${name}/${camera}/${frame}`).toBeGreaterThanOrEqual(least);
      }
      renderer.dispose();
      opened.close();
    }
  });
});
