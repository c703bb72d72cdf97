import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KernelRasterizer } from "../../../../../../sim-bridge/sims/manipulation/render/kernel-raster.ts";
import { Rasterizer } from "../../../../../../sim-bridge/sims/manipulation/render/raster.ts";
import { RasterMemory } from "../../../../../../sim-bridge/sims/manipulation/render/raster-memory.ts";
import { buildScene } from "../../../../../../sim-bridge/sims/manipulation/render/scene.ts";
import { renderModel } from "../../../../../support/render/model.ts";

const SIZE = 24;
type Point = readonly [number, number];

/** The same drawn in JavaScript and by the kernel. */
const KINDS = { Rasterizer, KernelRasterizer };

/** A rasteriser whose first vertices are set by hand. */
function createRaster(kind: keyof typeof KINDS, samples: 1 | 4): Rasterizer {
  const scene = buildScene(renderModel({ geoms: [{ type: "sphere", size: [1] }] }), [0]);
  const size = { width: SIZE, height: SIZE, samples };
  return new KINDS[kind](scene, new RasterMemory(scene, size, { buffers: 1, lists: 1 }));
}

/** Samples covered by a triangle drawn alone, whichever way round its corners are. */
function covered(raster: Rasterizer, corners: readonly Point[], inverseW = [1, 1, 1]): Set<number> {
  raster.target.inverseDepth.fill(0);
  raster.target.triangle.fill(0);
  raster.begin(raster.target);
  raster.triangles.count = 0;
  const { column, row } = raster.vertices;
  corners.forEach(([x, y], index) => {
    column[index] = x;
    row[index] = y;
    raster.vertices.inverseW[index] = inverseW[index]!;
  });
  const [a, b, c] = corners as [Point, Point, Point];
  const area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
  if (area < 0) raster.fillTriangle(0, 1, 2);
  if (area > 0) raster.fillTriangle(0, 2, 1);
  const hits = new Set<number>();
  raster.target.triangle.forEach((id, sample) => id !== 0 && hits.add(sample));
  return hits;
}

const coordinate = fc.oneof(
  fc.double({ min: -8, max: SIZE + 8, noNaN: true }),
  fc.integer({ min: -2, max: SIZE + 2 }), // on borders of pixels
  fc.integer({ min: -16, max: 8 * SIZE + 16 }).map((eighths) => eighths / 8), // on samples
);
const point = fc.tuple(coordinate, coordinate);

/** Position of a sample in pixels, from its number. */
function samplePosition(sample: number, samples: 1 | 4): Point {
  const subRow = Math.floor(sample / SIZE);
  const offsets = [0.625, 0.125, 0.875, 0.375];
  const x = (sample % SIZE) + (samples === 1 ? 0.5 : offsets[subRow % 4]!);
  return [x, (subRow + 0.5) / samples];
}

describe.each(["Rasterizer", "KernelRasterizer"] as const)("%s", (kind) => {
  for (const samples of [1, 4] as const) {
    it(`covers each sample of a fan exactly once, ${samples} samples`, () => {
      const raster = createRaster(kind, samples);
      const turn = fc.double({ min: 1, max: 1.9, noNaN: true }); // no corner of the fan exceeds pi
      const radius = fc.double({ min: 0.5, max: 40, noNaN: true });
      const fan = fc.record({
        centre: point,
        turns: fc.array(turn, { minLength: 3, maxLength: 9 }),
        radius,
      });
      const property = fc.property(fan, ({ centre, turns, radius }) => {
        const total = turns.reduce((sum, t) => sum + t, 0);
        let angle = 0;
        const rim = turns.map((t): Point => {
          angle += (2 * Math.PI * t) / total;
          return [centre[0] + radius * Math.cos(angle), centre[1] + radius * Math.sin(angle)];
        });
        const counts = new Uint8Array(SIZE * SIZE * samples);
        rim.forEach((corner, index) => {
          const next = rim[(index + 1) % rim.length]!;
          for (const sample of covered(raster, [centre, corner, next]))
            counts[sample] = counts[sample]! + 1;
        });
        const inscribed = 0.999 * radius * Math.cos((Math.PI * Math.max(...turns)) / total);
        counts.forEach((count, sample) => {
          const [x, y] = samplePosition(sample, samples);
          const isInside = Math.hypot(x - centre[0], y - centre[1]) < inscribed;
          if (count > 1 || (isInside && count === 0))
            throw new Error(`${count} times at ${x} ${y}`);
        });
      });
      fc.assert(property, { numRuns: 200, seed: 1 });
    });

    it(`covers the two halves of a rectangle without gap, ${samples} samples`, () => {
      const raster = createRaster(kind, samples);
      const property = fc.property(point, point, ([x0, y0], [x1, y1]) => {
        const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
        const [top, low] = [Math.min(y0, y1), Math.max(y0, y1)];
        const [p, q, r, s]: [Point, Point, Point, Point] = [
          [left, top],
          [right, top],
          [right, low],
          [left, low],
        ];
        const diagonals: Point[][][] = [
          [
            [p, q, r],
            [p, r, s],
          ],
          [
            [p, q, s],
            [q, r, s],
          ],
        ];
        for (const halves of diagonals) {
          const [first, second] = halves.map((half) => covered(raster, half)) as [
            Set<number>,
            Set<number>,
          ];
          for (let sample = 0; sample < SIZE * SIZE * samples; sample++) {
            const [x, y] = samplePosition(sample, samples);
            const expected = Number(left <= x && x < right && top <= y && y < low);
            const count = Number(first.has(sample)) + Number(second.has(sample));
            if (count !== expected) throw new Error(`${count} times at ${x} ${y}`);
          }
        }
      });
      fc.assert(property, { numRuns: 60, seed: 2 });
    });
  }

  it("keeps the nearer of two triangles at each sample and interpolates 1/w exactly", () => {
    const raster = createRaster(kind, 1);
    const corners: Point[] = [
      [0, 0],
      [0, SIZE],
      [SIZE, 0],
    ];
    const hits = covered(raster, corners, [1, 2, 3]);
    for (const sample of hits) {
      const [x, y] = samplePosition(sample, 1);
      expect(raster.target.inverseDepth[sample]).toBeCloseTo(1 + y / SIZE + (2 * x) / SIZE, 6);
    }
    expect(hits.size).toBe((SIZE * (SIZE - 1)) / 2);
    const before = raster.target.triangle.slice();
    raster.vertices.inverseW.fill(0.5, 0, 3); // everywhere behind
    raster.fillTriangle(0, 1, 2);
    expect(raster.target.triangle).toEqual(before);
    raster.vertices.inverseW.fill(4, 0, 3); // everywhere in front
    raster.fillTriangle(0, 1, 2);
    for (const sample of hits) expect(raster.target.triangle[sample]).toBe(raster.triangles.count);
  });

  it("reports the rectangle it touched", () => {
    const raster = createRaster(kind, 4);
    raster.resetTouched();
    // The corner at 9.1 lies above the first row of samples of pixel row 9.
    covered(raster, [
      [3.2, 5.5],
      [3.2, 9.1],
      [7.7, 5.5],
    ]);
    expect(raster.touched).toEqual({ xMin: 3, yMin: 5, xMax: 8, yMax: 9 });
  });
});
