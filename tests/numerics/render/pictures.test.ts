import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../sim-bridge/sims/manipulation/render/renderer.ts";
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
  /** Decibels that each picture must reach; the mirror's reflection alone is worth more than 12 of them. */
  const LEAST_DB: Readonly<Record<string, number>> = {
    "mirror/front": 41,
    "mirror/graze": 41,
    "tabletop/front": 41,
    "tabletop/wrist": 41,
    "rings/front": 41,
    "rings/near": 41,
  };

  it.each(GOLDEN_SCENES)(
    "draws the same pictures: $name",
    async ({ name, xml, cameras, frames }) => {
      for (const [frame, qpos] of frames.entries()) {
        const scene = await RayCamera.open({ xml, qpos, keepsColours: true });
        const size = { width: golden.size, height: golden.size };
        const renderer = createCameraRenderer(scene.model, size);
        for (const camera of cameras) {
          const least = LEAST_DB[`${name}/${camera}`];
          if (least === undefined) continue;
          const { rgb } = renderer.render(camera, scene.poses);
          const psnr = psnrDb(rgb, goldenPicture(`${name}/${camera}/${frame}`));
          expect(psnr, `${name}/${camera}/${frame}`).toBeGreaterThanOrEqual(least);
        }
        renderer.dispose();
        scene.close();
      }
    },
  );
});
