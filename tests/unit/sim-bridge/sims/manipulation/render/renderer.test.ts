import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../../../../sim-bridge/sims/manipulation/render/renderer.ts";
import {
  LIGHT_TYPE,
  TEXTURE_TYPE,
} from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import type {
  CameraRenderer,
  CameraRendererOptions,
  RenderModel,
} from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import type { TestGeom } from "../../../../../support/render/model.ts";
import {
  CAMERA_ABOVE,
  bodyPoses,
  pixelAt,
  renderModel,
} from "../../../../../support/render/model.ts";

const HEADLIGHT = {
  active: true,
  ambient: [0.3, 0.3, 0.3],
  diffuse: [0.5, 0.5, 0.5],
  specular: [0.2, 0.2, 0.2],
};
const CHECKER = {
  type: TEXTURE_TYPE.flat2d,
  width: 2,
  height: 2,
  channels: 3,
  srgb: false,
  data: Uint8Array.from([200, 180, 150, 90, 80, 70, 90, 80, 70, 200, 180, 150]),
};

/** Body 1 moves, body 2 is welded to the world, body 3 carries a camera and moves. */
function scene(): RenderModel {
  return renderModel({
    geoms: [
      {
        type: "plane",
        size: [1.5, 1.5, 0.5],
        material: { textureId: 0, texRepeat: [5, 5], specular: 0.3 },
      },
      {
        type: "box",
        size: [0.2, 0.1, 0.15],
        pos: [0.4, 0.3, 0.15],
        rgba: [0.8, 0.2, 0.1, 1],
        bodyId: 2,
      },
      {
        type: "sphere",
        size: [0.25],
        rgba: [0.1, 0.5, 0.9, 1],
        bodyId: 1,
        material: { specular: 0.9, shininess: 0.5 },
      },
      {
        type: "capsule",
        size: [0.08, 0.2],
        pos: [0.1, 0, 0.3],
        quatWxyz: [0.8, 0, 0.6, 0],
        bodyId: 1,
        rgba: [0.9, 0.8, 0.2, 1],
      },
      { type: "cylinder", size: [0.1, 0.1], pos: [-0.5, 0.4, 0.1], rgba: [0.2, 0.7, 0.3, 1] },
      {
        type: "ellipsoid",
        size: [0.2, 0.1, 0.08],
        pos: [-0.4, -0.4, 0.1],
        rgba: [0.7, 0.3, 0.7, 1],
      },
      {
        type: "box",
        size: [0.15, 0.15, 0.15],
        pos: [-0.1, -0.2, 0.2],
        rgba: [0.2, 0.9, 0.9, 0.4],
        bodyId: 1,
      },
    ],
    lights: [
      {
        type: LIGHT_TYPE.spot,
        pos: [1, -1, 2],
        dir: [-0.5, 0.5, -1],
        diffuse: [0.6, 0.6, 0.5],
        specular: [0.4, 0.4, 0.4],
        cutoffDeg: 60,
      },
    ],
    textures: [CHECKER],
    headlight: HEADLIGHT,
    bodyWeldId: [0, 1, 0, 3],
    cameras: [
      CAMERA_ABOVE,
      { name: "hand", bodyId: 3, pos: [0, 0, 0], quatWxyz: [0.9, 0.3, 0.1, 0.2], fovyDeg: 70 },
    ],
  });
}

const ALL = { rgb: true, depth: true, segmentation: true };
const options = (more: Partial<CameraRendererOptions> = {}): CameraRendererOptions => ({
  width: 48,
  height: 40,
  ...more,
});
const poseAt = (step: number): ReturnType<typeof bodyPoses> =>
  bodyPoses(4, {
    1: [0.4 * Math.sin(step), 0.3 * Math.cos(2 * step), 0.2],
    3: [0.1 * step, -0.5, 1.2],
  });

