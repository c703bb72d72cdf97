import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seeded } from "../../../src/core/index.ts";
import type { SamplingOptions } from "../../../src/session/index.ts";
import { sampleToken } from "../../../src/session/index.ts";

/** Logits whose softmax at temperature 1 is this. */
const logitsOf = (...probabilities: number[]): Float32Array =>
  Float32Array.from(probabilities, (p) => Math.log(p));

function frequencies(logits: Float32Array, options: SamplingOptions, draws = 20_000): number[] {
  const rng = seeded("frequencies");
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) {
    const token = sampleToken(logits, options, rng);
    counts[token] = (counts[token] ?? 0) + 1 / draws;
  }
  return counts;
}

const LOGITS = logitsOf(0.1, 0.4, 0.05, 0.3, 0.15);
/** Four standard deviations of a frequency of one half. */
const SLACK = 4 * Math.sqrt(0.25 / 20_000);

describe("sampleToken()", () => {
  it("is greedy by default, and takes the first of equals", () => {
    expect(sampleToken(LOGITS)).toBe(1);
    expect(sampleToken(Float32Array.of(1, 3, 3, 2))).toBe(1);
    expect(sampleToken(LOGITS, { temperature: 0 }, seeded(1))).toBe(1);
  });

  it.each<[SamplingOptions, number[]]>([
    [{ temperature: 1 }, [0.1, 0.4, 0.05, 0.3, 0.15]],
    [{ temperature: 1, topK: 2 }, [0, 4 / 7, 0, 3 / 7, 0]],
    [{ temperature: 1, topK: 1 }, [0, 1, 0, 0, 0]],
    // 0.4 + 0.3 < 0.75: the token that crosses it is in.
    [{ temperature: 1, topP: 0.75 }, [0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85]],
    [{ temperature: 1, topP: 0.0001 }, [0, 1, 0, 0, 0]],
    // Of the three likeliest (0.85 together) half is reached with the second.
    [{ temperature: 1, topK: 3, topP: 0.5 }, [0, 4 / 7, 0, 3 / 7, 0]],
    // p^(1/T) with T = 1/2 squares the probabilities.
    [
      { temperature: 0.5 },
      [0.01, 0.16, 0.0025, 0.09, 0.0225].map((p) => p / (0.01 + 0.16 + 0.0025 + 0.09 + 0.0225)),
    ],
  ])("draws with %o by the probabilities", (options, wanted) => {
    const got = frequencies(LOGITS, options);
    for (const [i, p] of wanted.entries()) {
      expect(Math.abs((got[i] ?? NaN) - p), `token ${i}`).toBeLessThanOrEqual(p === 0 ? 0 : SLACK);
    }
  });

  it("is a function of logits, options and the state of the generator", () => {
    const draw = (): number[] => {
      const rng = seeded("same");
      return Array.from({ length: 50 }, () => sampleToken(LOGITS, { temperature: 1.3 }, rng));
    };
    expect(draw()).toEqual(draw());
  });

  it("gives tokens of the nucleus alone, found here by sorting everything", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0.01, max: 0.999, noNaN: true }),
        fc.integer({ min: 0, max: 1000 }),
        (values, topP, seed) => {
          const logits = Float32Array.from(values);
          const token = sampleToken(logits, { temperature: 1, topP }, seeded(seed));
          const most = Math.max(...logits);
          const weights = [...logits].map((logit) => Math.exp(logit - most));
          const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
          const heavier = weights.filter((weight) => weight > (weights[token] ?? NaN));
          // The tokens before it do not reach topP yet.
          expect(sum(heavier) / sum(weights)).toBeLessThan(topP + 1e-9);
        },
      ),
    );
  });

  it.each<[SamplingOptions, string]>([
    [{ temperature: -1 }, "temperature is -1"],
    [{ temperature: NaN }, "temperature is NaN"],
    [{ topK: 0 }, "topK is 0"],
    [{ topK: 1.5 }, "topK is 1.5"],
    [{ topP: 0 }, "topP is 0"],
    [{ topP: 1.1 }, "topP is 1.1"],
  ])("refuses %o", (options, message) => {
    expect(() => sampleToken(LOGITS, options, seeded(1))).toThrow(RangeError);
    expect(() => sampleToken(LOGITS, options, seeded(1))).toThrow(message);
  });

  it("refuses to draw without a generator, and logits that are none", () => {
    expect(() => sampleToken(LOGITS, { temperature: 1 })).toThrow("there is no rng");
    expect(() => sampleToken(Float32Array.of(1, NaN))).toThrow("logit 1 is NaN");
    expect(() => sampleToken(new Float32Array())).toThrow("the largest logit is undefined");
    expect(() => sampleToken(Float32Array.of(-Infinity))).toThrow("must be finite");
  });
});
