import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePng } from "../../../src/episode/node.ts";
import { encodeStoredPng } from "../../../src/episode/stored-png.ts";

describe("encodeStoredPng()", () => {
  it("makes pictures that decode to what they were", () => {
    const sizes = fc.record({
      width: fc.integer({ min: 1, max: 40 }),
      height: fc.integer({ min: 1, max: 40 }),
      channels: fc.constantFrom(1 as const, 3 as const, 4 as const),
    });
    fc.assert(
      fc.property(sizes, fc.nat(), (size, seed) => {
        const length = size.width * size.height * size.channels;
        const data = Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);
        expect(decodePng(encodeStoredPng({ ...size, data }))).toEqual({ ...size, data });
      }),
      { numRuns: 50 },
    );
  });

  it("takes more than one block where one is too small", () => {
    const size = { width: 200, height: 150, channels: 3 } as const;
    const data = Uint8Array.from({ length: 90_000 }, (_, i) => i & 255);
    const png = encodeStoredPng({ ...size, data });
    // Header and trailer, two blocks, a filter byte per row.
    expect(png.length).toBe(8 + 25 + 12 + 12 + 2 + 2 * 5 + 4 + 90_000 + 150);
    expect(decodePng(png).data).toEqual(data);
  });

  it("refuses data of another size", () => {
    const data = new Uint8Array(5);
    expect(() => encodeStoredPng({ width: 2, height: 1, channels: 3, data })).toThrow(
      /image is uint8\[5\], must be uint8\[1, 2, 3\]/,
    );
  });
});
