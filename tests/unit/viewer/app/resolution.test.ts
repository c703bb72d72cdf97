import { describe, expect, it } from "vitest";
import { Resolution } from "../../../../src/viewer/app/scene/resolution.ts";

/** Draws `count` frames, one every `stepMs`. */
function frames(resolution: Resolution, count: number, stepMs: number, fromMs = 0): number {
  let nowMs = fromMs;
  for (let i = 0; i < count; i++) resolution.frame((nowMs += stepMs));
  return nowMs;
}

describe("Resolution", () => {
  it("stays full while frames are fast enough", () => {
    const resolution = new Resolution();
    frames(resolution, 500, 40);
    expect(resolution.scale).toBe(1);
  });
  it("gets coarser while a movement is slow, down to a floor, and full again at rest", () => {
    const resolution = new Resolution();
    frames(resolution, 4, 120);
    expect(resolution.scale).toBeCloseTo(0.7, 9);
    frames(resolution, 100, 120, 10_000);
    expect(resolution.scale).toBeGreaterThan(0.4);
    expect(resolution.rest()).toBe(true);
    expect(resolution.scale).toBe(1);
    expect(resolution.rest()).toBe(false);
  });
  it("takes single frames, far apart, for no movement", () => {
    const resolution = new Resolution();
    frames(resolution, 100, 1000);
    expect(resolution.scale).toBe(1);
  });
  it("forgives a hiccup", () => {
    const resolution = new Resolution();
    let nowMs = 0;
    for (let i = 0; i < 50; i++) nowMs = frames(resolution, 1, i % 3 === 0 ? 200 : 16, nowMs);
    expect(resolution.scale).toBe(1);
  });
});
