import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createCameraRenderer,
  createPlainCameraRenderer,
} from "../../../../../../sim-bridge/sims/manipulation/render/renderer.ts";
import {
  LIGHT_TYPE,
  TEXTURE_TYPE,
} from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import type {
  BodyPoses,
  CameraRendererOptions,
  RenderModel,
  RenderTexture,
} from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import { matrixFromQuatWxyz } from "../../../../../../src/math/index.ts";
import type { TestGeom, TestLight } from "../../../../../support/render/model.ts";
import { CAMERA_ABOVE, bodyPoses, renderModel } from "../../../../../support/render/model.ts";

/** No multiple of the block that shares a level of detail, nor of four. */
const SIZE = { width: 27, height: 22 };
/** Body 1 moves, body 2 carries a camera, body 3 is welded to the world. */
const BODY_WELD_ID = [0, 1, 2, 0];

const share = fc.double({ min: 0, max: 1, noNaN: true });
const sign = fc.double({ min: -1, max: 1, noNaN: true });
const colour = fc.tuple(share, share, share);
const direction = fc
  .tuple(sign, sign, sign)
  .map(([x, y, z]) => (x === 0 && y === 0 && z === 0 ? [0, 0, -1] : [x, y, z - 0.5]));
const quatWxyz = fc.tuple(sign, sign, sign, sign).map((raw) => {
  const length = Math.hypot(...raw) || 1;
  return length === 1 && raw[0] === 0 ? [1, 0, 0, 0] : raw.map((value) => value / length);
});

const texture = fc
  .record({
    type: fc.constantFrom(TEXTURE_TYPE.flat2d, TEXTURE_TYPE.flat2d, TEXTURE_TYPE.cube),
    width: fc.integer({ min: 1, max: 19 }),
    height: fc.integer({ min: 1, max: 19 }),
    seed: fc.nat(250),
  })
  .map(({ type, width, height, seed }) => imageOf(type, { width, height, seed }));

/** Few colours, so that neighbouring texels differ much. */
function imageOf(
  type: number,
  { width, height, seed }: { width: number; height: number; seed: number },
): RenderTexture {
  const rows = type === TEXTURE_TYPE.flat2d ? height : width;
  const data = Uint8Array.from(
    { length: 3 * width * rows },
    (_, index) => ((index + seed) * (index + 3 * seed + 7) * 37) & 255,
  );
  return { type, width, height: rows, channels: 3, srgb: seed % 2 === 0, data };
}

const material = fc.record({
  rgba: colour.map((rgb) => [...rgb, 1]),
  emission: fc.constantFrom(0, 0, 0.3),
  specular: fc.constantFrom(0, 0.5, 1),
  shininess: fc.constantFrom(0, 0.3, 1),
  reflectance: fc.constantFrom(0, 0, 0.5),
  textureId: fc.integer({ min: -1, max: 2 }),
  texRepeat: fc.constantFrom([1, 1] as const, [3, 2] as const, [9, 9] as const),
});

const geom = fc.record({
  type: fc.constantFrom("plane", "box", "sphere", "capsule", "cylinder", "ellipsoid"),
  size: fc.tuple(share, share, share).map((sizes) => sizes.map((value) => 0.05 + 0.5 * value)),
  pos: fc.tuple(sign, sign, share),
  quatWxyz: fc.oneof(fc.constant([1, 0, 0, 0]), quatWxyz),
  rgba: fc.oneof(
    fc.constant([0.5, 0.5, 0.5, 1]),
    colour.map((rgb) => [...rgb, 1]),
    colour.map((rgb) => [...rgb, 0.4]),
  ),
  bodyId: fc.constantFrom(0, 1, 3),
  material,
}) satisfies fc.Arbitrary<TestGeom>;

const light: fc.Arbitrary<TestLight> = fc.record({
  type: fc.constantFrom(LIGHT_TYPE.directional, LIGHT_TYPE.point, LIGHT_TYPE.spot),
  pos: fc.tuple(sign, sign, share).map(([x, y, z]) => [x, y, 0.5 + 2 * z]),
  dir: direction,
  diffuse: colour,
  specular: colour,
  ambient: colour.map((rgb) => rgb.map((value) => 0.2 * value)),
  attenuation: fc.constantFrom([1, 0, 0], [1, 0.2, 0.1]),
  cutoffDeg: fc.constantFrom(30, 80),
  exponent: fc.constantFrom(0, 1, 10, 2.5),
});

/** Where the movable body and the one with the camera are in a frame. */
const frame = fc.record({
  at: fc.tuple(sign, sign, share),
  eye: fc.tuple(sign, sign, share),
  turn: quatWxyz,
});

const scenes = fc.record({
  geoms: fc.array(geom, { minLength: 1, maxLength: 6 }),
  lights: fc.array(light, { maxLength: 3 }),
  textures: fc.tuple(texture, texture, texture),
  hasSky: fc.boolean(),
  hasHeadlight: fc.boolean(),
  frames: fc.array(frame, { minLength: 2, maxLength: 6 }),
  samples: fc.constantFrom<1 | 4>(1, 4, 4),
});
type Scene = typeof scenes extends fc.Arbitrary<infer T> ? T : never;

