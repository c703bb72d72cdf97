/** The policy as a graph. Says the same as `reference.ts`, in float32 and for a batch. */
import type { NdArray } from "../../src/core/index.ts";
import type { Model, Value } from "../../src/onnx/index.ts";
import { GraphBuilder } from "../../src/onnx/index.ts";
import { ACTION_DIM, MEMORY_DIM, PROPRIO_DIM } from "./config.ts";
import type { FittedParameters } from "./parameters.ts";
import {
  BRIGHTNESS,
  COARSE_M,
  coordinate,
  DARKNESS,
  FINE_M,
  FLOOR,
  PRIOR,
  STATE_DIM,
} from "./reference.ts";

/**
 * Inputs `image: uint8[batch, height, width, 3]`, `proprio: float32[batch, 8]`,
 * `words: float32[batch, targets]` and `memory: float32[batch, 4]`; outputs
 * `action: float32[batch, horizon, 7]` and `next_memory: float32[batch, 4]`.
 */
export function buildFittedModel(parameters: FittedParameters): Model {
  const { config, words, graspHeights } = parameters;
  const g = new GraphBuilder("fitted");
  const image = g.input("image", "uint8", ["batch", config.imageHeight, config.imageWidth, 3]);
  const proprio = g.input("proprio", "float32", ["batch", PROPRIO_DIM]);
  const targets = g.input("words", "float32", ["batch", words.length]);
  const memory = g.input("memory", "float32", ["batch", MEMORY_DIM]);
  const [seen, rememberedXy, rememberedOpening] = g.split(memory, 1, [1, 2, 1]) as [
    Value,
    Value,
    Value,
  ];
  const [position, quat, opening] = g.split(proprio, 1, [3, 4, 1]) as [Value, Value, Value];

  const hasSeen = g.greater(seen, 0.5);
  const found = g.scope("locate", () => locate(g, parameters, { image, targets }));
  // The first look counts: later the arm is in the way.
  const xy = g.where(hasSeen, rememberedXy, found);
  const previousOpening = g.where(hasSeen, rememberedOpening, opening);
  const heights = g.parameter("grasp_heights", floats([words.length, 1], graspHeights));
  const height = g.matmul(targets, heights);
  const state = g.scope("state", () =>
    stateOf(g, { position, quat, opening, xy, height, previousOpening }),
  );
  const chunk = g.scope("act", () => act(g, parameters, state));
  g.output("action", g.reshape(chunk, ["batch", config.horizon, ACTION_DIM]));
  const one = g.add(g.mul(seen, 0), 1);
  g.output("next_memory", g.concat([one, xy, opening], 1));
  return g.build();
}

function floats(shape: readonly number[], values: Float64Array | readonly number[]): NdArray {
  return { dtype: "float32", shape, data: Float32Array.from(values) };
}

function locate(
  g: GraphBuilder,
  { config, perception, words }: FittedParameters,
  { image, targets }: { image: Value; targets: Value },
): Value {
  const { palette, maps } = perception;
  const colours = palette.length / 4;
  const rgb = g.transpose(g.mul(g.cast(image, "float32"), 1 / 255), [0, 3, 1, 2]);
  const total = g.reduceSum(rgb, [1], true);
  const hue = g.div(rgb, g.add(total, DARKNESS));
  const colour = g.concat([hue, g.mul(total, BRIGHTNESS)], 1);
  // |c - p|^2 = |c|^2 - 2 c.p + |p|^2, the last two as a convolution with 1 x 1 filters.
  const filters = g.parameter(
    "palette",
    floats(
      [colours, 4, 1, 1],
      palette.map((value) => -2 * value),
    ),
  );
  const lengths = Float64Array.from({ length: colours }, (_, k) =>
    palette.subarray(4 * k, 4 * k + 4).reduce((sum, value) => sum + value * value, 0),
  );
  const bias = g.parameter("palette_lengths", floats([colours], lengths));
  const distance = g.add(
    g.reduceSum(g.mul(colour, colour), [1], true),
    g.conv(colour, filters, { bias }),
  );
  const response = g.exp(g.mul(distance, -1 / (2 * config.colourWidth ** 2)));
  const box = g.parameter(
    "box",
    floats([colours, 1, 3, 3], new Float64Array(colours * 9).fill(1 / 9)),
  );
  const smooth = g.conv(response, box, { group: colours, pads: [1, 1, 1, 1] });
  const pick = (side: 0 | 1): Value => g.gather(smooth, g.ints(maps.map((pair) => pair[side])), 1);
  const weight = g.relu(g.sub(g.mul(pick(0), pick(1)), FLOOR));
  const terms = centroidTerms(g, g.mul(weight, weight), { maps: maps.length, ...config });
  const one = g.add(g.mul(g.slice(terms, 1, { start: 0, end: 1 }), 0), 1);
  const matrix = g.parameter(
    "position_weights",
    floats([maps.length * 5 + 1, words.length * 2], perception.weights),
  );
  const positions = g.reshape(g.matmul(g.concat([terms, one], 1), matrix), [
    "batch",
    words.length,
    2,
  ]);
  return g.reduceSum(g.mul(positions, g.unsqueeze(targets, [2])), [1]);
}

