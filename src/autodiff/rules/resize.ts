/**
 * Resizing is linear, and one matrix along each axis: a row holds the weights by which an output element takes
 * from the input. Its gradient is the same with transposed matrices.
 */
import { allocate, resizedAxes } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, fixedDim, floatOf, inputOf, intOf, outputOf, refuseVjp } from "./rule.ts";
import { stringOf } from "./rule.ts";

export type ResizeOp = "Resize";

/** One axis that is resized. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
}

const resize: VjpRule = (g, call) => {
  const [x, y] = [inputOf(call, 0), outputOf(call, 0)];
  if (intOf(call, "antialias", 0) !== 0) {
    refuseVjp(call, "antialias is set", "must not be");
  }
  const scales = numbersOf(call, 2);
  const dx = resizedAxes(call.node, x.shape.length).reduce((value, axis, i) => {
    if (x.shape[axis] === y.shape[axis] && (scales[i] ?? 1) === 1) return value;
    const from = fixedDim(call, x.shape[axis], `dimension ${axis}`);
    const to = fixedDim(call, y.shape[axis], `dimension ${axis}`);
    const weights = weightsAlong(call, { from, to, scale: scales[i] ?? to / from });
    const data = allocate(x.elementType, from * to);
    weights.forEach((row, o) => {
      for (const [at, weight] of row) data[at * to + o] = Number(data[at * to + o]) + weight;
    });
    return g.mapAxis(value, axis, { dtype: x.elementType, shape: [from, to], data });
  }, cotangentOf(call));
  return [dx];
};

function numbersOf(call: VjpCall, index: number): number[] {
  const data = call.inputs[index]?.constant?.data;
  return data === undefined ? [] : Array.from(data, Number);
}

type Weights = readonly (readonly [at: number, weight: number])[];

/** For every output element, where it takes from and how much. */
function weightsAlong(call: VjpCall, axis: Axis): Weights[] {
  const mode = stringOf(call, "mode", "nearest");
  return Array.from({ length: axis.to }, (_, o) => {
    const at = coordinate(call, axis, o);
    if (mode === "nearest") return [[clamped(rounded(call, at), axis), 1]];
    if (mode === "linear") return linear(at, axis);
    if (mode === "cubic") return cubic(call, at, axis);
    return refuseVjp(call, `mode is "${mode}"`, "must be nearest, linear or cubic");
  });
}

/** The input coordinate of output element `o` (ONNX `Resize`, coordinate_transformation_mode). */
function coordinate(call: VjpCall, { from, to, scale }: Axis, o: number): number {
  const mode = stringOf(call, "coordinate_transformation_mode", "half_pixel");
  const centre = (o + 0.5) / scale - 0.5;
  switch (mode) {
    case "half_pixel":
      return centre;
    case "pytorch_half_pixel":
      return to > 1 ? centre : 0;
    case "align_corners":
      return to > 1 ? (o * (from - 1)) / (to - 1) : 0;
    case "asymmetric":
      return o / scale;
    case "half_pixel_symmetric":
      return (from / 2) * (1 - to / (scale * from)) + centre;
    default:
      return refuseVjp(call, `coordinates are "${mode}"`, "must be of a mode without a crop");
  }
}

function rounded(call: VjpCall, at: number): number {
  const mode = stringOf(call, "nearest_mode", "round_prefer_floor");
  if (mode === "floor") return Math.floor(at);
  if (mode === "ceil") return Math.ceil(at);
  if (mode === "round_prefer_ceil") return Math.floor(at + 0.5);
  return Math.ceil(at - 0.5);
}

function clamped(at: number, { from }: Axis): number {
  return Math.min(from - 1, Math.max(0, at));
}

function linear(at: number, axis: Axis): Weights {
  const place = clamped(at, axis);
  const low = Math.floor(place);
  const share = place - low;
  return [
    [low, 1 - share],
    [clamped(low + 1, axis), share],
  ];
}

/** Keys 1981, doi:10.1109/TASSP.1981.1163711, with the parameter `a` of the node. */
function cubic(call: VjpCall, at: number, axis: Axis): Weights {
  const a = floatOf(call, "cubic_coeff_a", -0.75);
  const low = Math.floor(at);
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const share = at - low;
  const four = [far(1 + share), near(share), near(1 - share), far(2 - share)];
  const inside = (k: number): boolean => low - 1 + k >= 0 && low - 1 + k < axis.from;
  if (intOf(call, "exclude_outside", 0) === 0) {
    return four.map((weight, k) => [clamped(low - 1 + k, axis), weight] as const);
  }
  const total = four.reduce((sum, weight, k) => (inside(k) ? sum + weight : sum), 0);
  return four.flatMap((weight, k) => (inside(k) ? [[low - 1 + k, weight / total] as const] : []));
}

export const RESIZE_VJPS: Readonly<Record<ResizeOp, VjpRule>> = { Resize: resize };
