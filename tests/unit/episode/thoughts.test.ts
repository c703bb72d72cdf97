/** Thoughts of known kinds come back whole or not at all, so that whoever shows them need not look again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Thought } from "../../../src/core/index.ts";
import { decodeThought } from "../../../src/episode/decode-messages.ts";
import { thoughtMessage } from "../../../src/episode/encode-step.ts";
import { encodeMessage } from "../../../src/episode/schemas.ts";

const back = (thought: Thought): Thought =>
  decodeThought(encodeMessage("efference.Thought", thoughtMessage(thought, { index: 3, step: 24 })))
    .thought;

const REFINEMENT = {
  ...{ kind: "refinement", tag: "descent", horizon: 1, actionDim: 2 },
  steps: [0, 2],
  chunks: [
    [1, 2],
    [3, NaN],
  ],
  values: { energy: [0.5, 0.25] },
} as const satisfies Thought;
const SLICE = {
  ...{ kind: "slice", tag: "energy" },
  axes: [
    { name: "u", at: [0, 1, 2] },
    { name: "v", at: [5, 6] },
  ],
  values: [1, 2, 3, 4, 5, Infinity],
  path: [[0, 5]],
} as const satisfies Thought;

describe("thoughts in a file", () => {
  it.each<Thought>([REFINEMENT, SLICE])("$kind comes back", (thought) => {
    expect(back(thought)).toEqual(thought);
  });

  it.each<[string, object]>([
    ["a refinement without chunks", { ...REFINEMENT, chunks: undefined }],
    ["a refinement with a short chunk", { ...REFINEMENT, chunks: [[1, 2], [3]] }],
    ["a refinement with more steps than chunks", { ...REFINEMENT, steps: [0, 1, 2] }],
    ["a refinement whose horizon is none", { ...REFINEMENT, horizon: { toString: {} } }],
    ["a refinement whose values are words", { ...REFINEMENT, values: { energy: ["low"] } }],
    ["a slice over nothing", { ...SLICE, axes: [] }],
    ["a slice over three directions", { ...SLICE, axes: [...SLICE.axes, SLICE.axes[0]] }],
    ["a slice that lacks a value", { ...SLICE, values: [1, 2, 3, 4, 5] }],
    ["a slice whose path is of another plane", { ...SLICE, path: [[1, 2, 3]] }],
  ])("refuses %s", (_, thought) => {
    expect(() => back(thought as Thought)).toThrow(SyntaxError);
    expect(() => back(thought as Thought)).toThrow(/is incomplete/);
  });

  it("is carried over where its kind is unknown, whatever that is called", () => {
    for (const kind of ["mood", "toString", "__defineGetter__", "constructor"]) {
      expect(back({ kind, tag: "t" } as unknown as Thought).kind).toBe(kind);
    }
  });

  it("is read or refused with SyntaxError, whatever its fields are", () => {
    const kind = fc.constantFrom("refinement", "slice", "point");
    const keys = fc.constantFrom(
      ...["axes", "values", "path", "steps", "chunks", "horizon", "actionDim", "position"],
    );
    fc.assert(
      fc.property(kind, fc.dictionary(keys, fc.jsonValue()), (name, fields) => {
        const base = name === "slice" ? SLICE : REFINEMENT;
        try {
          back({ ...base, ...fields, kind: name } as unknown as Thought);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
