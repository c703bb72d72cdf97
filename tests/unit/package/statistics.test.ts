import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import {
  affineOf,
  denormalise,
  groupStatistics,
  normalise,
  readSafetensors,
  writeSafetensors,
} from "../../../src/package/index.ts";
import type { NormalizationMode } from "../../../src/package/index.ts";

const f64 = (...values: number[]): NdArray => ({
  dtype: "float64",
  shape: [values.length],
  data: Float64Array.from(values),
});

describe("safetensors", () => {
  it("round-trips every dtype, shapes included", () => {
    const tensors: Record<string, NdArray> = {
      "a/b": { dtype: "float32", shape: [2, 1], data: Float32Array.of(1.5, -0) },
      big: { dtype: "int64", shape: [], data: BigInt64Array.of(-(2n ** 63n)) },
      bits: { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
      half: { dtype: "float16", shape: [1], data: Uint16Array.of(0x3c00) },
      none: { dtype: "float64", shape: [0, 4], data: new Float64Array(0) },
    };
    expect(readSafetensors(writeSafetensors(tensors))).toEqual(tensors);
  });

  it("writes the published layout", () => {
    const bytes = writeSafetensors({
      x: { dtype: "uint8", shape: [2], data: Uint8Array.of(7, 9) },
    });
    const header = '{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}';
    const padded = header.padEnd(56, " ");
    expect(Buffer.from(bytes).toString("latin1")).toBe(`8\0\0\0\0\0\0\0${padded}\x07\x09`);
  });

  const file = (header: string, data = 8): Uint8Array => {
    const json = new TextEncoder().encode(header);
    const out = new Uint8Array(8 + json.length + data);
    new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
    out.set(json, 8);
    return out;
  };
  const entry = (dtype: unknown, shape: unknown, offsets: unknown): string =>
    JSON.stringify({ x: { dtype, shape, data_offsets: offsets } });

  it.each<[string, Uint8Array, string]>([
    ["too short", new Uint8Array(7), "must have 8 or more"],
    [
      "a header longer than the file",
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255),
      "the header has",
    ],
    ["a header that is no JSON", file("{"), "no JSON"],
    ["a header that is a list", file("[]"), "no object"],
    ["an unknown dtype", file(entry("F128", [1], [0, 4])), 'dtype "F128"'],
    ["an inherited name as dtype", file(entry("constructor", [1], [0, 4])), "dtype"],
    ["a negative dimension", file(entry("F32", [-1], [0, 4])), "shape [-1]"],
    ["a shape that is too large", file(entry("F32", [2 ** 40], [0, 8])), "bytes inside"],
    ["offsets outside", file(entry("F32", [1], [8, 12])), "of 8 bytes"],
    ["offsets reversed", file(entry("F32", [1], [4, 0])), "bytes inside"],
    ["offsets that are no numbers", file(entry("F32", [1], ["0", "4"])), "bytes inside"],
    ["an entry that is null", file('{"x":null}'), "dtype"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(SyntaxError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it("throws nothing but SyntaxError on any bytes", () => {
    const good = writeSafetensors({ x: f64(1, 2), y: f64(3) });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = Uint8Array.from(good);
        broken[at] = (broken[at] ?? 0) ^ flip;
        try {
          readSafetensors(broken);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});

describe("normalisation", () => {
  const statistics = {
    mean: f64(1, -2),
    std: f64(2, 0),
    min: f64(-1, 3),
    max: f64(3, 3),
    q01: f64(0, 5),
    q99: f64(4, 5),
  };

  it.each<[NormalizationMode, number[], number[]]>([
    ["mean_std", [3, -2], [2 / (2 + 1e-8), 0]],
    ["min_max", [-1, 3], [-1, -1]],
    ["min_max", [3, 3 + 5e-9], [1, -1]],
    ["quantiles", [4, 5], [1, -1]],
    ["identity", [4, 5], [4, 5]],
  ])("%s maps %j to %j", (mode, values, expected) => {
    const got = normalise(Float32Array.from(values), affineOf("x", statistics, mode));
    expect([...got]).toEqual(expected.map((v) => expect.closeTo(v, 5)));
  });

  it("is undone by denormalising, in every mode", () => {
    const wide = { ...statistics, std: f64(2, 0.5), max: f64(3, 8), q99: f64(4, 9) };
    const finite = fc.float({ noNaN: true, min: -100, max: 100 });
    const modes: NormalizationMode[] = ["mean_std", "min_max", "quantiles", "identity"];
    fc.assert(
      fc.property(
        fc.constantFrom(...modes),
        fc.array(finite, { minLength: 6, maxLength: 6 }),
        (mode, list) => {
          const values = Float32Array.from(list);
          const affine = affineOf("x", wide, mode);
          const back = denormalise(normalise(values, affine), affine);
          expect([...back]).toEqual([...values].map((v) => expect.closeTo(v, 3)));
        },
      ),
    );
  });

  it.each<[string, Record<string, NdArray>, NormalizationMode, string]>([
    ["absent", {}, "mean_std", 'statistic "mean" is absent'],
    ["not finite", { mean: f64(NaN), std: f64(1) }, "mean_std", "is not finite"],
    ["of unequal length", { mean: f64(1, 2), std: f64(1) }, "mean_std", "have 1 and 2 values"],
    [
      "negative",
      { mean: f64(1, 2), std: f64(1, -1) },
      "mean_std",
      '"std" is negative at element 1',
    ],
    ["upside down", { min: f64(1), max: f64(0) }, "min_max", '"max" is below "min" at element 0'],
    [
      "crossed",
      { q01: f64(0, 2), q99: f64(0, 1) },
      "quantiles",
      '"q99" is below "q01" at element 1',
    ],
  ])("refuses statistics that are %s", (_, given, mode, message) => {
    expect(() => affineOf("x", given, mode)).toThrow(message);
  });

  it("refuses values that the statistics do not divide", () => {
    const affine = affineOf("x", statistics, "mean_std");
    expect(() => normalise(new Float32Array(3), affine)).toThrow("Cannot normalise 3 values");
  });

  it("groups tensors by the feature before the last slash", () => {
    const groups = groupStatistics({ "a/b/mean": f64(1), "a/b/std": f64(2), plain: f64(3) });
    expect([...groups]).toEqual([["a/b", { mean: f64(1), std: f64(2) }]]);
  });
});
