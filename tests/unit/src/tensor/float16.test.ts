import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bfloat16ArrayFromFloat32,
  bfloat16FromFloat32,
  float16ArrayFromFloat32,
  float16FromFloat32,
  float32ArrayFromBfloat16,
  float32ArrayFromFloat16,
  float32FromBfloat16,
  float32FromFloat16,
} from "../../../../src/tensor/index.ts";

const formats = [
  { name: "float16", narrow: float16FromFloat32, widen: float32FromFloat16, infinity: 0x7c00 },
  { name: "bfloat16", narrow: bfloat16FromFloat32, widen: float32FromBfloat16, infinity: 0x7f80 },
] as const;

describe.each(formats)("$name", ({ narrow, widen, infinity }) => {
  it("comes back bit for bit through float32, for all 65,536 values", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = widen(bits);
      if (Number.isNaN(value)) expect(widen(narrow(value))).toBeNaN();
      else expect(narrow(value)).toBe(bits);
    }
  });

  it("rounds to the nearest representable value, ties to even", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        const bits = narrow(value);
        const magnitude = bits & 0x7fff;
        if (magnitude === infinity) return;
        const below = Math.abs(widen(magnitude === 0 ? 0 : magnitude - 1) - Math.abs(value));
        const here = Math.abs(widen(magnitude) - Math.abs(value));
        const above = Math.abs(widen(magnitude + 1) - Math.abs(value));
        if (magnitude > 0) expect(here).toBeLessThanOrEqual(below);
        expect(here).toBeLessThanOrEqual(above);
        if (here > 0 && (here === above || (magnitude > 0 && here === below))) {
          expect(magnitude % 2).toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps signs, zeros, infinities and NaN", () => {
    expect(narrow(-0)).toBe(0x8000);
    expect(Object.is(widen(0x8000), -0)).toBe(true);
    expect(narrow(Infinity)).toBe(infinity);
    expect(narrow(-Infinity)).toBe(0x8000 | infinity);
    expect(widen(narrow(NaN))).toBeNaN();
  });
});

describe("float16 and bfloat16 limits", () => {
  it("have their published edges", () => {
    expect(float32FromFloat16(0x7bff)).toBe(65504);
    expect(float16FromFloat32(65519.996)).toBe(0x7bff);
    expect(float16FromFloat32(65520)).toBe(0x7c00);
    expect(float32FromFloat16(0x0001)).toBe(2 ** -24);
    expect(float16FromFloat32(2 ** -25)).toBe(0);
    expect(float16FromFloat32(2 ** -25 * 1.001)).toBe(1);
    expect(float32FromBfloat16(0x3f80)).toBe(1);
    expect(bfloat16FromFloat32(3.4028235e38)).toBe(0x7f80);
  });

  it("array conversions agree with the scalar ones", () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 2 ** (i % 40));
    const halves = float16ArrayFromFloat32(values);
    expect([...halves]).toEqual([...values].map(float16FromFloat32));
    expect([...float32ArrayFromFloat16(halves)]).toEqual([...halves].map(float32FromFloat16));
    const brains = bfloat16ArrayFromFloat32(values);
    expect([...brains]).toEqual([...values].map(bfloat16FromFloat32));
    expect([...float32ArrayFromBfloat16(brains)]).toEqual([...brains].map(float32FromBfloat16));
  });
});
