import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seeded } from "../../../../src/core/index.ts";
import type { DdimOptions, DdpmOptions, Schedule } from "../../../../src/math/index.ts";
import { ddim, ddpm, flowEuler } from "../../../../src/math/index.ts";

/** Made by tests/support/torch/schedules.py, which says how. */
interface Golden {
  readonly name: "ddpm" | "ddim";
  readonly config: Record<string, unknown>;
  readonly count: number;
  readonly eta: number;
  readonly timesteps: readonly number[];
  readonly alphas: Readonly<Record<string, number>>;
  readonly rows: readonly (readonly number[] | null)[];
}
const { cases } = JSON.parse(
  readFileSync(new URL("schedulers.golden.json", import.meta.url), "utf8"),
) as { cases: Golden[] };

const LENGTH = 3;
const rowOf = (f: (i: number) => number) => Float32Array.from({ length: LENGTH }, (_, i) => f(i));
const predictionAt = (index: number) => rowOf((i) => 0.7 * Math.cos(index + i));
const START = rowOf((i) => 1.5 * Math.cos(1 + 2 * i));
/** Gives the numbers of a list, one after the other. */
function replay(numbers: ArrayLike<number>) {
  let at = 0;
  return { normal: () => numbers[at++] ?? NaN };
}

const camel = (name: string) => name.replaceAll(/_(.)/g, (_, c: string) => c.toUpperCase());
function scheduleOf({ name, config, eta }: Golden) {
  const { numTrainTimesteps, setAlphaToOne, ...rest } = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [camel(key), value]),
  );
  const options = { ...rest, trainTimesteps: numTrainTimesteps } as DdpmOptions;
  if (name === "ddpm") return ddpm(options);
  const one = setAlphaToOne === undefined ? {} : { setAlphaToOne };
  return ddim({ ...options, ...one, eta } as DdimOptions);
}

