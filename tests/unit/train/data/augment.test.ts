import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seeded } from "../../../../src/core/index.ts";
import type { Augmentation, ImageShape } from "../../../../src/train/data/augment.ts";
import {
  augmentInto,
  cropped,
  drawAugmentation,
  NO_AUGMENTATION,
} from "../../../../src/train/data/augment.ts";
import { createResizer } from "../../../../src/train/data/resize.ts";

const shapes = fc.record({
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom(1, 3, 4),
});
const factors = fc.double({ min: 0, max: 2, noNaN: true });

function randomImage({ height, width, channels }: ImageShape, seed = 1): Uint8Array {
  const rng = seeded(seed);
  return Uint8Array.from({ length: height * width * channels }, () => rng.int(256));
}

function changed(input: Uint8Array, shape: ImageShape, change: Partial<Augmentation>): Uint8Array {
  const output = new Uint8Array(input.length).fill(77);
  augmentInto(output, input, { from: shape, shape, change: { ...NO_AUGMENTATION, ...change } });
  return output;
}

/** The definition, pixel by pixel in float64. */
function oracle(input: Uint8Array, shape: ImageShape, change: Augmentation): number[] {
  const { height, width, channels } = shape;
  const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value));
  const at = (x: number, y: number, c: number): number =>
    input[
      (clamp(y + change.dy, height - 1) * width + clamp(x + change.dx, width - 1)) * channels + c
    ]!;
  const colours = Math.min(3, channels);
  const grey = (x: number, y: number): number =>
    colours === 1 ? at(x, y, 0) : 0.299 * at(x, y, 0) + 0.587 * at(x, y, 1) + 0.114 * at(x, y, 2);
  const pixels = Array.from({ length: height * width }, (_, i) => [
    i % width,
    Math.floor(i / width),
  ]);
  const mean =
    pixels.reduce((sum, [x, y]) => sum + change.brightness * grey(x!, y!), 0) / pixels.length;
  return pixels.flatMap(([x, y]) =>
    Array.from({ length: channels }, (_, c) => {
      if (c === 3) return at(x!, y!, c);
      const contrast = (value: number): number =>
        mean + change.contrast * (change.brightness * value - mean);
      const own = contrast(at(x!, y!, c));
      const shared = contrast(grey(x!, y!));
      return clamp(shared + (colours === 1 ? 1 : change.saturation) * (own - shared), 255);
    }),
  );
}

describe("augmentInto", () => {
  it("changes nothing where nothing was drawn, and never its input", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const input = randomImage(shape);
        const before = input.slice();
        expect(changed(input, shape, {})).toEqual(before);
        changed(input, shape, { dx: 1, dy: -1, brightness: 0.5 });
        expect(input).toEqual(before);
      }),
    );
  });

  it("is its definition, to half a step of the rounding", () => {
    const shifts = fc.integer({ min: -12, max: 12 });
    fc.assert(
      fc.property(shapes, fc.tuple(shifts, shifts, factors, factors, factors), (shape, drawn) => {
        const [dx, dy, brightness, contrast, saturation] = drawn;
        const change = { dx, dy, brightness, contrast, saturation };
        const input = randomImage(shape, 2);
        const wanted = oracle(input, shape, change);
        const found = changed(input, shape, change);
        for (const [i, value] of wanted.entries()) {
          expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(0.5 + 1e-6);
        }
      }),
    );
  });

  it("keeps a grey picture grey, and alpha as it is", () => {
    const shape = { height: 3, width: 4, channels: 4 };
    const input = Uint8Array.from({ length: 48 }, (_, i) =>
      i % 4 === 3 ? i : 10 * Math.floor(i / 4),
    );
    const output = changed(input, shape, { saturation: 0.2, brightness: 1.3, contrast: 0.7 });
    for (let i = 0; i < 48; i += 4) {
      expect(output[i + 1]).toBe(output[i]);
      expect(output[i + 2]).toBe(output[i]);
      expect(output[i + 3]).toBe(input[i + 3]);
    }
  });
});

