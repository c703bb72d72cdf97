import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitTextures } from "../../../../../../sim-bridge/sims/libero/visual/pack-textures.ts";

const limits = { textureSide: 256, sceneBytes: 1000 };
const NAMES = ["a", "b", "c", "d"];
/** Bytes of a texture at the full side, which fall with its area. */
const weights: Readonly<Record<string, number>> = { a: 400, b: 300, c: 300, d: 50 };
const bytesOf = (path: string, side: number): number => weights[path]! * (side / 256) ** 2;

describe("fitTextures", () => {
  it("leaves scenes alone that keep their budget", () => {
    const scenes = [
      { meshBytes: 0, textures: ["a", "b", "c"] },
      { meshBytes: 600, textures: ["a"] },
    ];
    expect([...fitTextures(scenes, limits, bytesOf).values()]).toEqual([256, 256, 256]);
  });

  it("halves the largest, then the next, for all scenes that show them; a path counts once", () => {
    const scenes = [
      { meshBytes: 300, textures: ["d", "c", "b", "a", "a"] },
      { meshBytes: 0, textures: ["a", "d"] },
    ];
    // 1350 -> 1050 without three quarters of a, then b, which comes before c
    const sides = fitTextures(scenes, limits, bytesOf);
    expect(Object.fromEntries(sides)).toEqual({ a: 128, b: 128, c: 256, d: 256 });
  });

  it("gives up where nothing more can be halved", () => {
    const sides = fitTextures([{ meshBytes: 2000, textures: ["a", "d"] }], limits, bytesOf);
    expect(Object.fromEntries(sides)).toEqual({ a: 32, d: 32 });
  });

  it("keeps every budget that can be kept, and halves nothing without need", () => {
    const scene = fc.record({
      meshBytes: fc.nat(1200),
      textures: fc.uniqueArray(fc.constantFrom(...NAMES)),
    });
    fc.assert(
      fc.property(fc.array(scene, { maxLength: 5 }), (scenes) => {
        const sides = fitTextures(scenes, limits, bytesOf);
        const bytes = ({ meshBytes, textures }: (typeof scenes)[number]): number =>
          textures.reduce((sum, path) => sum + bytesOf(path, sides.get(path)!), meshBytes);
        for (const each of scenes) {
          const isSmallest = each.textures.every((path) => sides.get(path) === 32);
          expect(bytes(each) <= 1000 || isSmallest).toBe(true);
        }
        const full = scenes.every(
          ({ meshBytes, textures }) =>
            textures.reduce((sum, path) => sum + weights[path]!, meshBytes) <= 1000,
        );
        if (full) expect(new Set([...sides.values(), 256])).toEqual(new Set([256]));
      }),
    );
  });
});
