/**
 * What the energy looks like around the chunk that a descent ended at: along the way from its first candidate, and
 * over the plane that the descent kept closest to. Part of the acting graph where `infer.landscape` asks for it; the
 * energy of so many chunks is all it costs, whatever the descent did.
 */
import type { NdArray } from "../../src/core/index.ts";
import type { GraphBuilder, Value } from "../../src/onnx/index.ts";
import type { LayerContext } from "../../src/onnx/layers/index.ts";
import type { EnergyConfig } from "./config.ts";
import type { Landscape } from "./step.ts";
import { energyOf } from "./step.ts";

/** A descent that has ended; normalised chunks. */
export interface EndedDescent {
  /** `[1, rows, actionDim]`: the first candidate. */
  readonly start: Value;
  /** `[steps, rows, actionDim]`: after every step; the last one is the chosen chunk. */
  readonly path: Value;
  /** `[1, rows, actionDim]` */
  readonly chosen: Value;
}

/** Names of the outputs, below `landscape/`. */
export const LANDSCAPE_OUTPUTS = {
  line: {
    at: "landscape/line/at",
    energy: "landscape/line/energy",
    start: "landscape/line/start",
    path: "landscape/line/path",
  },
  plane: {
    first: "landscape/plane/first",
    second: "landscape/plane/second",
    energy: "landscape/plane/energy",
    start: "landscape/plane/start",
    path: "landscape/plane/path",
  },
} as const;

/** Beyond both ends of the line, in its lengths. */
const OVERSHOOT = 0.25;
/** Half the side of the plane, in extents of the descent. */
const HALF_SIDE = 0.65;
/** The plane is at least so wide across, of its extent along. */
const LEAST_ACROSS = 0.25;
/** C^(2^n) stands for the covariance's first direction. */
const SQUARINGS = 7;
const TINY = 1e-12;

/**
 * Declares, with m points of the line and n of each side of the plane:
 *
 * | output of `landscape/` | |
 * | --- | --- |
 * | `line/at` | `[m]`: places on the straight line from the first candidate, 0, to the chosen chunk, 1 |
 * | `line/energy` | `[m]` |
 * | `line/start`, `line/path` | `[1]`, `[steps, 1]`: where the first candidate and the chunks after every step are, projected onto it |
 * | `plane/first`, `plane/second` | `[n]`: coordinates along the two directions, distances in normalised actions; the chosen chunk is 0, 0 |
 * | `plane/energy` | `[n, n]`: a row for every coordinate of the second |
 * | `plane/start`, `plane/path` | `[2]`, `[steps, 2]` |
 *
 * The directions are the principal ones of the differences to the chosen chunk: those of the largest eigenvalues of
 * their `[rows * actionDim, rows * actionDim]` matrix of second moments, by powers of it. Where the descent was a
 * straight line the second has no meaning, and the plane is the line, spread out.
 */
export function declareLandscape(
  context: LayerContext,
  descent: EndedDescent,
  { landscape, sides }: { landscape: Landscape; sides: LandscapeSides },
): void {
  const { g } = context;
  const chosen = flat(g, descent.chosen);
  const way = {
    start: g.sub(flat(g, descent.start), chosen),
    path: g.sub(flat(g, descent.path), chosen),
  };
  const line = lineOf(g, way, sides.line);
  const plane = planeOf(g, way, sides.plane);
  const offsets = g.concat([line.offsets, plane.offsets], 0);
  const [, rows, actionDim] = descent.chosen.shape.map(Number) as [number, number, number];
  const count = sides.line + sides.plane ** 2;
  const chunks = g.reshape(g.add(offsets, chosen), [count, rows, actionDim]);
  const energy = energyOf(context, chunks, landscape);
  const [along, over] = g.split(energy, 0, [sides.line, sides.plane ** 2]) as [Value, Value];
  const { line: ofLine, plane: ofPlane } = LANDSCAPE_OUTPUTS;
  g.output(ofLine.at, line.at);
  g.output(ofLine.energy, along);
  g.output(ofLine.start, line.start);
  g.output(ofLine.path, line.path);
  g.output(ofPlane.first, plane.first);
  g.output(ofPlane.second, plane.second);
  g.output(ofPlane.energy, g.reshape(over, [sides.plane, sides.plane]));
  g.output(ofPlane.start, plane.start);
  g.output(ofPlane.path, plane.path);
}

export type LandscapeSides = NonNullable<EnergyConfig["infer"]["landscape"]>;

function flat(g: GraphBuilder, chunks: Value): Value {
  const [, rows, actionDim] = chunks.shape.map(Number) as [number, number, number];
  return g.reshape(chunks, [chunks.shape[0] ?? 1, rows * actionDim]);
}

/** `[count]` numbers from `low` to `high`, evenly. */
function evenly(g: GraphBuilder, count: number, [low, high]: readonly [number, number]): Value {
  const data = Float32Array.from(
    { length: count },
    (_, i) => low + ((high - low) * i) / (count - 1),
  );
  return g.constant({ dtype: "float32", shape: [count], data });
}

