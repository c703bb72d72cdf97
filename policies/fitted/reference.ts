/**
 * The policy's arithmetic in float64: what fitting uses to make features, and what the graph is tested
 * against. `model.ts` says the same in ONNX operators.
 */
import type { NdArray } from "../../src/core/index.ts";
import type { FittedConfig } from "./config.ts";
import type { ActionParameters, FittedParameters, PerceptionParameters } from "./parameters.ts";

/** Added to r + g + b, so that black has a colour. */
export const DARKNESS = 0.1;
/** Weight of brightness against hue. */
export const BRIGHTNESS = 0.15;
/** Maps below this do not count: a far background of small values would pull the centroid. */
export const FLOOR = 0.05;
/** Weight of the picture's centre in every centroid, which also keeps an empty map finite. */
export const PRIOR = 1e-3;
export const STATE_DIM = 13;

/** Chromaticity and a little brightness of an sRGB pixel, channels in [0, 1]. */
export function colourOf(r: number, g: number, b: number): [number, number, number, number] {
  const total = r + g + b;
  const scale = 1 / (total + DARKNESS);
  return [r * scale, g * scale, b * scale, BRIGHTNESS * total];
}

/** Response of every palette colour at every pixel, averaged over 3 x 3: `float64[colours, height * width]`. */
export function paletteMaps(
  image: NdArray,
  palette: Float64Array,
  config: FittedConfig,
): Float64Array[] {
  const { imageHeight: height, imageWidth: width, colourWidth } = config;
  const pixels = colourImage(image);
  const maps: Float64Array[] = [];
  for (let k = 0; k < palette.length / 4; k++) {
    const map = new Float64Array(height * width);
    for (let i = 0; i < map.length; i++) {
      let distance = 0;
      for (let c = 0; c < 4; c++) distance += (pixels[4 * i + c]! - palette[4 * k + c]!) ** 2;
      map[i] = Math.exp(-distance / (2 * colourWidth ** 2));
    }
    maps.push(boxMean(map, { height, width }));
  }
  return maps;
}

/** `float64[height * width, 4]` */
export function colourImage({ data }: NdArray): Float64Array {
  const out = new Float64Array((data.length / 3) * 4);
  for (let i = 0; i < data.length / 3; i++) {
    const [r, g, b] = [0, 1, 2].map((c) => Number(data[3 * i + c]) / 255) as [
      number,
      number,
      number,
    ];
    out.set(colourOf(r, g, b), 4 * i);
  }
  return out;
}

/** Mean over 3 x 3 with zeros outside. */
function boxMean(
  map: Float64Array,
  { height, width }: { height: number; width: number },
): Float64Array {
  const out = new Float64Array(map.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let i = Math.max(0, row - 1); i <= Math.min(height - 1, row + 1); i++) {
        for (let j = Math.max(0, column - 1); j <= Math.min(width - 1, column + 1); j++) {
          sum += map[i * width + j]!;
        }
      }
      out[row * width + column] = sum / 9;
    }
  }
  return out;
}

/** Pixels at which a map can contribute to a product: maps are at most 1. */
export function supportOf(map: Float64Array): Uint32Array {
  return Uint32Array.from(map.keys()).filter((i) => map[i]! > FLOOR);
}

/**
 * Centroid `[u, v]` of the product of two maps; u to the right, v down, both in [-1, 1].
 * @param support a superset of the pixels where the product counts, in rising order
 */
export function centroidOf(
  [a, b]: readonly [Float64Array, Float64Array],
  config: FittedConfig,
  support: Uint32Array = supportOf(a),
): [number, number] {
  const { imageHeight: height, imageWidth: width } = config;
  let [mass, u, v] = [PRIOR, 0, 0];
  for (const i of support) {
    const weight = Math.max(0, a[i]! * b[i]! - FLOOR) ** 2;
    if (weight === 0) continue;
    mass += weight;
    u += weight * coordinate(i % width, width);
    v += weight * coordinate(Math.floor(i / width), height);
  }
  return [u / mass, v / mass];
}

