/** Policies of other evaluation loops, against those loops' arithmetic: `conventions_golden.py` made the numbers. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { panda } from "../../../robots/panda/spec.ts";
import type { NdArray, Observation, Policy, PolicySpec } from "../../../src/core/index.ts";
import { comparePolicyToEnvironment } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { ConventionName } from "../../../src/package/index.ts";
import {
  actionIn,
  CONVENTION_NAMES,
  inConvention,
  loadPolicy,
  observationIn,
  specToJson,
  writePolicyPackage,
} from "../../../src/package/index.ts";
import { flipImage } from "../../../src/tensor/index.ts";

type Numbers = Readonly<Record<string, number[]>>;
interface Golden {
  readonly height: number;
  readonly width: number;
  readonly cases: readonly {
    readonly raw: Numbers;
    readonly seen: Readonly<Record<ConventionName, { images: Numbers; states: Numbers }>>;
  }[];
  readonly actions: readonly {
    readonly made: number[];
    readonly executed: Readonly<Record<ConventionName, number[]>>;
  }[];
}
const golden = JSON.parse(
  readFileSync(new URL("conventions.golden.json", import.meta.url), "utf8"),
) as Golden;
const { height, width } = golden;

/** robosuite's raw observation as our worlds show it. */
function ours(raw: Numbers): Observation {
  const image = (key: string): NdArray => ({
    dtype: "uint8",
    shape: [height, width, 3],
    data: flipImage(Uint8Array.from(raw[key]!), [height, width, 3], { rows: true }),
  });
  const state = (key: string): NdArray => ({
    dtype: "float32",
    shape: [raw[key]!.length],
    data: Float32Array.from(raw[key]!),
  });
  return {
    images: {
      agentview: image("agentview_image"),
      robot0_eye_in_hand: image("robot0_eye_in_hand_image"),
    },
    proprio: {
      eef_position: state("robot0_eef_pos"),
      eef_quat_xyzw: state("robot0_eef_quat"),
      gripper_qpos: state("robot0_gripper_qpos"),
      joint_position: state("robot0_joint_pos"),
      joint_velocity: state("robot0_joint_vel"),
    },
    texts: {},
    instruction: "",
    step: 0,
    stampNs: 0n,
  };
}

/** A policy that keeps what it saw and makes one row. */
function watching(name: ConventionName, row: readonly number[] = [0, 0, 0, 0, 0, 0, 0]) {
  const seen: Observation[] = [];
  const spec: PolicySpec = {
    name,
    observation: observationIn(name, { height, width }),
    action: actionIn(name, { components: panda().action }),
    predictHorizon: 1,
    privileged: false,
  };
  const policy: Policy = {
    spec,
    reset: () => Promise.resolve(),
    decide(observation) {
      seen.push(observation);
      const chunk = { data: Float32Array.from(row), horizon: 1, actionDim: 7 };
      const chunks = [[...chunk.data]];
      const thoughts = [
        {
          kind: "refinement" as const,
          tag: "t",
          horizon: 1,
          actionDim: 7,
          steps: [1],
          chunks,
          values: {},
        },
      ];
      return Promise.resolve({ chunk, thoughts, timing: { totalMs: 0 } });
    },
  };
  return { policy, seen };
}