describe("ddpm() and ddim()", () => {
  it.each(
    cases.map((golden) => [`${golden.name} ${JSON.stringify(golden.config)}`, golden] as const),
  )("do what diffusers does: %s", (_, golden) => {
    const schedule = scheduleOf(golden);
    const { count, timesteps, alphas, rows } = golden;
    expect(schedule.timesteps(count)).toEqual(timesteps);
    for (const [t, alpha] of Object.entries(alphas)) {
      expect(Math.abs((schedule.alphasCumprod[Number(t)] ?? NaN) / alpha - 1)).toBeLessThan(1e-5);
    }
    let sample: Float32Array = START;
    for (const [index, row] of rows.entries()) {
      const rng = replay(rowOf((i) => Math.sin(3 * index + i)));
      sample = schedule.step({ sample, prediction: predictionAt(index), index, count, rng });
      for (const [i, value] of (row ?? []).entries()) {
        // float32 against float64: 1e-5 of the largest number on the way (1/sqrt(ᾱ) is up to 2000).
        const scale = Math.max(1, Math.abs(value));
        expect(Math.abs((sample[i] ?? NaN) - value) / scale).toBeLessThan(2e-5);
      }
    }
  });

  it("have the published products of their schedules", () => {
    // 1 - 0.0001 and the product of 1 - (0.0001 ... 0.02) over 1000 steps: about 4.0e-5 (Ho et al. 2020, section 4).
    const { alphasCumprod } = ddpm();
    expect(alphasCumprod[0]).toBeCloseTo(0.9999, 7);
    expect(alphasCumprod[999]).toBeCloseTo(4.04e-5, 6);
    // Nichol & Dhariwal's f(t)/f(0), which the cap at 0.999 leaves as it is but at the very end.
    const f = (u: number) => Math.cos(((u + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
    const cosine = ddim({ trainTimesteps: 100, betaSchedule: "squaredcos_cap_v2" }).alphasCumprod;
    for (const t of [0, 10, 50, 97]) {
      expect(cosine[t]).toBeCloseTo(f((t + 1) / 100) / f(0), 5);
    }
  });

  it.each(["epsilon", "sample", "v_prediction"] as const)(
    "bring a known sample back when told %s without error",
    (predictionType) => {
      const options = { trainTimesteps: 50, betaSchedule: "squaredcos_cap_v2" } as const;
      const original = Float32Array.of(0.5, -0.25, 0.9);
      for (const make of [ddim, ddpm]) {
        const schedule = make({ ...options, predictionType, clipSample: false });
        const count = 10;
        const noise = Float32Array.of(1, -2, 0.5);
        const timesteps = schedule.timesteps(count);
        let sample = schedule.addNoise({ original, noise, timestep: timesteps[0] ?? -1 });
        for (const [index, t] of timesteps.entries()) {
          const a = schedule.alphasCumprod[t] ?? NaN;
          const prediction = sample.map((x, i) => {
            const x0 = original[i] ?? NaN;
            const e = (x - Math.sqrt(a) * x0) / Math.sqrt(1 - a);
            if (predictionType === "sample") return x0;
            return predictionType === "epsilon" ? e : Math.sqrt(a) * e - Math.sqrt(1 - a) * x0;
          });
          sample = schedule.step({ sample, prediction, index, count, rng: seeded(index) });
        }
        expect([...sample]).toEqual([...original].map((x) => expect.closeTo(x, 3)));
      }
    },
  );

  it("mix noise in by sqrt(ᾱ) and sqrt(1 - ᾱ)", () => {
    const schedule = ddpm({ trainTimesteps: 2, alphasCumprod: [0.64, 0.36] });
    const mixed = schedule.addNoise({
      original: Float32Array.of(1, 0),
      noise: Float32Array.of(0, 1),
      timestep: 0,
    });
    expect([...mixed]).toEqual([0.8, 0.6].map(Math.fround));
  });

  it("leave what they are given as it was", () => {
    const sample = START.slice();
    ddim().step({ sample, prediction: predictionAt(0), index: 0, count: 2 });
    expect(sample).toEqual(START);
  });

  const step = (change: object) => () =>
    ddpm({ trainTimesteps: 10 }).step({
      sample: START,
      prediction: START,
      index: 0,
      count: 2,
      rng: seeded(1),
      ...change,
    });
  const wrong = (options: object) => () => ddpm(options);
  it.each<[string, () => unknown, RegExp]>([
    ["more steps than it was trained with", () => ddpm().timesteps(1001), /in \[1, 1000\]/],
    ["half a step", () => ddim().timesteps(0.5), /in \[1, 1000\]/],
    ["a step after the last", step({ index: 2 }), /step 2 of 2.*in \[0, 1\]/],
    ["unequal lengths", step({ prediction: new Float32Array(2) }), /combine 3 and 2/],
    ["noise without generator", step({ rng: undefined }), /no rng/],
    [
      "a schedule it does not have",
      wrong({ betaSchedule: "sigmoid" }),
      /betaSchedule is "sigmoid"/,
    ],
    ["a prediction it does not have", wrong({ predictionType: "score" }), /predictionType/],
    ["a spacing it does not have", wrong({ timestepSpacing: "karras" }), /timestepSpacing/],
    ["a learned variance", wrong({ varianceType: "learned" }), /varianceType is "learned"/],
    ["a beta of 1", wrong({ betaEnd: 1 }), /betaEnd is 1/],
    ["a beta that is not a number", wrong({ betaStart: NaN }), /betaStart is NaN/],
    ["no steps of training", wrong({ trainTimesteps: 0 }), /integer in \[1/],
    ["alphas that rise", wrong({ trainTimesteps: 2, alphasCumprod: [0.5, 0.6] }), /alphasCumprod/],
    ["alphas of another number", wrong({ alphasCumprod: [0.5] }), /must be 1000 falling/],
    ["a range of nothing", wrong({ clipSampleRange: 0 }), /clipSampleRange/],
    ["a negative offset", wrong({ stepsOffset: -1 }), /stepsOffset/],
    ["an offset past the end", () => ddpm({ stepsOffset: 2 }).timesteps(1000), /is below 1000/],
    ["an eta above 1", () => ddim({ eta: 2 }), /eta is 2/],
    [
      "a timestep outside of training",
      () => ddpm().addNoise({ original: START, noise: START, timestep: -1 }),
      /timestep is -1/,
    ],
  ])("refuse %s", (_, act, message) => {
    expect(act).toThrow(RangeError);
    expect(act).toThrow(message);
  });

  it("visit falling steps of training, whatever the spacing and the count", () => {
    const spacing = fc.constantFrom("leading", "linspace", "trailing" as const);
    const property = fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      spacing,
      (total, share, timestepSpacing) => {
        const count = Math.max(1, Math.round(share * total));
        const options = { trainTimesteps: total, timestepSpacing } as DdpmOptions;
        const steps = ddpm(options).timesteps(count);
        expect(steps.length).toBe(count);
        expect(steps.every((s, i) => i === 0 || s < (steps[i - 1] ?? -1))).toBe(true);
        expect(steps[0]).toBeLessThan(total);
        expect(steps.at(-1)).toBeGreaterThanOrEqual(0);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

describe("flowEuler()", () => {
  const run = (schedule: Schedule, count: number, field: (x: number, t: number) => number) => {
    let sample = Float32Array.of(1, -3);
    for (const [index, t] of schedule.timesteps(count).entries()) {
      const prediction = sample.map((x) => field(x, t));
      sample = Float32Array.from(schedule.step({ sample, prediction, index, count }));
    }
    return [...sample];
  };

  it("tells the network of times as pi0 and as GR00T do", () => {
    expect(flowEuler().timesteps(10)).toEqual([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]);
    expect(flowEuler({ noiseAt: 0, buckets: 1000 }).timesteps(4)).toEqual([0, 250, 500, 750]);
  });

  it("goes straight to the data when told the velocity of a straight path", () => {
    // Data 0.25, noise 1 and -3: x_t = t noise + (1 - t) data, v = noise - data = (x_t - data) / t.
    const towards = run(flowEuler(), 7, (x, t) => (x - 0.25) / t);
    expect(towards).toEqual([0.25, 0.25].map((x) => expect.closeTo(x, 6)));
    const from = run(flowEuler({ noiseAt: 0 }), 7, (x, t) => (0.25 - x) / (1 - t));
    expect(from).toEqual([0.25, 0.25].map((x) => expect.closeTo(x, 6)));
  });

  it("is Euler's rule: dx/dt = x gives (1 -+ 1/N)^N", () => {
    expect(run(flowEuler(), 5, (x) => x)[0]).toBeCloseTo((1 - 1 / 5) ** 5, 6);
    expect(run(flowEuler({ noiseAt: 0 }), 5, (x) => x)[0]).toBeCloseTo((1 + 1 / 5) ** 5, 6);
  });

  it("mixes noise in on a line, from either end", () => {
    const pair = { original: Float32Array.of(2), noise: Float32Array.of(6) };
    expect([...flowEuler().addNoise({ ...pair, timestep: 0.25 })]).toEqual([3]);
    const bucketed = flowEuler({ noiseAt: 0, buckets: 1000 });
    expect([...bucketed.addNoise({ ...pair, timestep: 250 })]).toEqual([5]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["an end that is none", () => flowEuler({ noiseAt: 2 as never }), /noiseAt is 2/],
    ["half a bucket", () => flowEuler({ buckets: 0.5 }), /buckets is 0.5/],
    ["no steps", () => flowEuler().timesteps(0), /Cannot schedule 0 steps/],
    [
      "a time outside of the path",
      () => flowEuler().addNoise({ original: START, noise: START, timestep: 1.5 }),
      /timestep is 1.5/,
    ],
    [
      "a step outside of the loop",
      () => flowEuler().step({ sample: START, prediction: START, index: 1, count: 1 }),
      /step 1 of 1/,
    ],
  ])("refuses %s", (_, act, message) => {
    expect(act).toThrow(RangeError);
    expect(act).toThrow(message);
  });
});
