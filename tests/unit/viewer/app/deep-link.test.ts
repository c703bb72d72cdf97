import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeepLink } from "../../../../src/viewer/app/deep-link.ts";
import { formatDeepLink, parseDeepLink } from "../../../../src/viewer/app/deep-link.ts";

const milli = (max: number): fc.Arbitrary<number> =>
  fc.integer({ min: -max * 1000, max: max * 1000 }).map((value) => value / 1000);
const text = fc.string({ minLength: 1, maxLength: 40 }).filter((value) => value.trim() === value);
const view = fc
  .tuple(milli(3), milli(1), fc.integer({ min: 1, max: 20_000 }), milli(9), milli(9), milli(9))
  .map(([azimuthRad, elevationRad, distance, x, y, z]) => ({
    azimuthRad,
    elevationRad,
    distance: distance / 1000,
    target: [x, y, z] as const,
  }));

describe("parseDeepLink()", () => {
  it("is the inverse of formatDeepLink()", () => {
    const link = fc.record(
      {
        episode: text,
        url: text,
        t: fc.integer({ min: 0, max: 1e7 }).map((ms) => ms / 1000),
        view,
        follow: fc.constant(true),
        folded: fc.uniqueArray(fc.constantFrom("action", "proprio", "reward")),
        filter: text,
        training: fc.uniqueArray(text, { minLength: 1, maxLength: 4 }),
        axis: fc.constantFrom("epoch", "time"),
        log: fc.constant(true),
        smooth: fc.integer({ min: 0, max: 999 }).map((value) => value / 1000),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<DeepLink>;
    fc.assert(
      fc.property(link, (given) => {
        const back = parseDeepLink(formatDeepLink(given));
        // -0 and 0 are the same place.
        expect(JSON.parse(JSON.stringify(back))).toEqual(JSON.parse(JSON.stringify(given)));
      }),
    );
  });
  it("keeps paths readable", () => {
    expect(formatDeepLink({ episode: "runs/a b/e1.mcap", t: 3.45 })).toBe(
      "#episode=runs/a+b/e1.mcap&t=3.45",
    );
  });
  it("leaves out what it does not understand", () => {
    expect(parseDeepLink("#t=soon&view=1,2&folded=,&x=y")).toEqual({ folded: [] });
    expect(parseDeepLink("")).toEqual({});
    expect(parseDeepLink("#view=1,1,-1,0,0,0&t=-4")).toEqual({ t: 0 });
    expect(parseDeepLink("#t=")).toEqual({});
  });
});