describe.each(CONVENTION_NAMES)("the convention of %s", (name) => {
  it("shows what its evaluation loop shows", async () => {
    for (const { raw, seen: expected } of golden.cases) {
      const { policy, seen } = watching(name);
      await inConvention(policy, name).decide(ours(raw));
      const { images, states } = expected[name];
      expect(Object.keys(seen[0]!.images).sort()).toEqual(Object.keys(images).sort());
      for (const [key, pixels] of Object.entries(images)) {
        expect([...(seen[0]!.images[key]!.data as Uint8Array)], key).toEqual(pixels);
      }
      expect(Object.keys(seen[0]!.proprio).sort()).toEqual(Object.keys(states).sort());
      for (const [key, numbers] of Object.entries(states)) {
        const found = seen[0]!.proprio[key]!.data as Float32Array;
        expect(found).toHaveLength(numbers.length);
        // Quaternions are float32: their length is 1 to 1e-7, which each side makes something else of.
        found.forEach((value, i) => expect(value, key).toBeCloseTo(numbers[i]!, 5));
      }
    }
  });

  it("executes what its evaluation loop executes", async () => {
    for (const { made, executed } of golden.actions) {
      const { policy } = watching(name, made);
      const { chunk, thoughts } = await inConvention(policy, name).decide(
        ours(golden.cases[0]!.raw),
      );
      expect([...chunk.data]).toEqual([...Float32Array.from(executed[name])]);
      expect(thoughts[0]).toMatchObject({ chunks: [[...Float32Array.from(executed[name])]] });
    }
  });

  it("fits a world that speaks ours, and no other gripper", () => {
    const environment = {
      observation: {
        images: ["agentview", "robot0_eye_in_hand"].map((camera) => ({
          ...{ name: camera, height, width },
          channels: 3 as const,
        })),
        proprio: panda().proprio,
        texts: [],
      },
      action: { components: panda().action },
      ...{ controlFreqHz: 20, maxSteps: 100, privileged: true, snapshot: true },
    };
    const { policy } = watching(name);
    expect(comparePolicyToEnvironment(inConvention(policy, name).spec, environment)).toEqual([]);
    const front = inConvention(policy, name, { scene: "front" });
    expect(comparePolicyToEnvironment(front.spec, environment)[0]?.where).toBe('image "front"');
    const components = panda().action.map((component) =>
      component.name === "gripper" ? { ...component, format: "raw" as const } : component,
    );
    const odd = { ...policy, spec: { ...policy.spec, action: { components } } };
    expect(() => inConvention(odd, name)).toThrow(/its action has no gripper_/);
  });

  it("refuses names, sizes and numbers that are not its own", async () => {
    const { policy } = watching(name);
    const observation = policy.spec.observation as Exclude<PolicySpec["observation"], "any">;
    const seeing = (change: Partial<typeof observation>): Policy => ({
      ...policy,
      spec: { ...policy.spec, observation: { ...observation, ...change } },
    });
    const image = { ...observation.images[0]!, name: "moon" };
    expect(() => inConvention(seeing({ images: [image] }), name)).toThrow(
      /an image "moon", must be/,
    );
    const state = observation.proprio[0]!;
    expect(() => inConvention(seeing({ proprio: [{ ...state, name: "mood" }] }), name)).toThrow(
      /a state "mood", must be of/,
    );
    expect(() => inConvention(seeing({ proprio: [{ ...state, shape: [99] }] }), name)).toThrow(
      /is \[99\], must be/,
    );
    const any = { ...policy, spec: { ...policy.spec, observation: "any" as const } };
    expect(() => inConvention(any, name)).toThrow(/it sees anything, must say what/);
    const wrapped = inConvention(policy, name);
    const full = ours(golden.cases[0]!.raw);
    await expect(wrapped.decide({ ...full, images: {} })).rejects.toThrow(
      'image "agentview" is absent',
    );
    await expect(wrapped.decide({ ...full, proprio: {} })).rejects.toThrow(
      /must be \d finite numbers/,
    );
  });
});

