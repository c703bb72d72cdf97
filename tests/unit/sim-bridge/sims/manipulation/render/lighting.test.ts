import { describe, expect, it } from "vitest";
import { createCameraRenderer } from "../../../../../../sim-bridge/sims/manipulation/render/renderer.ts";
import { LIGHT_TYPE } from "../../../../../../sim-bridge/sims/manipulation/render/types.ts";
import { bodyPoses, pixelAt, renderModel } from "../../../../../support/render/model.ts";
import type { TestModel } from "../../../../../support/render/model.ts";

const SIZE = 33; // odd: one pixel looks straight down
const MIDDLE = 16;

/** Colour of the point of a plane right below the camera, 2 m away. */
function colourBelow(test: Omit<TestModel, "geoms">, geom: object = {}): number[] {
  const plane = { type: "plane", size: [1, 1, 0.25], rgba: [0.8, 0.6, 0.4, 1], ...geom } as const;
  const model = renderModel({ ...test, geoms: [plane] });
  const renderer = createCameraRenderer(model, { width: SIZE, height: SIZE });
  const { rgb } = renderer.render("above", bodyPoses(1));
  return pixelAt(rgb, SIZE, MIDDLE, MIDDLE);
}

const bytes = (...rgb: number[]): number[] => rgb.map((c) => Math.round(255 * Math.min(1, c)));

describe("colours under lights, by hand", () => {
  it("headlight: rgba (ambient + diffuse cos), straight on", () => {
    const headlight = {
      active: true,
      ambient: [0.1, 0.2, 0.3],
      diffuse: [0.4, 0.4, 0.4],
      specular: [0, 0, 0],
    };
    expect(colourBelow({ headlight })).toEqual(bytes(0.8 * 0.5, 0.6 * 0.6, 0.4 * 0.7));
  });

  it("directional light at 60 degrees gives half its diffuse colour", () => {
    const dir = [Math.sqrt(3) / 2, 0, -0.5];
    const lights = [{ type: LIGHT_TYPE.directional, dir, diffuse: [0.9, 0.8, 0.7] }];
    expect(colourBelow({ lights })).toEqual(bytes(0.8 * 0.45, 0.6 * 0.4, 0.4 * 0.35));
  });

  it("a light from below gives nothing but its ambient part", () => {
    const lights = [
      {
        type: LIGHT_TYPE.directional,
        dir: [0, 0, 1],
        diffuse: [1, 1, 1],
        ambient: [0.1, 0.1, 0.1],
        specular: [1, 1, 1],
      },
    ];
    expect(colourBelow({ lights }, { material: { specular: 1 } })).toEqual(bytes(0.08, 0.06, 0.04));
  });

  it("attenuation of a point light: 1 / (c + b d + q d^2)", () => {
    const lights = [
      {
        type: LIGHT_TYPE.point,
        pos: [0, 0, 2],
        dir: [1, 0, 0],
        diffuse: [1, 1, 1],
        attenuation: [1, 0.5, 0.25],
      },
    ];
    const strength = 1 / (1 + 0.5 * 2 + 0.25 * 4);
    expect(colourBelow({ lights })).toEqual(bytes(0.8 * strength, 0.6 * strength, 0.4 * strength));
  });

  it("a spot fades with the power of the cosine and ends at its cutoff", () => {
    const spot = (tilt: number): number[] =>
      colourBelow({
        lights: [
          {
            type: LIGHT_TYPE.spot,
            pos: [0, 0, 2],
            dir: [Math.sin(tilt), 0, -Math.cos(tilt)],
            diffuse: [1, 1, 1],
            cutoffDeg: 40,
            exponent: 3,
          },
        ],
      });
    const strength = Math.cos(Math.PI / 6) ** 3;
    expect(spot(Math.PI / 6)).toEqual(bytes(0.8 * strength, 0.6 * strength, 0.4 * strength));
    expect(spot(Math.PI / 4)).toEqual([0, 0, 0]);
  });

  it("highlight: specular (n.h)^(128 shininess), added before clamping", () => {
    const dir = [Math.sin(0.4), 0, -Math.cos(0.4)];
    const lights = [{ type: LIGHT_TYPE.directional, dir, specular: [0.5, 0.25, 0.125] }];
    const material = { specular: 0.8, shininess: 0.25 };
    const shine = 0.8 * Math.cos(0.2) ** 32; // h lies half way between light and eye
    const expected = bytes(0.5 * shine, 0.25 * shine, 0.125 * shine);
    colourBelow({ lights }, { material }).forEach(
      (byte, channel) => expect(Math.abs(byte - expected[channel]!)).toBeLessThanOrEqual(1), // the power is a table
    );
  });

  it("emission shines without light, and the sum is clamped", () => {
    expect(colourBelow({}, { material: { emission: 0.5 } })).toEqual(bytes(0.4, 0.3, 0.2));
    const headlight = { active: true, ambient: [1, 1, 1], diffuse: [1, 1, 1], specular: [0, 0, 0] };
    expect(colourBelow({ headlight })).toEqual([255, 255, 204]);
  });

  it("material colour counts only for geoms of the default grey", () => {
    const material = { rgba: [0.2, 0.4, 0.6, 1], emission: 1 };
    expect(colourBelow({}, { rgba: [0.5, 0.5, 0.5, 1], material })).toEqual(bytes(0.2, 0.4, 0.6));
    expect(colourBelow({}, { material })).toEqual(bytes(0.8, 0.6, 0.4));
  });
});
