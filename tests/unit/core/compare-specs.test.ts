import { describe, expect, it } from "vitest";
import type { EnvironmentSpec, PolicySpec } from "../../../src/core/index.ts";
import {
  SpecMismatchError,
  assertSpecsFit,
  compareEnvironments,
  comparePolicyToEnvironment,
} from "../../../src/core/index.ts";
import { FAKE_SPEC } from "../../support/fake-env.ts";

const policy = (over: Partial<PolicySpec> = {}): PolicySpec => ({
  name: "p",
  observation: FAKE_SPEC.observation,
  action: FAKE_SPEC.action,
  predictHorizon: 1,
  privileged: false,
  controlFreqHz: 10,
  ...over,
});

describe("comparePolicyToEnvironment()", () => {
  it("finds nothing between equal sides", () => {
    expect(comparePolicyToEnvironment(policy(), FAKE_SPEC)).toEqual([]);
  });

  it("accepts a policy that takes anything", () => {
    const any = policy({ observation: "any", action: "any" });
    expect(comparePolicyToEnvironment(any, FAKE_SPEC)).toEqual([]);
  });

  it("names every difference: image, component, format, width, rate, ground truth", () => {
    const wanted = policy({
      observation: {
        images: [
          { name: "front", height: 4, width: 2, channels: 3 },
          { name: "wrist", height: 2, width: 2, channels: 3 },
        ],
        proprio: [{ name: "count", format: "position", dtype: "float32", shape: [1], unit: "m" }],
        texts: [{ name: "chat", maxLength: 3 }],
      },
      action: { components: [{ name: "step", format: "raw", dtype: "float32", shape: [3] }] },
      controlFreqHz: 20,
      privileged: true,
    });
    const words = comparePolicyToEnvironment(wanted, FAKE_SPEC).map(
      (d) => `${d.where}: ${d.made} / ${d.accepted}`,
    );
    expect(words).toEqual([
      'image "front": uint8[2, 2, 3] / uint8[4, 2, 3]',
      'image "wrist": absent (there are "front") / uint8[2, 2, 3]',
      'format of observation component "count": raw / position',
      'unit of observation component "count": 1 / m',
      'text "chat": absent / text of up to 3 characters',
      'shape of action component "step": [3] / [2]',
      'lower bound of action component "step": unstated / [-1]',
      'upper bound of action component "step": unstated / [1]',
      'privileged ground truth: not offered by the environment / offered, for policy "p" reads it',
      "control rate: 10 Hz / 20 Hz",
    ]);
  });

  it("notices actions in another unit, within other bounds", () => {
    const [step] = FAKE_SPEC.action.components;
    const env = { ...FAKE_SPEC, action: { components: [{ ...step!, unit: "0.05 m" }] } };
    const metres = { ...step!, unit: "m", low: [-0.05], high: [0.05] };
    const wanted = policy({ action: { components: [metres] } });
    const attempt = (): void => assertSpecsFit("start", { policy: wanted, environment: env });
    expect(attempt).toThrow(
      'unit of action component "step" is m, must be 0.05 m; ' +
        'lower bound of action component "step" is [-0.05], must be [-1]; ' +
        'upper bound of action component "step" is [0.05], must be [1]',
    );
  });

  it("notices components in another order", () => {
    const [step] = FAKE_SPEC.action.components;
    const grip = { name: "grip", format: "raw", dtype: "float32", shape: [1] } as const;
    const env = { ...FAKE_SPEC, action: { components: [step!, grip] } };
    const swapped = policy({ action: { components: [grip, step!] } });
    expect(comparePolicyToEnvironment(swapped, env)).toEqual([
      { where: "action component order", made: "grip, step", accepted: "step, grip" },
    ]);
  });

  it("throws an error that carries every difference", () => {
    const wrong = policy({ controlFreqHz: 20, privileged: true });
    const attempt = (): void => assertSpecsFit("start", { policy: wrong, environment: FAKE_SPEC });
    expect(attempt).toThrow(SpecMismatchError);
    expect(attempt).toThrow(
      "Cannot start: privileged ground truth is not offered by the environment, must be offered, " +
        'for policy "p" reads it; control rate is 10 Hz, must be 20 Hz',
    );
  });
});

describe("compareEnvironments()", () => {
  it("is empty for equals and symmetric in what it notices", () => {
    expect(compareEnvironments(FAKE_SPEC, FAKE_SPEC)).toEqual([]);
    const other: EnvironmentSpec = {
      ...FAKE_SPEC,
      maxSteps: 6,
      observation: { ...FAKE_SPEC.observation, images: [] },
    };
    expect(compareEnvironments(FAKE_SPEC, other)).toHaveLength(2);
    expect(compareEnvironments(other, FAKE_SPEC)).toHaveLength(2);
  });
});
