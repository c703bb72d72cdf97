/** Tiny packages of every shape that exporters write, whose actions are known in closed form. */
import type { Dtype, NdArray, Observation, PolicySpec } from "../../src/core/index.ts";
import type { Value } from "../../src/onnx/index.ts";
import { GraphBuilder, writeModel } from "../../src/onnx/index.ts";
import type { InputBinding, ManifestInput } from "../../src/package/index.ts";
import { specToJson } from "../../src/package/index.ts";

export const HORIZON = 2;
export const DIM = 3;

export const SPEC: PolicySpec = {
  name: "shape",
  observation: {
    images: [{ name: "front", height: 2, width: 4, channels: 3 }],
    proprio: [{ name: "position", format: "raw", dtype: "float32", shape: [DIM] }],
    texts: [],
  },
  action: { components: [{ name: "delta", format: "raw", dtype: "float32", shape: [DIM] }] },
  predictHorizon: HORIZON,
  privileged: false,
};

export const STATE_INPUT: InputBinding = {
  input: "state",
  from: "proprio",
  components: ["position"],
};

export function observationOf(
  position: readonly number[],
  more: Partial<Observation> = {},
): Observation {
  return {
    images: {
      front: { dtype: "uint8", shape: [2, 4, 3], data: new Uint8Array(24).fill(255) },
    },
    proprio: {
      position: { dtype: "float32", shape: [DIM], data: Float32Array.from(position) },
    },
    texts: {},
    instruction: "open the top drawer",
    step: 0,
    stampNs: 0n,
    ...more,
  };
}

export interface Shape {
  readonly runner?: object;
  readonly artifacts: Readonly<Record<string, string>>;
  readonly preprocessors?: readonly object[];
  readonly postprocessors?: readonly object[];
  readonly observeHorizon?: number;
  readonly inputs: readonly InputBinding[];
  readonly output?: string;
  readonly take?: object;
}

export function manifestOf(shape: Shape): ManifestInput {
  const { runner, artifacts, preprocessors = [], postprocessors = [], take } = shape;
  return {
    format: "policy_package",
    version: "1.0",
    policy: { name: "shape" },
    model: {
      n_obs_steps: shape.observeHorizon ?? 1,
      ...(runner === undefined ? {} : { runner }),
      artifacts,
      preprocessors,
      postprocessors,
    },
    efference: {
      spec: specToJson(SPEC),
      inputs: shape.inputs,
      output: shape.output ?? "action",
      ...(take === undefined ? {} : { take }),
    },
  } as ManifestInput;
}

/** A model from what is written about it. */
export function graph(write: (g: GraphBuilder) => void): Uint8Array {
  const g = new GraphBuilder("shape");
  write(g);
  return writeModel(g.build());
}

export function floats(shape: readonly number[], values: readonly number[]): NdArray {
  return { dtype: "float32", shape, data: Float32Array.from(values) };
}

/** `[1, n]` as `[1, HORIZON, n]`, each row the same. */
export function rows(g: GraphBuilder, x: Value): Value {
  const row = g.unsqueeze(x, [1]);
  return g.concat([row, row], 1);
}

/** `x_t`, the time as `float32[1, 1, 1]`, and what else a step needs to know. */
export function stepInputs(
  g: GraphBuilder,
  names: { sample?: string; time?: string; dtype?: Dtype; dim?: number; scalar?: boolean } = {},
) {
  const { sample = "x_t", time = "timestep", dtype = "float32", dim = DIM } = names;
  const x = g.input(sample, "float32", [1, HORIZON, dim]);
  const told = g.input(time, dtype, names.scalar === true ? [] : [1]);
  const t = g.reshape(dtype === "float32" ? told : g.cast(told, "float32"), [1, 1, 1]);
  return { x, t, told };
}

/** The velocity of the straight path from noise at t = 1 to `data`. */
export function straight(g: GraphBuilder, x: Value, path: { data: Value; t: Value }): Value {
  return g.div(g.sub(x, path.data), path.t);
}