/** Pixel centres from -1 to 1. */
export function coordinate(index: number, size: number): number {
  return (2 * index + 1) / size - 1;
}

/** Second-order terms of a centroid: enough for a table seen in perspective. */
export function centroidTerms([u, v]: readonly [number, number]): [
  number,
  number,
  number,
  number,
  number,
] {
  return [u, v, u * u, u * v, v * v];
}

/** World x, y (m) of a target from one picture. */
export function locate(
  image: NdArray,
  target: number,
  given: { perception: PerceptionParameters; config: FittedConfig; targets: number },
): [number, number] {
  const { perception, config, targets } = given;
  const maps = paletteMaps(image, perception.palette, config);
  const terms = perception.maps.flatMap(([a, b]) =>
    centroidTerms(centroidOf([maps[a]!, maps[b]!], config)),
  );
  const position: [number, number] = [0, 0];
  for (const [i, term] of [...terms, 1].entries()) {
    for (let axis = 0; axis < 2; axis++) {
      position[axis]! += term * perception.weights[(i * targets + target) * 2 + axis]!;
    }
  }
  return position;
}

/** Lengths (m) at which the state looks at distances: a coarse and a fine scale. */
export const COARSE_M = 0.1;
export const FINE_M = 0.015;

/** What the action depends on, unscaled, `float64[STATE_DIM]`. */
export function stateOf(
  proprio: ArrayLike<number>,
  target: { readonly x: number; readonly y: number; readonly graspHeight: number },
  previousOpening: number,
): Float64Array {
  const [ex = 0, ey = 0, ez = 0, qx = 0, qy = 0, qz = 0, qw = 0, opening = 0] = Array.from(proprio);
  const offsets = [target.x - ex, target.y - ey, ez - target.graspHeight];
  return Float64Array.of(
    ...offsets.map((d) => d / COARSE_M),
    ...offsets.map((d) => Math.tanh(d / FINE_M)),
    opening,
    opening - previousOpening,
    // Entries of the hand's rotation matrix, which have no sign to choose: its tilt, and where the fingers close.
    2 * (qx * qz + qw * qy),
    2 * (qy * qz - qw * qx),
    2 * (qx * qy - qw * qz),
    1 - 2 * (qx * qx + qz * qz),
    // How near the target is, sideways.
    Math.exp(-(offsets[0]! ** 2 + offsets[1]! ** 2) / (2 * (2 * FINE_M) ** 2)),
  );
}

/** Scaled state, random Fourier features of it (Rahimi & Recht 2007), and 1. */
export function actionFeatures(
  state: Float64Array,
  action: Pick<ActionParameters, "offset" | "scale" | "frequencies" | "phases">,
): Float64Array {
  const scaled = state.map((value, i) => (value - action.offset[i]!) * action.scale[i]!);
  const count = action.phases.length;
  const out = new Float64Array(STATE_DIM + count + 1);
  out.set(scaled);
  for (let f = 0; f < count; f++) {
    let phase = action.phases[f]!;
    for (let i = 0; i < STATE_DIM; i++) phase += scaled[i]! * action.frequencies[i * count + f]!;
    out[STATE_DIM + f] = Math.SQRT2 * Math.cos(phase);
  }
  out[out.length - 1] = 1;
  return out;
}

/** The chunk, `float64[horizon * 7]` in [-1, 1]. */
export function chunkOf(
  state: Float64Array,
  { action }: Pick<FittedParameters, "action">,
): Float64Array {
  const features = actionFeatures(state, action);
  const width = action.weights.length / features.length;
  const out = new Float64Array(width);
  for (const [i, feature] of features.entries()) {
    for (let k = 0; k < width; k++) out[k]! += feature * action.weights[i * width + k]!;
  }
  return out.map((value) => Math.min(1, Math.max(-1, value)));
}
