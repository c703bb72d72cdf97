import { describe, expect, it } from "vitest";
import { quatWxyzFromAxisAngle } from "../../../../../src/math/index.ts";
import {
  projectedBox,
  unionOfBoxes,
  visibleBoxes,
} from "../../../../../sim-bridge/sims/manipulation/image-boxes.ts";

describe("visibleBoxes()", () => {
  it("bounds the pixels of each geom, with exclusive ends", () => {
    // prettier-ignore
    const labels = Uint16Array.of(
      0, 1, 1, 0,
      0, 0, 1, 3,
      0, 0, 0, 3,
    );
    expect(visibleBoxes(labels, 4, 3)).toEqual([
      { xMin: 1, yMin: 0, xMax: 3, yMax: 2 },
      undefined,
      { xMin: 3, yMin: 1, xMax: 4, yMax: 3 },
    ]);
  });

  it("unionOfBoxes() bounds several and skips what is not seen", () => {
    const a = { xMin: 1, yMin: 0, xMax: 3, yMax: 2 };
    const b = { xMin: 3, yMin: 1, xMax: 4, yMax: 3 };
    expect(unionOfBoxes([a, undefined, b])).toEqual({ xMin: 1, yMin: 0, xMax: 4, yMax: 3 });
    expect(unionOfBoxes([undefined])).toBeUndefined();
  });
});

describe("projectedBox()", () => {
  // 90 degrees over 100 pixels: at 1 m, 50 pixels are 1 m. It looks along -z, x right, y up.
  const view = {
    worldFromCamera: { position: [0, 0, 0], quatWxyz: [1, 0, 0, 0] },
    fovyRad: Math.PI / 2,
    width: 100,
    height: 100,
  } as const;
  const at = (x: number, y: number, z: number) =>
    ({ position: [x, y, z], quatWxyz: [1, 0, 0, 0] }) as const;

  it("projects the corners; the nearer face decides", () => {
    // The front face is at 1 m, so 0.2 m are 10 pixels; right is +x, up is smaller y.
    expect(projectedBox(view, at(0.205, 0.405, -1.1), [0.1, 0.1, 0.1])).toEqual({
      xMin: 54,
      yMin: 24,
      xMax: 66,
      yMax: 38,
    });
  });

  it("clips at the image, and has nothing outside it or behind the camera", () => {
    expect(projectedBox(view, at(1, 0, -1.1), [0.2, 0.1, 0.1])!.xMax).toBe(100);
    expect(projectedBox(view, at(3, 0, -1.1), [0.1, 0.1, 0.1])).toBeUndefined();
    expect(projectedBox(view, at(0, 0, 1), [0.1, 0.1, 0.1])).toBeUndefined();
    expect(projectedBox(view, at(0, 0, 0), [0.1, 0.1, 0.1])).toBeUndefined();
  });

  it("follows the camera's pose", () => {
    const turned = {
      ...view,
      worldFromCamera: {
        position: [1, 2, 3],
        // Turned right by a quarter: it looks along +x.
        quatWxyz: quatWxyzFromAxisAngle([0, -Math.PI / 2, 0]),
      },
    } as const;
    const box = projectedBox(turned, at(3, 2, 3), [0, 0.1, 0.1])!;
    expect((box.xMin + box.xMax) / 2).toBe(50);
    expect((box.yMin + box.yMax) / 2).toBe(50);
    expect(box.xMax - box.xMin).toBe(6);
  });
});
