import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { POSE_STRIDE } from "../../../../../../sim-bridge/sims/manipulation/render/pose.ts";
import { createCameraRenderer } from "../../../../../../sim-bridge/sims/manipulation/render/renderer.ts";
import {
  RESTING_FRAMES,
  RestingGeoms,
} from "../../../../../../sim-bridge/sims/manipulation/render/resting.ts";
import { buildScene } from "../../../../../../sim-bridge/sims/manipulation/render/scene.ts";
import type {
  BodyPoses,
  CameraImages,
  CameraRendererOptions,
  RenderModel,
} from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import type { TestGeom } from "../../../../../support/render/model.ts";
import { CAMERA_ABOVE, bodyPoses, renderModel } from "../../../../../support/render/model.ts";

/** A mirror on a floor and six bodies that can move, one of them with a see-through part and one with a lamp. */
const BODIES = 7;
function things(): RenderModel {
  const shapes: TestGeom[] = [
    { type: "plane", size: [1.5, 1.5, 0.5], material: { specular: 0.3 } },
    {
      type: "box",
      size: [0.4, 0.4, 0.05],
      pos: [0, 0, 0.02],
      material: { reflectance: 0.5, specular: 0.2 },
    },
    { type: "sphere", size: [0.15], bodyId: 1, rgba: [0.9, 0.2, 0.1, 1] },
    { type: "box", size: [0.1, 0.15, 0.1], bodyId: 2, rgba: [0.1, 0.6, 0.9, 1] },
    { type: "capsule", size: [0.06, 0.12], bodyId: 3, rgba: [0.9, 0.8, 0.2, 1] },
    { type: "cylinder", size: [0.12, 0.05], bodyId: 4, rgba: [0.2, 0.8, 0.3, 1] },
    { type: "ellipsoid", size: [0.15, 0.08, 0.1], bodyId: 5, rgba: [0.7, 0.3, 0.7, 1] },
    { type: "box", size: [0.08, 0.08, 0.08], bodyId: 6, rgba: [0.3, 0.3, 0.9, 0.4] },
    { type: "box", size: [0.05, 0.05, 0.05], bodyId: 5, pos: [0.1, 0, 0], rgba: [1, 0.5, 0, 1] },
  ];
  const half = Math.PI / 8;
  const model = renderModel({
    geoms: shapes,
    bodyWeldId: Array.from({ length: BODIES }, (_, body) => body),
    cameras: [
      CAMERA_ABOVE,
      {
        name: "slanted",
        bodyId: 0,
        pos: [0, -1.1, 1.1],
        quatWxyz: [Math.cos(half), Math.sin(half), 0, 0],
        fovyDeg: 60,
      },
    ],
    headlight: {
      active: true,
      ambient: [0.3, 0.3, 0.3],
      diffuse: [0.5, 0.5, 0.5],
      specular: [0.2, 0.2, 0.2],
    },
  });
  return { ...model, geoms: { ...model.geoms, dynamicColours: [8] } };
}

/** Frames in which few of the bodies move at a time, some through each other and over the mirror. */
const frames = fc
  .array(
    fc.record({
      body: fc.integer({ min: 1, max: BODIES - 1 }),
      to: fc.tuple(
        fc.double({ min: -0.6, max: 0.6, noNaN: true }),
        fc.double({ min: -0.6, max: 0.6, noNaN: true }),
        fc.double({ min: 0.05, max: 0.4, noNaN: true }),
      ),
      /** How many frames it then stays. */
      stays: fc.integer({ min: 1, max: 2 * RESTING_FRAMES + 2 }),
      lamp: fc.constantFrom(0, 0.5, 1),
    }),
    { minLength: 2, maxLength: 6 },
  )
  .map((moves) => {
    const places: Record<number, readonly number[]> = {};
    for (let body = 1; body < BODIES; body++) {
      places[body] = [0.7 * Math.cos(body), 0.7 * Math.sin(body), 0.15];
    }
    return moves.flatMap(({ body, to, stays, lamp }): BodyPoses[] => {
      places[body] = to;
      const geomColours = Float32Array.of(1, 0.8, 0.1, lamp);
      const poses = { ...bodyPoses(BODIES, places), geomColours };
      return Array.from({ length: stays }, () => poses);
    });
  });

