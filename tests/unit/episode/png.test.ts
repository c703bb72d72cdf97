import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RasterImage } from "../../../src/episode/node.ts";
import { decodePng, encodePng, encodePngAsync } from "../../../src/episode/node.ts";
import { crc32 } from "../../../src/episode/mcap/crc32.ts";

const images: fc.Arbitrary<RasterImage> = fc
  .record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    channels: fc.constantFrom<1 | 3 | 4>(1, 3, 4),
  })
  .chain((shape) => {
    const length = shape.width * shape.height * shape.channels;
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data) => ({ ...shape, data }));
  });

describe("encodePng()", () => {
  it("keeps every pixel, in either way", async () => {
    await fc.assert(
      fc.asyncProperty(images, fc.integer({ min: 0, max: 9 }), async (image, level) => {
        const png = encodePng(image, { level });
        expect(decodePng(png)).toEqual(image);
        expect(await encodePngAsync(image, { level })).toEqual(png);
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it("reads the image before it returns", async () => {
    const image: RasterImage = { width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 9) };
    const encoding = encodePngAsync(image);
    image.data.fill(0);
    expect(decodePng(await encoding).data).toEqual(Uint8Array.of(7, 9));
  });

  it.each([
    [2, 2, 3, 11],
    [0, 2, 3, 0],
  ])("refuses %i x %i x %i with %i bytes", (width, height, channels, length) => {
    const image = { width, height, channels: channels as 3, data: new Uint8Array(length) };
    expect(() => encodePng(image)).toThrow(TypeError);
  });
});

describe("decodePng()", () => {
  it("undoes every filter", () => {
    // One grey row per filter; the bytes after each filter's number were worked out by hand.
    const rows = Uint8Array.of(
      ...[0, 10, 20, 30], // none:    10 20 30
      ...[1, 5, 5, 5], //    sub:      5 10 15
      ...[2, 1, 1, 1], //    up:       6 11 16
      ...[3, 0, 0, 0], //    average:  3  7 11
      ...[4, 1, 0, 255], //  paeth:    4  7 10
    );
    const png = pngOf({ width: 3, height: 5, colourType: 0 }, rows);
    expect([...decodePng(png).data]).toEqual([
      10, 20, 30, 5, 10, 15, 6, 11, 16, 3, 7, 11, 4, 7, 10,
    ]);
  });

  const good = encodePng({ width: 3, height: 2, channels: 3, data: new Uint8Array(18).fill(4) });

  it("refuses every cut and every flipped byte", () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => decodePng(good.subarray(0, length))).toThrow(SyntaxError);
    }
    for (let at = 0; at < good.length; at++) {
      const bad = Uint8Array.from(good);
      bad[at]! ^= 0x10;
      expect(() => decodePng(bad)).toThrow(SyntaxError);
    }
  });

  it("refuses a picture that claims to be huge before it reserves memory", () => {
    const png = pngOf(
      { width: 2 ** 31 - 1, height: 2 ** 31 - 1, colourType: 2 },
      new Uint8Array(10),
    );
    expect(() => decodePng(png)).toThrow(/pixels/);
  });
});

/** A PNG around raw filtered rows, made without the encoder under test. */
function pngOf(
  { width, height, colourType }: { width: number; height: number; colourType: number },
  rows: Uint8Array,
): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourType], 8);
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}