function modelOf({ geoms, lights, textures, hasSky, hasHeadlight }: Scene): RenderModel {
  const sky = imageOf(TEXTURE_TYPE.skybox, { width: 5, height: 5, seed: 3 });
  const eye = { ...CAMERA_ABOVE, name: "eye", bodyId: 2, pos: [0, 0, 0], fovyDeg: 70 };
  return renderModel({
    geoms,
    lights,
    textures: hasSky ? [...textures, sky] : textures,
    cameras: [CAMERA_ABOVE, eye],
    bodyWeldId: BODY_WELD_ID,
    headlight: {
      active: hasHeadlight,
      ambient: [0.1, 0.1, 0.2],
      diffuse: [0.5, 0.4, 0.4],
      specular: [0.3, 0.5, 0.5],
    },
  });
}

function posesOf({ at, eye, turn }: Scene["frames"][number]): BodyPoses {
  const poses = bodyPoses(BODY_WELD_ID.length, { 1: at, 2: eye });
  const [w = 1, x = 0, y = 0, z = 0] = turn;
  poses.bodyXmat.set(matrixFromQuatWxyz([w, x, y, z]), 18);
  return poses;
}

interface Seen {
  pictures: number;
  colourful: number;
}

/** Draws all frames both ways, each frame twice so that things come to rest and are kept. */
function expectSamePictures(scene: Scene, more: Partial<CameraRendererOptions>, seen: Seen): void {
  const options: CameraRendererOptions = { ...SIZE, samples: scene.samples, ...more };
  const model = modelOf(scene);
  const plain = createPlainCameraRenderer(model, options);
  const kernel = createCameraRenderer(model, options);
  for (const poses of scene.frames.map(posesOf)) {
    for (const camera of ["above", "eye", "above"]) {
      const expected = plain.render(camera, poses).rgb;
      const actual = kernel.render(camera, poses).rgb;
      if (Buffer.compare(actual, expected) !== 0) expect(actual).toEqual(expected);
      seen.pictures++;
      if (new Set(expected).size > 64) seen.colourful++;
    }
  }
  plain.dispose();
  kernel.dispose();
}

describe("pictures coloured by the kernels", () => {
  it("are those of plain JavaScript, byte for byte, whatever the scene", () => {
    const seen: Seen = { pictures: 0, colourful: 0 };
    const property = fc.property(scenes, (scene) => {
      expectSamePictures(scene, {}, seen);
    });
    fc.assert(property, { numRuns: 100, seed: 8 });
    expect(seen.colourful).toBeGreaterThan(seen.pictures / 4);
  });

  it("are the same where nothing is kept between frames", () => {
    const seen: Seen = { pictures: 0, colourful: 0 };
    const property = fc.property(scenes, (scene) => {
      expectSamePictures(scene, { cacheBackground: false }, seen);
    });
    fc.assert(property, { numRuns: 40, seed: 9 });
    expect(seen.colourful).toBeGreaterThan(seen.pictures / 4);
  });

  it("are the same with textures that are seen from afar and from close by, at every level of detail", () => {
    const heights = [0.02, 0.1, 0.5, 2, 8, 30];
    const floor: TestGeom = {
      type: "plane",
      size: [20, 20, 1],
      material: { textureId: 0, texRepeat: [8, 8] },
    };
    const dice: TestGeom = {
      type: "box",
      size: [0.3, 0.2, 0.01],
      material: { textureId: 1, rgba: [0.9, 0.8, 0.7, 1] },
    };
    const base = imageOf(TEXTURE_TYPE.flat2d, { width: 64, height: 48, seed: 5 });
    const cube = imageOf(TEXTURE_TYPE.cube, { width: 33, height: 33, seed: 6 });
    const headlight = {
      active: true,
      ambient: [0.4, 0.4, 0.4],
      diffuse: [0.6, 0.6, 0.6],
      specular: [0, 0, 0],
    };
    const model = renderModel({ geoms: [floor, dice], textures: [base, cube], headlight });
    const cameras = heights.map((z) => ({ ...CAMERA_ABOVE, name: `${z}`, pos: [0.1, 0.2, z] }));
    const options: CameraRendererOptions = { width: 41, height: 30 };
    const [plain, kernel] = [createPlainCameraRenderer, createCameraRenderer].map((create) =>
      create({ ...model, cameras }, options),
    );
    const pictures = new Set<string>();
    for (const { name } of cameras) {
      const expected = plain!.render(name, bodyPoses(1)).rgb;
      expect(kernel!.render(name, bodyPoses(1)).rgb).toEqual(expected);
      pictures.add(Buffer.from(expected).toString("latin1"));
    }
    expect(pictures.size).toBe(heights.length);
  });
});