/** Of the three pictures, one after the other: quicker to compare than arrays of numbers. */
function bytesOf({ rgb, depth, segmentation }: CameraImages): Buffer {
  const views = [rgb, new Uint8Array(depth!.buffer), new Uint8Array(segmentation!.buffer)];
  return Buffer.concat(views);
}

describe("pictures in which what rests is kept", () => {
  it.each([
    { samples: 4, fidelity: "fast" },
    { samples: 4, fidelity: "exact" },
    { samples: 1, fidelity: "fast" },
  ] as const)("are those drawn anew, byte for byte: $samples samples, $fidelity", (settings) => {
    const options: CameraRendererOptions = { width: 24, height: 20, ...settings };
    const all = { rgb: true, depth: true, segmentation: true };
    fc.assert(
      fc.property(frames, (poses) => {
        const kept = createCameraRenderer(things(), options);
        const anew = createCameraRenderer(things(), { ...options, cacheBackground: false });
        poses.forEach((pose, frame) => {
          for (const camera of ["above", "slanted"]) {
            const expected = bytesOf(anew.render(camera, pose, all));
            const found = bytesOf(kept.render(camera, pose, all));
            expect(found.equals(expected), `${camera} ${frame}`).toBe(true);
          }
        });
        kept.dispose();
        anew.dispose();
      }),
      { numRuns: 6 },
    );
  });

  it("are those of poses on the grid", () => {
    const step = 2 ** -10;
    const options = { width: 40, height: 36 };
    const onGrid = createCameraRenderer(things(), { ...options, poseStep: step });
    const plain = createCameraRenderer(things(), options);
    const at = (x: number): BodyPoses => bodyPoses(BODIES, { 1: [x, 0.25, 0.25] });
    for (const offset of [0, 0.2, -0.3, 0.45]) {
      const picture = onGrid.render("above", at(100 * step + offset * step));
      expect(picture).toEqual(plain.render("above", at(100 * step)));
    }
    expect(onGrid.render("above", at(100.6 * step))).toEqual(plain.render("above", at(101 * step)));
    for (const poseStep of [0, 1, -1, NaN]) {
      expect(() => createCameraRenderer(things(), { ...options, poseStep })).toThrow(
        /poseStep is .*, it must lie between 0 and 1/,
      );
    }
  });
});

describe("RestingGeoms", () => {
  const ball = (bodyId: number): TestGeom => ({ type: "sphere", size: [0.1], bodyId });
  const { geoms } = buildScene(renderModel({ geoms: [ball(1), ball(2), ball(3)] }), [0]);
  const rows = [0, 1, 2];
  const poses = new Float64Array(POSE_STRIDE * 3);
  const place = (row: number, x: number): void => {
    poses.set([x, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], POSE_STRIDE * row);
  };
  const lookFor = (resting: RestingGeoms, looks: number): readonly (readonly number[])[] =>
    Array.from({ length: looks }, () => resting.look(rows, []));

  it("takes what was still for some frames for resting", () => {
    const resting = new RestingGeoms(geoms, poses);
    rows.forEach((row) => place(row, row));
    const found = lookFor(resting, RESTING_FRAMES + 2);
    expect(found.map(({ length }) => length)).toEqual([
      ...Array.from({ length: RESTING_FRAMES + 1 }, () => 0),
      3,
    ]);
    place(1, 1.2);
    expect(resting.look(rows, [])).toEqual([0, 2]);
  });

  it("excepts what touches a thing that moves, and what touches that", () => {
    const resting = new RestingGeoms(geoms, poses);
    [0, 0.15, 1].forEach((x, row) => place(row, x));
    lookFor(resting, RESTING_FRAMES + 2);
    place(2, 0.3);
    expect(resting.look(rows, [])).toEqual([]); // 2 touches 1, which touches 0
    place(2, 1);
    resting.look(rows, []);
    const found = lookFor(resting, RESTING_FRAMES + 1);
    expect(found.map(({ length }) => length)).toEqual([0, 0, 0, 2, 3]);
  });

  it("never takes what changes for resting, nor what touches it", () => {
    const resting = new RestingGeoms(geoms, poses);
    [0, 0.15, 1].forEach((x, row) => place(row, x));
    for (let look = 0; look < RESTING_FRAMES + 2; look++) resting.look([1, 2], [0]);
    expect(resting.look([1, 2], [0])).toEqual([2]);
  });
});