/** A descent as differences to the chosen chunk, flat. */
interface Way {
  /** `[1, n]` */
  readonly start: Value;
  /** `[steps, n]` */
  readonly path: Value;
}

interface Slice {
  /** `[axes]` */
  readonly start: Value;
  /** `[steps, axes]` */
  readonly path: Value;
  /** `[points, n]`: from the chosen chunk. */
  readonly offsets: Value;
}

function lineOf(g: GraphBuilder, way: Way, points: number): Slice & { readonly at: Value } {
  const back = way.start;
  const squared = g.max(g.reduceSumSquare(back, [1], true), TINY);
  const along = (rows: Value): Value =>
    g.sub(1, g.div(g.matmul(rows, g.transpose(back, [1, 0])), squared));
  const at = evenly(g, points, [-OVERSHOOT, 1 + OVERSHOOT]);
  return {
    at,
    start: g.reshape(along(back), [1]),
    path: along(way.path),
    offsets: g.mul(g.unsqueeze(g.sub(1, at), [1]), back),
  };
}

function planeOf(
  g: GraphBuilder,
  way: Way,
  points: number,
): Slice & { readonly first: Value; readonly second: Value } {
  const [u, v] = principalDirections(g, way);
  const both = g.transpose(g.concat([u, v], 0), [1, 0]);
  const start = g.matmul(way.start, both);
  const path = g.matmul(way.path, both);
  const low = g.min(start, g.reduceMin(path, [0], true));
  const high = g.max(start, g.reduceMax(path, [0], true));
  const grid = gridOver(g, { low, high, points });
  const [first, second] = g.split(grid, 1, [1, 1]).map((column) => g.reshape(column, [points])) as [
    Value,
    Value,
  ];
  const across = g.unsqueeze(g.mul(g.unsqueeze(first, [1]), u), [0]);
  const up = g.unsqueeze(g.mul(g.unsqueeze(second, [1]), v), [1]);
  const offsets = g.reshape(g.add(up, across), [points * points, Number(u.shape[1])]);
  return { first, second, start: g.reshape(start, [2]), path, offsets };
}

/** `[points, 2]`: coordinates along both directions, a margin beyond the descent. */
function gridOver(
  g: GraphBuilder,
  { low, high, points }: { readonly low: Value; readonly high: Value; readonly points: number },
): Value {
  const extent = g.sub(high, low);
  const [longest] = g.split(extent, 1, [1, 1]) as [Value, Value];
  const span = g.max(extent, g.mul(longest, LEAST_ACROSS));
  const reach = evenly(g, points, [-HALF_SIDE, HALF_SIDE]);
  return g.add(g.mul(g.unsqueeze(reach, [1]), span), g.mul(g.add(low, high), 0.5));
}

/** Two directions `[1, n]` of length 1 across each other; the second is 0 where there is none. */
function principalDirections(g: GraphBuilder, way: Way): readonly [Value, Value] {
  const momentsOf = (rows: Value): Value => g.matmul(g.transpose(rows, [1, 0]), rows);
  const moments = g.add(momentsOf(way.start), momentsOf(way.path));
  const first = leadingDirection(g, moments);
  const across = g.sub(unit(g, Number(first.shape[1])), momentsOf(first));
  const second = leadingDirection(g, g.matmul(g.matmul(across, moments), across));
  return [turnedTo(g, first, way), turnedTo(g, second, way)];
}

/** Eigenvector of the largest eigenvalue of a symmetric matrix, `[1, n]`. */
function leadingDirection(g: GraphBuilder, matrix: Value): Value {
  const size = Number(matrix.shape[0]);
  const identity = unit(g, size);
  const diagonal = (m: Value): Value => g.reduceSum(g.mul(m, identity), [1]);
  const scaled = (m: Value): Value => g.div(m, g.max(g.reduceSum(diagonal(m), [0]), TINY));
  let power = scaled(matrix);
  for (let i = 0; i < SQUARINGS; i++) power = scaled(g.matmul(power, power));
  // Its columns are all multiples of the eigenvector; the longest is the most exact.
  const column = g.gather(power, g.argMax(diagonal(power), 0, true), 0);
  return g.div(column, g.sqrt(g.max(g.reduceSumSquare(column, [1], true), TINY)));
}

/** The direction or its opposite, such that the way lies on its positive side. */
function turnedTo(g: GraphBuilder, direction: Value, { start, path }: Way): Value {
  const along = (rows: Value): Value =>
    g.reduceSum(g.matmul(rows, g.transpose(direction, [1, 0])), [0], true);
  const side = g.add(along(start), along(path));
  return g.where(g.less(side, 0), g.neg(direction), direction);
}

function unit(g: GraphBuilder, size: number): Value {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) data[i * size + i] = 1;
  const array: NdArray = { dtype: "float32", shape: [size, size], data };
  return g.constant(array);
}