describe("cropping", () => {
  it("takes the window at the drawn place, the same for every colour", () => {
    const from = { height: 5, width: 7, channels: 3 };
    const shape = { height: 3, width: 4, channels: 3 };
    const input = randomImage(from, 4);
    const places = new Set<string>();
    const rng = seeded("crops");
    for (let n = 0; n < 300; n++) {
      const change = cropped(NO_AUGMENTATION, { from, shape }, rng);
      const output = new Uint8Array(36);
      augmentInto(output, input, { from, shape, change });
      for (let y = 0; y < 3; y++) {
        const start = ((y + change.dy) * 7 + change.dx) * 3;
        expect(output.slice(y * 12, (y + 1) * 12)).toEqual(input.slice(start, start + 12));
      }
      places.add(`${change.dx},${change.dy}`);
    }
    // Four places across, three down.
    expect(places.size).toBe(12);
  });

  it("takes the centre where nothing is drawn, and repeats the edge where a shift leaves the image", () => {
    const from = { height: 4, width: 6, channels: 1 };
    const shape = { height: 2, width: 3, channels: 1 };
    expect(cropped(NO_AUGMENTATION, { from, shape }, undefined)).toMatchObject({ dx: 1, dy: 1 });
    const output = new Uint8Array(6);
    const input = Uint8Array.from({ length: 24 }, (_, i) => i);
    augmentInto(output, input, { from, shape, change: { ...NO_AUGMENTATION, dx: 4, dy: 3 } });
    expect([...output]).toEqual([22, 23, 23, 22, 23, 23]);
  });
});

describe("drawAugmentation", () => {
  it("stays within the strengths and reaches both ends", () => {
    const rng = seeded(3);
    const options = { shiftPx: 4, brightness: 0.3, contrast: 0.2, saturation: 0.1 };
    const draws = Array.from({ length: 2000 }, () => drawAugmentation(options, rng));
    expect(new Set(draws.map(({ dx }) => dx)).size).toBe(9);
    for (const key of ["brightness", "contrast", "saturation"] as const) {
      const values = draws.map((draw) => draw[key]);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(1 - options[key]);
      expect(Math.min(...values)).toBeLessThan(1 - 0.95 * options[key]);
      expect(Math.max(...values)).toBeGreaterThan(1 + 0.95 * options[key]);
    }
  });

  it("draws the same shifts whether or not colours change", () => {
    const shift = drawAugmentation({ shiftPx: 4 }, seeded("a"));
    const both = drawAugmentation({ shiftPx: 4, brightness: 0.5 }, seeded("a"));
    expect([both.dx, both.dy]).toEqual([shift.dx, shift.dy]);
    expect(shift.brightness).toBe(1);
  });
});

describe("createResizer", () => {
  it("averages areas: halves by blocks of four, other ratios by what is covered", () => {
    const half = createResizer({ height: 2, width: 4 }, { height: 1, width: 2 });
    const data = Uint8Array.of(0, 10, 100, 200, 20, 30, 50, 251);
    const halved = half.resize({ height: 2, width: 4, channels: 1, data });
    // (0 + 10 + 20 + 30) / 4 and (100 + 200 + 50 + 251) / 4 = 150.25
    expect([...halved.data]).toEqual([15, 150]);
    const thirds = createResizer({ height: 1, width: 3 }, { height: 1, width: 2 });
    const row = { height: 1, width: 3, channels: 1, data: Uint8Array.of(0, 90, 240) } as const;
    // Each output covers one and a half pixels: (0 + 45) / 1.5 and (45 + 240) / 1.5.
    expect([...thirds.resize(row).data]).toEqual([30, 190]);
  });

  it("keeps a plain picture plain, and the mean to the rounding", () => {
    const dims = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        fc.tuple(dims, dims, dims, dims),
        fc.integer({ min: 0, max: 255 }),
        (d, value) => {
          const [height, width] = [Math.max(d[0], d[1]), Math.max(d[2], d[3])];
          const output = { height: Math.min(d[0], d[1]), width: Math.min(d[2], d[3]) };
          const { resize } = createResizer({ height, width }, output);
          const plain = new Uint8Array(height * width * 3).fill(value);
          const resized = resize({ height, width, channels: 3, data: plain });
          expect(resized.data).toEqual(
            new Uint8Array(output.height * output.width * 3).fill(value),
          );
          const noise = randomImage({ height, width, channels: 1 });
          const small = resize({ height, width, channels: 1, data: noise }).data;
          const mean = (data: Uint8Array): number => data.reduce((a, b) => a + b, 0) / data.length;
          expect(Math.abs(mean(small) - mean(noise))).toBeLessThanOrEqual(0.5 + 1e-9);
        },
      ),
    );
  });
});
