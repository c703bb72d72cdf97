import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Camera } from "../../../../../../sim-bridge/sims/manipulation/render/camera.ts";
import { VIEW_STRIDE } from "../../../../../../sim-bridge/sims/manipulation/render/camera.ts";
import { KernelRasterizer } from "../../../../../../sim-bridge/sims/manipulation/render/kernel-raster.ts";
import { Rasterizer } from "../../../../../../sim-bridge/sims/manipulation/render/raster.ts";
import { RasterMemory } from "../../../../../../sim-bridge/sims/manipulation/render/raster-memory.ts";
import { buildScene } from "../../../../../../sim-bridge/sims/manipulation/render/scene.ts";
import type { RenderScene } from "../../../../../../sim-bridge/sims/manipulation/render/scene.ts";
import { renderModel } from "../../../../../support/render/model.ts";

const scene = buildScene(
  renderModel({
    geoms: [
      { type: "sphere", size: [0.3] },
      { type: "box", size: [0.4, 0.2, 0.1] },
      { type: "capsule", size: [0.1, 0.5] },
    ],
  }),
  [0],
);

/** Neither a multiple of a tile's edge, so the last tiles of rows and columns are cut. */
const SIZES = [
  { width: 27, height: 22 },
  { width: 32, height: 24 },
];

interface Pair {
  readonly plain: Rasterizer;
  readonly kernel: Rasterizer;
}

function createPair(size: { width: number; height: number }, samples: 1 | 4): Pair {
  const create = (kind: new (scene: RenderScene, memory: RasterMemory) => Rasterizer): Rasterizer =>
    new kind(
      scene,
      new RasterMemory(scene, { ...size, samples }, { buffers: 1, lists: 1, mirror: true }),
    );
  return { plain: create(Rasterizer), kernel: create(KernelRasterizer) };
}

function beginFrame(pair: Pair, isMirrored = false): void {
  for (const raster of [pair.plain, pair.kernel]) {
    raster.target.inverseDepth.fill(0.01);
    raster.target.triangle.fill(0);
    raster.begin(raster.target, isMirrored);
    raster.resetTouched();
    raster.triangles.count = 0;
    raster.vertices.clippedCount = 0;
  }
}

/** Everything that drawing leaves behind, as bytes: NaN and the sign of zero count. */
function traces({ target, triangles, touched }: Rasterizer): unknown {
  const length = triangles.count + 1;
  const { a, b, c, geom, planes } = triangles;
  const bytes = (data: NodeJS.TypedArray): string =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  return {
    count: triangles.count,
    touched: { ...touched },
    depths: bytes(target.inverseDepth),
    ids: bytes(target.triangle),
    corners: [a, b, c, geom].map((array) => bytes(array.subarray(1, length))),
    planes: bytes(planes.subarray(3, 3 * length)),
  };
}

function expectSame(pair: Pair): void {
  const [expected, actual] = [traces(pair.plain), traces(pair.kernel)];
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}

const near = fc.double({ min: -9, max: 40, noNaN: true });
const coordinate = fc.oneof(
  { weight: 4, arbitrary: near },
  { weight: 2, arbitrary: fc.integer({ min: -16, max: 300 }).map((eighths) => eighths / 8) },
  { weight: 1, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) }, // of clipped ones
);
const inverseW = fc.oneof(
  fc.double({ min: 0.02, max: 20, noNaN: true }),
  fc.constantFrom(1, 1, 2), // equal depths meet
);
const corner = fc.tuple(coordinate, coordinate, inverseW);
const anyTriangle = fc.tuple(corner, corner, corner);
const tiny = fc.double({ min: -1, max: 1, noNaN: true });
const smallTriangle = fc
  .tuple(corner, fc.array(tiny, { minLength: 4, maxLength: 4 }), fc.constantFrom(3, 1, 1e-3, 1e-12))
  .map(([[x, y, w], [bx, by, cx, cy], size]): [Corner, Corner, Corner] => [
    [x, y, w],
    [x + bx! * size, y + by! * size, w * 1.01],
    [x + cx! * size, y + cy! * size, w * 0.98],
  ]);
/** The third corner is all but on the edge between the others. */
const sliver = fc
  .tuple(corner, corner, fc.double({ min: 0, max: 1, noNaN: true }), tiny)
  .map(([a, b, along, off]): [Corner, Corner, Corner] => [
    a,
    b,
    [
      a[0] + along * (b[0] - a[0]) + off * 1e-9,
      a[1] + along * (b[1] - a[1]),
      a[2] + along * (b[2] - a[2]),
    ],
  ]);
type Corner = [number, number, number];
const triangles = fc.array(fc.oneof(anyTriangle, smallTriangle, sliver), {
  minLength: 1,
  maxLength: 40,
});

