/**
 * Adding slices up at places of an axis, the gradient of taking them from there. `ScatterND(reduction=add)`
 * would do it in one node and is never emitted: on two and more threads onnxruntime 1.30 loses additions to
 * one place. A product with one-hot rows and `ScatterElements(reduction=add)` do not.
 */
import { allocate } from "../../onnx/index.ts";
import type { GraphBuilder, TensorType, Value } from "../../onnx/index.ts";
import { expandTo, fullLike, productOf, reshapeLike } from "./rule.ts";

/** Up to so many rows a table's gradient is a product with one-hot rows; beyond that it is scattered. */
const ONE_HOT_ROWS = 1024;

export interface Places {
  /** int32 or int64; negative ones count from the end. */
  readonly indices: Value;
  readonly axis: number;
  /** Shape of the result. */
  readonly like: TensorType;
}

/** Zeros to which slice `i` of `axis` of `dy` is added at `indices[i]`. `indices` has rank 1. */
export function addAt(g: GraphBuilder, dy: Value, { indices, axis, like }: Places): Value {
  const { elementType, shape } = dy;
  const dim = like.shape[axis];
  const run = consecutive(indices);
  if (run !== undefined && typeof dim === "number") {
    const amounts = (amount: number): number[] => shape.map((_, i) => (i === axis ? amount : 0));
    const start = run.start < 0 ? run.start + dim : run.start;
    const after = dim - start - run.length;
    if (start === 0 && after === 0) return dy;
    return g.pad(dy, { before: amounts(start), after: amounts(after) });
  }
  if (axis === 0 && typeof dim === "number" && dim <= ONE_HOT_ROWS) {
    const count = shape[0] ?? 1;
    const rest = productOf(shape.slice(1));
    const rows = reshapeLike(g, dy, { elementType, shape: [count, rest] });
    const hot = oneHotRows(g, indices, { depth: dim, elementType });
    return reshapeLike(g, g.gemm(hot, rows, { transA: true }), like);
  }
  const along = shape.map((_, i) => (i === axis ? (indices.shape[0] ?? 1) : 1));
  const column = reshapeLike(g, indices, { elementType: indices.elementType, shape: along });
  return addElements(g, dy, { indices: expandTo(g, column, dy), axis, like });
}

/** Zeros to which every element of `dy` is added at its own index along `axis`. */
export function addElements(g: GraphBuilder, dy: Value, { indices, axis, like }: Places): Value {
  const zeros = fullLike(g, like, 0);
  return g.scatterElements(zeros, { indices, updates: dy }, { axis, reduction: "add" });
}

/** One row for each index, with a 1 where it points. */
function oneHotRows(
  g: GraphBuilder,
  indices: Value,
  { depth, elementType }: { depth: number; elementType: Value["elementType"] },
): Value {
  const dtype = indices.elementType;
  const shape = [indices.shape[0] ?? 1, 1];
  const column = reshapeLike(g, indices, { elementType: dtype, shape });
  const data = allocate(dtype, depth);
  for (let i = 0; i < depth; i++) data[i] = dtype === "int64" ? BigInt(i) : i;
  const counting = g.constant({ dtype, shape: [depth], data });
  // ONNX's remainder takes the divisor's sign: a negative index becomes the one it stands for.
  const wrapped = g.one("Mod", [column, g.scalar(depth, dtype)]);
  return g.cast(g.equal(wrapped, counting), elementType);
}

/** Indices known now that count up by one. */
function consecutive({ constant }: Value): { start: number; length: number } | undefined {
  if (constant === undefined) return undefined;
  const values = Array.from(constant.data, Number);
  const [start] = values;
  // From -1 to 0 the places are the two ends.
  if (start === undefined || (start < 0 && start + values.length > 0)) return undefined;
  return values.every((value, i) => value === start + i)
    ? { start, length: values.length }
    : undefined;
}