/** `[batch, maps * 5]`: u, v, u^2, u v, v^2 of every map's centroid. */
function centroidTerms(
  g: GraphBuilder,
  weight: Value,
  size: { maps: number; imageHeight: number; imageWidth: number },
): Value {
  const { maps, imageHeight: height, imageWidth: width } = size;
  const grid = new Float64Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const [row, column] = [Math.floor(i / width), i % width];
    grid.set([1, coordinate(column, width), coordinate(row, height)], 3 * i);
  }
  const flat = g.reshape(weight, ["batch", maps, height * width]);
  const sums = g.matmul(flat, g.parameter("grid", floats([height * width, 3], grid)));
  const [mass, u, v] = g.split(sums, 2, [1, 1, 1]) as [Value, Value, Value];
  const scale = g.add(mass, PRIOR);
  const [cu, cv] = [g.div(u, scale), g.div(v, scale)];
  const terms = g.concat([cu, cv, g.mul(cu, cu), g.mul(cu, cv), g.mul(cv, cv)], 2);
  return g.reshape(terms, ["batch", maps * 5]);
}

interface StateInputs {
  readonly position: Value;
  readonly quat: Value;
  readonly opening: Value;
  readonly xy: Value;
  readonly height: Value;
  readonly previousOpening: Value;
}

function stateOf(g: GraphBuilder, inputs: StateInputs): Value {
  const { position, quat, opening, xy, height, previousOpening } = inputs;
  const [ex, ey, ez] = g.split(position, 1, [1, 1, 1]) as [Value, Value, Value];
  const [qx, qy, qz, qw] = g.split(quat, 1, [1, 1, 1, 1]) as [Value, Value, Value, Value];
  const sideways = g.sub(xy, g.concat([ex, ey], 1));
  const offsets = g.concat([sideways, g.sub(ez, height)], 1);
  const doubled = (a: Value, b: Value): Value => g.mul(g.mul(a, b), 2);
  const distance = g.reduceSum(g.mul(sideways, sideways), [1], true);
  return g.concat(
    [
      g.mul(offsets, 1 / COARSE_M),
      g.tanh(g.mul(offsets, 1 / FINE_M)),
      opening,
      g.sub(opening, previousOpening),
      g.add(doubled(qx, qz), doubled(qw, qy)),
      g.sub(doubled(qy, qz), doubled(qw, qx)),
      g.sub(doubled(qx, qy), doubled(qw, qz)),
      g.sub(1, g.add(doubled(qx, qx), doubled(qz, qz))),
      g.exp(g.mul(distance, -1 / (2 * (2 * FINE_M) ** 2))),
    ],
    1,
  );
}

function act(g: GraphBuilder, { action, config }: FittedParameters, state: Value): Value {
  const { offset, scale, frequencies, phases, weights } = action;
  const count = phases.length;
  const scaled = g.mul(
    g.sub(state, g.parameter("offset", floats([STATE_DIM], offset))),
    g.parameter("scale", floats([STATE_DIM], scale)),
  );
  const w = g.parameter("frequencies", floats([STATE_DIM, count], frequencies));
  const waves = g.cos(g.linear(scaled, w, g.parameter("phases", floats([count], phases))));
  const features = g.concat([scaled, g.mul(waves, Math.SQRT2)], 1);
  const rows = STATE_DIM + count;
  const width = config.horizon * ACTION_DIM;
  const matrix = g.parameter(
    "action_weights",
    floats([rows, width], weights.subarray(0, rows * width)),
  );
  const bias = g.parameter("action_bias", floats([width], weights.subarray(rows * width)));
  return g.clip(g.linear(features, matrix, bias), -1, 1);
}