/** Sets the first three vertices and draws them the way round that faces the camera. */
function draw(raster: Rasterizer, corners: readonly Corner[]): void {
  const { vertices } = raster;
  corners.forEach(([x, y, w], index) => {
    vertices.column[index] = x;
    vertices.row[index] = y;
    vertices.inverseW[index] = w;
  });
  const [[ax, ay], [bx, by], [cx, cy]] = corners as [Corner, Corner, Corner];
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  if (area < 0) raster.fillTriangle(0, 1, 2);
  if (area > 0) raster.fillTriangle(0, 2, 1);
}

const angle = fc.double({ min: -4, max: 4, noNaN: true });
const placement = fc.record({
  geom: fc.nat(scene.geoms.length - 1),
  level: fc.nat(),
  turn: fc.tuple(angle, angle),
  at: fc.tuple(tiny, tiny, fc.double({ min: -0.2, max: 2, noNaN: true })),
});

/** A view that turns about two axes and then moves. */
function viewOf([pan, tilt]: [number, number], at: [number, number, number]): Float64Array {
  const [c, s, d, t] = [Math.cos(pan), Math.sin(pan), Math.cos(tilt), Math.sin(tilt)];
  const view = Float64Array.of(c, -s, 0, s * d, c * d, -t, s * t, c * t, d, ...at);
  expect(view.length).toBe(VIEW_STRIDE);
  return view;
}

describe("KernelRasterizer", () => {
  for (const size of SIZES) {
    for (const samples of [1, 4] as const) {
      const name = `${size.width} x ${size.height}, ${samples} samples`;

      it(`draws triangles of any shape as JavaScript does, bit for bit, ${name}`, () => {
        const pair = createPair(size, samples);
        let drawn = 0;
        let hidden = 0;
        const property = fc.property(triangles, (list) => {
          beginFrame(pair);
          for (const corners of list) {
            draw(pair.plain, corners);
            draw(pair.kernel, corners);
          }
          expectSame(pair);
          drawn += pair.plain.triangles.count;
          hidden += list.length - pair.plain.triangles.count;
        });
        fc.assert(property, { numRuns: 400, seed: 5 });
        expect(Math.min(drawn, hidden)).toBeGreaterThan(500);
      });

      it(`projects, clips and draws geoms as JavaScript does, bit for bit, ${name}`, () => {
        const pair = createPair(size, samples);
        let clipped = 0;
        const property = fc.property(fc.array(placement, { maxLength: 3 }), (list) => {
          const camera: Camera = {
            pose: new Float64Array(12),
            ...size,
            focalPx: 20,
            near: 0.05,
            far: 10,
          };
          beginFrame(pair);
          for (const { geom, level, turn, at } of list) {
            const { levels } = scene.geoms[geom]!;
            for (const raster of [pair.plain, pair.kernel]) {
              raster.triangles.currentGeom = geom;
              raster.drawLevel(camera, levels[level % levels.length]!, viewOf(turn, at), true);
            }
          }
          expectSame(pair);
          clipped += pair.plain.vertices.clippedCount;
        });
        fc.assert(property, { numRuns: 150, seed: 6 });
        expect(clipped).toBeGreaterThan(100);
      });

      it(`cuts and draws mirrored geoms as JavaScript does, bit for bit, ${name}`, () => {
        const pair = createPair(size, samples);
        let drawn = 0;
        let above = 0;
        const planes = fc.array(tiny, { minLength: 4, maxLength: 4 });
        const property = fc.property(placement, planes, ({ geom, level, turn, at }, plane) => {
          const pose = new Float64Array(12);
          const camera: Camera = { pose, ...size, focalPx: 20, near: 0.05, far: 10 };
          const { levels } = scene.geoms[geom]!;
          const shape = levels[level % levels.length]!;
          const view = viewOf(turn, at).map((value, index) => (index < 3 ? -value : value));
          beginFrame(pair, true);
          for (const raster of [pair.plain, pair.kernel]) {
            raster.drawLevel(camera, shape, view, true);
            raster.drawLevelAbove(camera, shape, view, Float64Array.from(plane));
          }
          expectSame(pair);
          drawn += pair.plain.triangles.count;
          const { vertices } = pair.plain;
          for (let vertex = vertices.sceneCount; vertex < vertices.count; vertex++) {
            const isCut = Math.abs(vertices.height(vertex, Float64Array.from(plane))) < 1e-12;
            if (isCut) above++;
          }
        });
        fc.assert(property, { numRuns: 100, seed: 7 });
        expect(Math.min(drawn, above)).toBeGreaterThan(100);
      });
    }
  }
});
