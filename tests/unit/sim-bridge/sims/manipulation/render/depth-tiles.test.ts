import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DepthTiles } from "../../../../../../sim-bridge/sims/manipulation/render/depth-tiles.ts";
import { RasterMemory } from "../../../../../../sim-bridge/sims/manipulation/render/raster-memory.ts";
import { buildScene } from "../../../../../../sim-bridge/sims/manipulation/render/scene.ts";
import { renderModel } from "../../../../../support/render/model.ts";

const WIDTH = 11; // neither is a multiple of a tile's edge
const HEIGHT = 9;
const EDGE = 4;

interface Rectangle {
  readonly xMin: number;
  readonly xMax: number;
  readonly yMin: number;
  readonly yMax: number;
}

const rectangle: fc.Arbitrary<Rectangle> = fc
  .tuple(
    fc.tuple(fc.nat(WIDTH - 1), fc.nat(WIDTH - 1)),
    fc.tuple(fc.nat(HEIGHT - 1), fc.nat(HEIGHT - 1)),
  )
  .map(([x, y]) => ({
    xMin: Math.min(...x),
    xMax: Math.max(...x),
    yMin: Math.min(...y),
    yMax: Math.max(...y),
  }));

/** The smallest 1/w among the samples of all tiles that a rectangle touches, by looking at each. */
function farthestOf(inverseDepth: Float32Array, samples: number, at: Rectangle): number {
  const isTouched = (pixel: number, min: number, max: number): boolean =>
    Math.floor(pixel / EDGE) >= Math.floor(min / EDGE) &&
    Math.floor(pixel / EDGE) <= Math.floor(max / EDGE);
  let farthest = Infinity;
  inverseDepth.forEach((value, index) => {
    const x = index % WIDTH;
    const y = Math.floor(index / WIDTH / samples);
    if (!isTouched(x, at.xMin, at.xMax) || !isTouched(y, at.yMin, at.yMax)) return;
    farthest = Math.min(farthest, value);
  });
  return farthest;
}

function createTiles(samples: 1 | 4): DepthTiles {
  const scene = buildScene(renderModel({ geoms: [{ type: "sphere", size: [1] }] }), [0]);
  const size = { width: WIDTH, height: HEIGHT, samples };
  return new DepthTiles(new RasterMemory(scene, size, { buffers: 1, lists: 1 }));
}

describe("DepthTiles", () => {
  it.each([1, 4] as const)(
    "hides what is behind all samples, and nothing else, with %i samples",
    (samples) => {
      const step = fc.record({
        drawn: rectangle,
        asked: rectangle,
        near: fc.integer({ min: 1, max: 9 }),
      });
      let hidden = 0;
      const property = fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const inverseDepth = new Float32Array(WIDTH * HEIGHT * samples).fill(0.5);
        const tiles = createTiles(samples);
        for (const { drawn, asked, near } of steps) {
          for (let line = drawn.yMin * samples; line < (drawn.yMax + 1) * samples; line++) {
            for (let x = drawn.xMin; x <= drawn.xMax; x++) {
              const sample = line * WIDTH + x;
              inverseDepth[sample] = Math.max(inverseDepth[sample]!, near);
            }
          }
          const farthest = farthestOf(inverseDepth, samples, asked);
          for (const nearest of [near, farthest, 0.999 * farthest]) {
            const { xMin, xMax, yMin, yMax } = asked;
            const hides = tiles.hides(inverseDepth, xMin, xMax, yMin, yMax, nearest);
            if (hides !== nearest < farthest) throw new Error(`${nearest} against ${farthest}`);
            if (hides) hidden++;
          }
        }
      });
      fc.assert(property, { numRuns: 100, seed: 4 });
      expect(hidden).toBeGreaterThan(500);
    },
  );

  it("starts anew in another frame, whose samples may be farther", () => {
    const inverseDepth = new Float32Array(WIDTH * HEIGHT).fill(2);
    const tiles = createTiles(1);
    expect(tiles.hides(inverseDepth, 0, WIDTH - 1, 0, HEIGHT - 1, 1)).toBe(true);
    const next = new Float32Array(WIDTH * HEIGHT).fill(0.5);
    tiles.reset();
    expect(tiles.hides(next, 0, WIDTH - 1, 0, HEIGHT - 1, 1)).toBe(false);
  });
});
