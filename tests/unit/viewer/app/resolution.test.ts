import { describe, expect, it } from "vitest";
import { Resolution } from "../../../../src/viewer/app/scene/resolution.ts";

/** Draws `count` frames of a movement, each of which takes `tookMs`. */
function frames(resolution: Resolution, count: number, tookMs: number): void {
  for (let i = 0; i < count; i++) {
    resolution.move();
    resolution.drawn(tookMs);
  }
}

describe("Resolution", () => {
  it("stays full while frames are fast enough", () => {
    const resolution = new Resolution();
    frames(resolution, 500, 33);
    expect(resolution.move()).toBe(false);
    expect(resolution.scale).toBe(1);
  });
  it("gets coarser while a movement is slow, down to a floor, and full again at rest", () => {
    const resolution = new Resolution();
    frames(resolution, 4, 40);
    expect(resolution.scale).toBeCloseTo(0.7, 9);
    frames(resolution, 100, 40);
    expect(resolution.scale).toBeCloseTo(0.343, 9);
    expect(resolution.rest()).toBe(true);
    expect(resolution.scale).toBe(1);
    expect(resolution.rest()).toBe(false);
  });
  it("goes to the floor at once where frames are far too slow", () => {
    const resolution = new Resolution();
    frames(resolution, 4, 120);
    expect(resolution.scale).toBeCloseTo(0.343, 9);
  });
  it("remembers from one movement to the next that it is slow, or has been told so", () => {
    const told = new Resolution({ slow: true });
    const found = new Resolution();
    frames(found, 4, 120);
    found.rest();
    for (const resolution of [told, found]) {
      expect(resolution.scale).toBe(1);
      expect(resolution.move()).toBe(true);
      expect(resolution.scale).toBeCloseTo(0.343, 9);
      expect(resolution.rest()).toBe(true);
    }
  });
  it("forgives a hiccup, and frames in which something else went on", () => {
    const resolution = new Resolution();
    for (let i = 0; i < 50; i++) frames(resolution, 1, i % 3 === 0 ? 200 : 16);
    frames(resolution, 50, 700);
    expect(resolution.move()).toBe(false);
    expect(resolution.scale).toBe(1);
  });
});