/** The scene with a mirror on the floor; the box that moves dips into it, body 1 crosses its plane. */
function mirrorScene(): RenderModel {
  const model = scene();
  const { geoms, materials } = model;
  const reflectance = materials.reflectance.slice();
  reflectance[1] = 0.5;
  const size = geoms.size.slice();
  size.set([0.5, 0.6, 0.05], 3);
  const pos = geoms.pos.slice();
  pos.set([0.1, 0.1, 0.06], 3);
  return { ...model, geoms: { ...geoms, size, pos }, materials: { ...materials, reflectance } };
}

describe("createCameraRenderer", () => {
  for (const samples of [1, 4] as const) {
    it.each([
      { name: "no mirror", make: scene, fidelity: "fast" },
      { name: "a mirror", make: mirrorScene, fidelity: "fast" },
      { name: "a mirror, exact", make: mirrorScene, fidelity: "exact" },
    ] as const)(
      `draws the same bytes with and without a baked background, $name, ${samples} samples`,
      ({ make, fidelity }) => {
        const same = options({ samples, fidelity });
        const baked = createCameraRenderer(make(), same);
        const fresh = createCameraRenderer(make(), { ...same, cacheBackground: false });
        for (let step = 0; step < 12; step++) {
          for (const camera of ["above", "hand"]) {
            const expected = fresh.render(camera, poseAt(step), ALL);
            expect(baked.render(camera, poseAt(step), ALL), `${camera} ${step}`).toEqual(expected);
          }
        }
      },
    );
  }

  it("draws the same bytes again, in any order of cameras", () => {
    const renderer = createCameraRenderer(scene(), options());
    const first = renderer.render("above", poseAt(1), ALL);
    renderer.render("hand", poseAt(2));
    renderer.render("above", poseAt(3));
    expect(renderer.render("above", poseAt(1), ALL)).toEqual(first);
    expect(createCameraRenderer(scene(), options()).render("above", poseAt(1), ALL)).toEqual(first);
  });

  it("draws this very picture in every process", () => {
    const renderer = createCameraRenderer(scene(), options());
    const hash = createHash("sha256");
    for (const camera of ["above", "hand"]) {
      const { rgb, depth, segmentation } = renderer.render(camera, poseAt(1), ALL);
      hash
        .update(rgb)
        .update(new Uint8Array(depth!.buffer))
        .update(new Uint8Array(segmentation!.buffer));
    }
    expect(hash.digest("hex")).toBe(
      "be1032e4b4337ae206c5e8cc3b1488494b12aa68cb09d1638050c85b7ac477c4",
    );
  });

  it("gives arrays that belong to the caller", () => {
    const renderer = createCameraRenderer(scene(), options());
    const first = renderer.render("above", poseAt(1), ALL);
    const copy = structuredClone(first);
    renderer.render("above", poseAt(2), ALL);
    expect(first).toEqual(copy);
  });

  it("notices a static body that was moved, and may be told to bake anew", () => {
    const moved = bodyPoses(4, { 1: [0, 0, 0.2], 2: [-0.3, 0.1, 0.2] });
    const expected = createCameraRenderer(scene(), options({ cacheBackground: false })).render(
      "above",
      moved,
      ALL,
    );
    const renderer = createCameraRenderer(scene(), options());
    renderer.render("above", poseAt(0), ALL);
    expect(renderer.render("above", moved, ALL)).toEqual(expected);
    renderer.invalidate();
    expect(renderer.render("above", moved, ALL)).toEqual(expected);
  });

  it("puts row 0 at the top, labels geoms by id + 1 and measures depth along the axis", () => {
    const model = renderModel({
      geoms: [
        { type: "box", size: [0.1, 0.1, 0.1], pos: [0, 0.7, 0] },
        { type: "box", size: [0.1, 0.1, 0.3], pos: [0.7, 0, 0] },
      ],
    });
    const renderer = createCameraRenderer(model, { width: 40, height: 40, samples: 1 });
    const { segmentation, depth } = renderer.render("above", bodyPoses(1), { ...ALL, rgb: false });
    expect(segmentation![5 * 40 + 20]).toBe(1); // +y is up in the image
    expect(segmentation![20 * 40 + 36]).toBe(2); // +x is right
    expect(segmentation![20 * 40 + 20]).toBe(0);
    expect(depth![5 * 40 + 20]).toBeCloseTo(1.9, 6);
    expect(depth![20 * 40 + 36]).toBeCloseTo(1.7, 6);
    expect(depth![20 * 40 + 20]).toBeCloseTo(50, 5); // the far plane
  });

  it("clips at the near plane instead of dropping what crosses it", () => {
    // Camera 5 cm above a floor, looking along it: the lower half of the image is floor.
    const half = Math.SQRT1_2;
    const camera = {
      name: "low",
      bodyId: 0,
      pos: [0, 0, 0.05],
      quatWxyz: [half, half, 0, 0],
      fovyDeg: 90,
    };
    const model = renderModel({
      geoms: [{ type: "plane", size: [20, 20, 20] }],
      cameras: [camera],
      znear: 0.02,
    });
    const renderer = createCameraRenderer(model, { width: 32, height: 32, samples: 1 });
    const { segmentation, depth } = renderer.render("low", bodyPoses(1), { ...ALL, rgb: false });
    for (let row = 0; row < 32; row++) {
      const slope = (row + 0.5 - 16) / 16; // downwards
      for (let column = 0; column < 32; column++) {
        const distance = 0.05 / slope;
        const seen = slope > 0 && distance < 19 && distance > 0.02;
        if (Math.abs(slope) < 0.01) continue;
        expect(segmentation![row * 32 + column], `${row} ${column}`).toBe(Number(seen));
        if (seen) expect(depth![row * 32 + column]! / distance).toBeCloseTo(1, 5);
      }
    }
  });

  it("shows nothing of a closed shape from its inside", () => {
    const model = renderModel({ geoms: [{ type: "sphere", size: [0.5], pos: [0, 0, 2] }] });
    const renderer = createCameraRenderer(model, options());
    const { segmentation } = renderer.render("above", bodyPoses(1), ALL);
    expect(segmentation!.every((label) => label === 0)).toBe(true);
  });

  it("mixes see-through geoms over what is behind, and labels them", () => {
    const glow = (rgba: number[]): object => ({ rgba, material: { emission: 1 } });
    const geoms = [
      { type: "plane", size: [1, 1, 1], ...glow([1, 0, 0, 1]) },
      { type: "box", size: [0.3, 0.3, 0.3], ...glow([0, 0, 1, 0.5]) },
      { type: "box", size: [0.1, 0.1, 0.1], pos: [0.6, 0.6, -1], ...glow([0, 1, 0, 0.5]) },
    ] as const;
    const renderer = createCameraRenderer(renderModel({ geoms }), { width: 40, height: 40 });
    const { rgb, segmentation } = renderer.render("above", bodyPoses(1), ALL);
    expect(pixelAt(rgb, 40, 20, 20)).toEqual([64, 0, 191]); // 1 - (1 - 0.5)^2 of blue
    expect(pixelAt(rgb, 40, 32, 8)).toEqual([255, 0, 0]); // hidden under the plane
    expect(segmentation![20 * 40 + 20]).toBe(2);
  });

  describe("colours that change", () => {
    /** A lamp that is off in the model on a fixed floor, and a box that moves. */
    const lampModel = (): RenderModel => {
      const glow = (rgba: number[]): object => ({ rgba, material: { emission: 1 } });
      const model = renderModel({
        geoms: [
          { type: "plane", size: [1, 1, 1], ...glow([0.2, 0.2, 0.2, 1]) },
          { type: "cylinder", size: [0.4, 0.02], pos: [0, 0, 0.02], ...glow([1, 0, 0, -1]) },
          { type: "box", size: [0.1, 0.1, 0.1], ...glow([0, 0, 1, 1]), bodyId: 1 },
        ],
        bodyWeldId: [0, 1],
      });
      return { ...model, geoms: { ...model.geoms, dynamicColours: [1] } };
    };
    const look = (renderer: CameraRenderer, rgba?: number[]): number[] => {
      const poses = bodyPoses(2, { 1: [0.8, 0.8, 0.1] });
      const geomColours = rgba && Float32Array.from(rgba);
      const images = renderer.render(
        "above",
        { ...poses, ...(geomColours && { geomColours }) },
        ALL,
      );
      return [...pixelAt(images.rgb, 40, 20, 20), images.segmentation![20 * 40 + 20]!];
    };

    it.each([true, false])("are those of the frame, with a background %s", (cacheBackground) => {
      const size = { width: 40, height: 40, cacheBackground };
      const renderer = createCameraRenderer(lampModel(), size);
      for (let turn = 0; turn < 2; turn++) {
        expect(look(renderer)).toEqual([51, 51, 51, 1]);
        expect(look(renderer, [1, 0.4, 0, 1])).toEqual([255, 102, 0, 2]);
        expect(look(renderer, [0, 1, 0, 0.5])).toEqual([13, 204, 13, 2]); // 3/4 of the green
        expect(look(renderer, [0, 1, 0, 0])).toEqual([51, 51, 51, 1]);
      }
    });

    it("draw what a model with those colours would", () => {
      const renderer = createCameraRenderer(lampModel(), options());
      const { geoms, ...rest } = lampModel();
      for (const colour of [
        [0.3, 0.9, 0.1, 1],
        [0.9, 0.1, 0.2, 0.6],
      ]) {
        // prettier-ignore
        const geomColours = Float32Array.from(colour);
        const rgba = geoms.rgba.slice();
        rgba.set(geomColours, 4);
        const { dynamicColours: _, ...fixed } = geoms;
        const model = { ...rest, geoms: { ...fixed, rgba } };
        const poses = bodyPoses(2, { 1: [0.2, 0.1, 0.1] });
        const expected = createCameraRenderer(model, options()).render("above", poses, ALL);
        expect(renderer.render("above", { ...poses, geomColours }, ALL)).toEqual(expected);
      }
    });

    it("must be finite and four for each geom that the model names", () => {
      const renderer = createCameraRenderer(lampModel(), options());
      expect(() => look(renderer, [1, 1, 1])).toThrow(/there are 3 numbers, there must be 4/);
      expect(() => look(renderer, [1, NaN, 1, 1])).toThrow(/a colour is not finite/);
      const model = lampModel();
      for (const dynamicColours of [[3], [-1], [1, 1], [0.5]]) {
        const strange = { ...model, geoms: { ...model.geoms, dynamicColours } };
        expect(() => createCameraRenderer(strange, options())).toThrow(
          /dynamicColours names geom .*, it must name geoms from 0 to 2, each once/,
        );
      }
    });
  });

  describe("mirrors", () => {
    const glow = (rgba: number[], more: object = {}): object => ({
      rgba,
      material: { emission: 1, ...more },
    });
    /** From 45 degrees: the mirror's middle shows what is straight above its other end. */
    const slanted = {
      name: "slanted",
      bodyId: 0,
      pos: [0, -1, 1],
      quatWxyz: [Math.cos(Math.PI / 8), Math.sin(Math.PI / 8), 0, 0],
      fovyDeg: 60,
    };
    const mirror = { type: "box", size: [0.4, 0.4, 0.1], pos: [0, 0, -0.1] } as const;
    const wall = { type: "box", size: [2, 0.1, 0.8], pos: [0, 0.6, 0.8] } as const;
    const middle = (geoms: readonly TestGeom[]): number[] => {
      const model = renderModel({ geoms, cameras: [slanted] });
      const renderer = createCameraRenderer(model, { width: 40, height: 40 });
      return pixelAt(renderer.render("slanted", bodyPoses(1)).rgb, 40, 20, 20);
    };
    const surface = glow([0.2, 0.2, 0.2, 1], { reflectance: 0.5 });

    it("adds the scaled colour of what is seen in the face", () => {
      const seen = middle([
        { ...mirror, ...surface },
        { ...wall, ...glow([1, 0, 0.8, 1]) },
      ]);
      expect(seen).toEqual([51 + 128, 51, 51 + 102]);
    });

    it("does so with the first opaque plane or box that reflects", () => {
      const decoys = [
        { type: "sphere", size: [0.1], pos: [3, 3, 0], ...surface },
        { ...mirror, pos: [0, 0, -1.1], ...glow([1, 1, 1, 0.5], { reflectance: 0.9 }) },
      ] as const;
      const rest = [
        { ...mirror, ...surface },
        { ...wall, ...glow([1, 0, 0, 1]) },
      ] as const;
      expect(middle([...decoys, ...rest])).toEqual([179, 51, 51]);
      const other = { ...mirror, pos: [0, 0, -2], ...surface } as const;
      expect(middle([other, ...rest])).toEqual([51, 51, 51]);
      // A plane that is seen from behind passes it on, a box does not.
      const above = { pos: [0, 0, 3], ...surface } as const;
      expect(middle([{ type: "plane", size: [1, 1, 1], ...above }, ...rest])).toEqual([
        179, 51, 51,
      ]);
      expect(middle([{ type: "box", size: [1, 1, 0.1], ...above }, ...rest])).toEqual([51, 51, 51]);
    });

    it("hides what is below the face and shows what crosses it down to it", () => {
      const below = { type: "box", size: [0.1, 0.1, 0.1], ...glow([0, 1, 0, 1]) } as const;
      const face = { ...mirror, ...surface };
      expect(middle([face, { ...below, pos: [0, -0.5, -0.5] }])).toEqual([51, 51, 51]);
      const crossing = { ...wall, pos: [0, 0.6, 0], ...glow([0, 0.4, 0, 1]) } as const;
      expect(middle([face, crossing])).toEqual([51, 102, 51]);
    });

    it("shows see-through things in it, and none of it in depths and labels", () => {
      const geoms = [
        { ...mirror, ...surface },
        { ...wall, ...glow([1, 0, 0, 0.5]) },
      ] as const;
      // 1 - (1 - 0.5)^2 of half the red
      expect(middle(geoms)).toEqual([51 + 96, 51, 51]);
      const plain = geoms.map((geom) => ({ ...geom, material: { emission: 1 } }));
      const look = (shapes: readonly TestGeom[]): object => {
        const model = renderModel({ geoms: shapes, cameras: [slanted] });
        const renderer = createCameraRenderer(model, options());
        const { depth, segmentation } = renderer.render("slanted", bodyPoses(1), ALL);
        return { depth, segmentation };
      };
      expect(look(geoms)).toEqual(look(plain));
    });
  });

  it("draws only visible groups and nothing of alpha 0", () => {
    const glow = { material: { emission: 1 } };
    const geoms = [
      { type: "box", size: [0.2, 0.2, 0.2], pos: [-0.5, 0, 0], group: 3, ...glow },
      { type: "box", size: [0.2, 0.2, 0.2], rgba: [1, 1, 1, 0], ...glow },
    ] as const;
    const labels = (more: Partial<CameraRendererOptions>): number[] => {
      const renderer = createCameraRenderer(renderModel({ geoms }), options(more));
      return [...new Set(renderer.render("above", bodyPoses(1), ALL).segmentation)];
    };
    expect(labels({})).toEqual([0]);
    expect(labels({ visibleGroups: [3] })).toEqual([0, 1]);
  });

  it("refuses what it cannot draw", () => {
    expect(() => createCameraRenderer(scene(), options({ width: 0 }))).toThrow(RangeError);
    expect(() => createCameraRenderer(scene(), options({ samples: 2 as 1 }))).toThrow(
      /samples is 2, it must be 1 or 4/,
    );
    expect(() => createCameraRenderer(scene(), options({ fidelity: "good" as "exact" }))).toThrow(
      /fidelity is good, it must be "fast" or "exact"/,
    );
    const renderer = createCameraRenderer(scene(), options());
    expect(() => renderer.render("side", poseAt(0))).toThrow(
      /no such camera, it must be one of "above", "hand"/,
    );
    expect(() => renderer.render("above", bodyPoses(3))).toThrow(
      /9 and 27 numbers, they must have 12 and 36/,
    );
    renderer.dispose();
    renderer.dispose();
    expect(() => renderer.render("above", poseAt(0))).toThrow(/was disposed/);
  });
});
