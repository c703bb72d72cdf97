import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeJson, encodeJson } from "../../../src/episode/json.ts";

/** Everything the codec promises to carry, nested. */
const values = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.double(),
    fc.constantFrom(NaN, Infinity, -Infinity, -0),
    fc.bigInt(),
    fc.uint8Array(),
    fc.float32Array(),
    fc.bigInt64Array(),
  ),
  node: fc.oneof(
    { maxDepth: 4 },
    tie("leaf"),
    fc.array(tie("node")),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("$number", "$object", "__proto__")),
      tie("node"),
      {
        noNullPrototype: true,
      },
    ),
  ),
})).node;

describe("encodeJson()", () => {
  it("loses nothing that JSON lacks", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeJson(encodeJson(value))).toStrictEqual(value);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it("writes plain data as plain JSON", () => {
    expect(encodeJson({ low: [-1.5, 2], unit: "m", absent: undefined })).toBe(
      '{"low":[-1.5,2],"unit":"m"}',
    );
    expect(encodeJson([Infinity, 12n])).toBe('[{"$number":"Infinity"},{"$bigint":"12"}]');
  });

  it.each([
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
  ])("refuses %s", (_, value) => {
    expect(() => encodeJson({ value })).toThrow(TypeError);
  });

  it("refuses a cycle", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(() => encodeJson(cycle)).toThrow(TypeError);
  });
});

describe("decodeJson()", () => {
  it.each([
    "{",
    '{"$what":"1"}',
    '{"$bigint":"x"}',
    '{"$float32":"AAA"}',
    '{"$float32":"***"}',
    '{"$number":"1"}',
  ])("refuses %s", (text) => {
    expect(() => decodeJson(text)).toThrow(SyntaxError);
  });

  it("refuses a text that is nested without end", () => {
    expect(() => decodeJson("[".repeat(5000) + "{}" + "]".repeat(5000))).toThrow(SyntaxError);
  });
});