describe("worked numbers", () => {
  /** robosuite delivers row 0 at the bottom: its array is [[1, 2], [3, 4]] where ours is [[3, 4], [1, 2]]. */
  it.each([
    ["openvla", [4, 3, 2, 1]], // raw[::-1, ::-1]
    ["lerobot", [4, 3, 2, 1]],
    ["openpi", [4, 3, 2, 1]],
    ["robosuite", [1, 2, 3, 4]],
  ] as const)("%s sees a picture of two by two", async (name, expected) => {
    const { policy, seen } = watching(name);
    const grey = (values: readonly number[]): Uint8Array =>
      Uint8Array.from(values.flatMap((value) => [value, value, value]));
    const picture: NdArray = { dtype: "uint8", shape: [2, 2, 3], data: grey([3, 4, 1, 2]) };
    const images = { agentview: picture, robot0_eye_in_hand: picture };
    await inConvention(policy, name).decide({ ...ours(golden.cases[0]!.raw), images });
    for (const { data } of Object.values(seen[0]!.images)) expect(data).toEqual(grey(expected));
  });

  /** OpenVLA: -sign(2 x - 1). The others execute what they made. */
  it.each([
    ["openvla", [0, 0.25, 0.499, 0.5, 0.501, 1], [1, 1, 1, 0, -1, -1]],
    ["lerobot", [-1, -0.5, 0, 0.5, 1], [-1, -0.5, 0, 0.5, 1]],
    ["openpi", [-1, -0.5, 0, 0.5, 1], [-1, -0.5, 0, 0.5, 1]],
  ] as const)("%s closes the gripper", async (name, made, executed) => {
    for (const [i, number] of made.entries()) {
      const { policy } = watching(name, [0, 0, 0, 0, 0, 0, number]);
      const { chunk } = await inConvention(policy, name).decide(ours(golden.cases[0]!.raw));
      expect(chunk.data[6]).toBe(executed[i]);
    }
  });
});

describe("a package that names a convention", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "efference-convention-"));
    const g = new GraphBuilder("state");
    const state = g.input("state", "float32", [1, 8]);
    // The state itself in six entries, and an opening that is always wide.
    const opening = g.constant({ dtype: "float32", shape: [1, 1], data: Float32Array.of(0.8) });
    const row = g.concat([g.slice(state, 1, { start: 0, end: 6 }), opening], 1);
    g.output("action", g.unsqueeze(row, [1]));
    const spec = {
      ...watching("openvla").policy.spec,
      observation: observationIn("openvla", undefined),
    };
    await writePolicyPackage(join(folder, "policy"), {
      files: { "model.onnx": writeModel(g.build()) },
      manifest: {
        format: "policy_package",
        version: "1.0",
        policy: { name: "state" },
        model: { artifacts: { model: "model.onnx" }, runner: { type: "single_pass" } },
        efference: {
          spec: specToJson(spec) as never,
          inputs: [{ input: "state", from: "proprio", components: ["state"] }],
          output: "action",
          convention: { name: "openvla" },
        },
      },
    });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is loaded as a policy of ours", async () => {
    const policy = await loadPolicy(join(folder, "policy"));
    try {
      const { observation } = policy.spec;
      expect(observation).toMatchObject({
        proprio: [{ name: "eef_position" }, { name: "eef_quat_xyzw" }, { name: "gripper_qpos" }],
      });
      const { raw, seen } = golden.cases[0]!;
      const { chunk } = await policy.decide(ours(raw));
      const expected = [...seen.openvla.states["state"]!.slice(0, 6), -1];
      chunk.data.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    } finally {
      await policy.close?.();
    }
  });
});

describe("flipImage", () => {
  it("is undone by itself, and half a turn is the order of pixels backwards", () => {
    const images = fc
      .tuple(
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        fc.constantFrom(1, 3, 4),
      )
      .chain(([h, w, c]) =>
        fc.record({
          shape: fc.constant([h, w, c] as const),
          pixels: fc.uint8Array({ minLength: h * w * c, maxLength: h * w * c }),
        }),
      );
    fc.assert(
      fc.property(images, fc.boolean(), fc.boolean(), ({ shape, pixels }, rows, columns) => {
        const once = flipImage(pixels, shape, { rows, columns });
        expect(flipImage(once, shape, { rows, columns })).toEqual(pixels);
        const [, , channels] = shape;
        const backwards = Array.from({ length: pixels.length / channels }, (_, i) =>
          Array.from(pixels.subarray(i * channels, (i + 1) * channels)),
        ).reverse();
        const turned = flipImage(pixels, shape, { rows: true, columns: true });
        expect([...turned]).toEqual(backwards.flat());
      }),
    );
    expect(() => flipImage(new Uint8Array(5), [1, 2, 3], {})).toThrow("must have 1 x 2 x 3");
  });
});
