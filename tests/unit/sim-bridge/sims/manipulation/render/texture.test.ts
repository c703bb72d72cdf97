import { describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../../../../sim-bridge/sims/manipulation/render/renderer.ts";
import {
  TextureImage,
  blueOf,
  greenOf,
  redOf,
  sampleLevel,
} from "../../../../../../sim-bridge/sims/manipulation/render/texture.ts";
import { decodeImages } from "../../../../../../sim-bridge/sims/manipulation/render/mips.ts";
import { TEXTURE_TYPE } from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import type { RenderTexture } from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import { bodyPoses, pixelAt, renderModel } from "../../../../../support/render/model.ts";

function texture(
  options: Partial<RenderTexture> & { texels: readonly (readonly number[])[] },
): RenderTexture {
  const { texels, ...rest } = options;
  return {
    type: TEXTURE_TYPE.flat2d,
    width: 2,
    height: texels.length / 2,
    channels: texels[0]!.length,
    srgb: false,
    data: Uint8Array.from(texels.flat()),
    ...rest,
  };
}

const RED = [200, 0, 0];
const GREEN = [0, 160, 0];
const BLUE = [0, 0, 240];
const WHITE = [255, 255, 255];

function sample(source: RenderTexture, uv: readonly [number, number], lod256 = 0): number[] {
  const image = new TextureImage(decodeImages(source)[0]!, source.type === TEXTURE_TYPE.flat2d);
  const value = sampleLevel(image.levelFor(lod256), ...uv);
  const blue = blueOf(value);
  const green = greenOf(value, blue);
  return [redOf(value, blue, green), green, blue].map((channel) => channel / 256);
}

describe("texture sampling", () => {
  const four = texture({ texels: [RED, GREEN, BLUE, WHITE] });

  it("returns texels at their centres", () => {
    expect(sample(four, [0.25, 0.25])).toEqual(RED);
    expect(sample(four, [0.75, 0.25])).toEqual(GREEN);
    expect(sample(four, [0.25, 0.75])).toEqual(BLUE);
    expect(sample(four, [0.75, 0.75])).toEqual(WHITE);
  });

  it("mixes two mip levels for exact pictures", () => {
    const image = new TextureImage(decodeImages(four)[0]!, true);
    const mixed = (lod256: number): number[] => {
      const value = image.sampleBetween(lod256, 0.25, 0.25);
      const blue = blueOf(value);
      const green = greenOf(value, blue);
      return [redOf(value, blue, green), green, blue].map((channel) => channel / 256);
    };
    // The coarser level is one texel: the mean of all four.
    const mean = [0, 1, 2].map((channel) =>
      Math.round((RED[channel]! + GREEN[channel]! + BLUE[channel]! + WHITE[channel]!) / 4),
    );
    for (const lod256 of [-500, 0, 1, 37, 128, 255, 256, 5000]) {
      const weight = Math.min(Math.max(lod256, 0), 256) / 256;
      mixed(lod256).forEach((value, channel) => {
        const expected = RED[channel]! * (1 - weight) + mean[channel]! * weight;
        expect(Math.abs(value - expected), `${lod256} ${channel}`).toBeLessThanOrEqual(1 / 256);
      });
    }
  });

  it("repeats 2d textures and blends across the border", () => {
    expect(sample(four, [-3.75, 7.25])).toEqual(RED);
    expect(sample(four, [0, 0.25])).toEqual([100, 80, 0]);
  });

  it("clamps cube faces at the border", () => {
    const face = texture({ type: TEXTURE_TYPE.cube, texels: [RED, GREEN, BLUE, WHITE] });
    expect(sample(face, [-1, 0.25])).toEqual(RED);
    expect(sample(face, [1, 1])).toEqual(WHITE);
  });

  it("ends in the mean of all texels, between levels in a blend", () => {
    const mean = [0, 1, 2].map((c) => (RED[c]! + GREEN[c]! + BLUE[c]! + WHITE[c]!) / 4);
    sample(four, [0.3, 0.6], 256).forEach((value, c) => expect(value).toBeCloseTo(mean[c]!, -0.1));
    const half = sample(four, [0.25, 0.25], 128);
    half.forEach((value, c) => expect(Math.abs(value - (RED[c]! + mean[c]!) / 2)).toBeLessThan(1));
  });

  it("expands grey images and decodes sRGB to linear", () => {
    expect(sample(texture({ texels: [[90], [90], [90], [90]] }), [0.5, 0.5])).toEqual([90, 90, 90]);
    const encoded = texture({
      srgb: true,
      texels: [WHITE, WHITE, WHITE, WHITE].map(() => [188, 0, 255]),
    });
    expect(sample(encoded, [0.5, 0.5])).toEqual([128, 0, 255]); // 188 encodes half the light
  });
});

describe("textures on geoms", () => {
  const glow = { emission: 1, rgba: [1, 1, 1, 1] };
  const checker = texture({ texels: [RED, GREEN, BLUE, WHITE] });

  it("lays a 2d image over a plane once, u to +x and v to -y", () => {
    const material = { ...glow, textureId: 0 };
    const model = renderModel({
      geoms: [{ type: "plane", size: [1, 1, 1], material }],
      textures: [checker],
    });
    const { rgb } = createCameraRenderer(model, { width: 64, height: 64 }).render(
      "above",
      bodyPoses(1),
    );
    // The image shows exactly the plane, so texel centres are a quarter in from its corners.
    const nearly = (colour: number[], expected: number[]): void =>
      colour.forEach((byte, c) => expect(Math.abs(byte - expected[c]!)).toBeLessThanOrEqual(8));
    nearly(pixelAt(rgb, 64, 16, 16), RED);
    nearly(pixelAt(rgb, 64, 48, 16), GREEN);
    nearly(pixelAt(rgb, 64, 16, 48), BLUE);
    nearly(pixelAt(rgb, 64, 48, 48), WHITE);
  });

  it("repeats it texrepeat times and fades to the mean far away", () => {
    const material = { ...glow, textureId: 0, texRepeat: [256, 256] as [number, number] };
    const model = renderModel({
      geoms: [{ type: "plane", size: [1, 1, 1], material }],
      textures: [checker],
    });
    const { rgb } = createCameraRenderer(model, { width: 16, height: 16 }).render(
      "above",
      bodyPoses(1),
    );
    for (let pixel = 0; pixel < 256; pixel++) {
      const [r, g, b] = pixelAt(rgb, 16, pixel % 16, Math.floor(pixel / 16));
      expect(
        [Math.abs(r! - 114), Math.abs(g! - 104), Math.abs(b! - 124)].every((d) => d <= 1),
      ).toBe(true);
    }
  });

  it("shows the +z face of a cube texture on top of a box", () => {
    // Six single-colour faces, stacked: right, left, up, down, front, back; front is +z.
    const faces = [RED, GREEN, BLUE, WHITE, [10, 20, 30], [40, 50, 60]];
    const cube = texture({
      type: TEXTURE_TYPE.cube,
      width: 1,
      height: 6,
      texels: faces,
    });
    const model = renderModel({
      geoms: [{ type: "box", size: [0.5, 0.5, 0.5], material: { ...glow, textureId: 0 } }],
      textures: [{ ...cube, height: 6 }],
    });
    const { rgb } = createCameraRenderer(model, { width: 32, height: 32 }).render(
      "above",
      bodyPoses(1),
    );
    expect(pixelAt(rgb, 32, 16, 16)).toEqual([10, 20, 30]);
  });

  it("shows the sky's up face overhead and side faces at the horizon", () => {
    const faces = [RED, RED, BLUE, WHITE, RED, RED];
    const sky = { ...texture({ type: TEXTURE_TYPE.skybox, width: 1, texels: faces }), height: 6 };
    const up = { name: "up", bodyId: 0, pos: [0, 0, 0], quatWxyz: [0, 1, 0, 0], fovyDeg: 60 };
    const half = Math.SQRT1_2;
    const ahead = { ...up, name: "ahead", quatWxyz: [half, half, 0, 0] };
    const model = renderModel({ geoms: [], textures: [sky], cameras: [up, ahead] });
    const renderer = createCameraRenderer(model, { width: 9, height: 9 });
    expect(pixelAt(renderer.render("up", bodyPoses(1)).rgb, 9, 4, 4)).toEqual(BLUE);
    expect(pixelAt(renderer.render("ahead", bodyPoses(1)).rgb, 9, 4, 4)).toEqual(RED);
  });
});
