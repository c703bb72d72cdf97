/**
 * Operators that take or put elements at places given by other tensors. Their gradients add up where one
 * place was taken several times (`add-at.ts`).
 */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import { addAt, addElements } from "./add-at.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, fixedDim, fullLike, inputOf, intOf, productOf } from "./rule.ts";
import { refuseVjp, reshapeLike, resolvedAxis, stringOf } from "./rule.ts";

export type IndexingOp =
  "Gather" | "GatherElements" | "GatherND" | "ScatterElements" | "ScatterND" | "OneHot";

const gather: VjpRule = (g, call) => {
  const [x, indices, dy] = [inputOf(call, 0), inputOf(call, 1), cotangentOf(call)];
  const axis = resolvedAxis(intOf(call, "axis", 0), x.shape.length);
  const count = productOf(indices.shape);
  const flat = reshapeLike(g, indices, { elementType: indices.elementType, shape: [count] });
  const shape = [...x.shape.slice(0, axis), count, ...x.shape.slice(axis + 1)];
  const rows = reshapeLike(g, dy, { elementType: x.elementType, shape });
  return [addAt(g, rows, { indices: flat, axis, like: x })];
};

const gatherElements: VjpRule = (g, call) => {
  const [x, indices] = [inputOf(call, 0), inputOf(call, 1)];
  const axis = resolvedAxis(intOf(call, "axis", 0), x.shape.length);
  return [addElements(g, cotangentOf(call), { indices, axis, like: x })];
};

/** The tuples become one number each, so that the data is a table whose rows are taken. */
const gatherNd: VjpRule = (g, call) => {
  const [x, dy] = [inputOf(call, 0), cotangentOf(call)];
  const { row, indexed } = flatIndex(g, call);
  const { elementType } = x;
  const rest = productOf(x.shape.slice(indexed));
  const table = { elementType, shape: [productOf(x.shape.slice(0, indexed)), rest] };
  const rows = reshapeLike(g, dy, { elementType, shape: [row.shape[0] ?? 1, rest] });
  return [reshapeLike(g, addAt(g, rows, { indices: row, axis: 0, like: table }), x)];
};

/** Row numbers in the data flattened over its first `indexed` axes: those of the batch and of the tuples. */
function flatIndex(g: GraphBuilder, call: VjpCall): { row: Value; indexed: number } {
  const [x, indices] = [inputOf(call, 0), inputOf(call, 1)];
  const batch = intOf(call, "batch_dims", 0);
  const depth = fixedDim(call, indices.shape.at(-1), "the length of index tuples");
  const dims = x.shape
    .slice(0, batch + depth)
    .map((dim, i) => fixedDim(call, dim, `dimension ${i} of the data`));
  const integers = (values: readonly number[], shape: readonly number[]): Value => {
    const data = BigInt64Array.from(values, BigInt);
    return g.cast(g.constant({ dtype: "int64", shape, data }), indices.elementType);
  };
  const strides = dims.map((_, i) => dims.slice(i + 1).reduce((product, dim) => product * dim, 1));
  const wrapped = g.one("Mod", [indices, integers(dims.slice(batch), [depth])]);
  const within = g.reduceSum(g.mul(wrapped, integers(strides.slice(batch), [depth])), [-1]);
  const batches = dims.slice(0, batch).reduce((product, dim) => product * dim, 1);
  const size = strides[batch - 1] ?? 1;
  const offsets = integers(
    Array.from({ length: batches }, (_, i) => i * size),
    [...dims.slice(0, batch), ...within.shape.slice(batch).map(() => 1)],
  );
  const shape = [productOf(within.shape)];
  const placed = batch === 0 ? within : g.add(within, offsets);
  const row = reshapeLike(g, placed, { elementType: indices.elementType, shape });
  return { row, indexed: batch + depth };
}

/** What replaced an element takes its gradient; what was added to it shares it. */
function scatter(parts: {
  taken: (g: GraphBuilder, call: VjpCall) => Value;
  without: (g: GraphBuilder, call: VjpCall) => Value;
}): VjpRule {
  return (g, call) => {
    const reduction = stringOf(call, "reduction", "none");
    if (reduction !== "none" && reduction !== "add") {
      refuseVjp(call, `reduction is ${reduction}`, "must be none or add");
    }
    const data = reduction === "add" ? cotangentOf : (): Value => parts.without(g, call);
    return [
      call.needs[0] === true ? data(call) : undefined,
      undefined,
      call.needs[2] === true ? parts.taken(g, call) : undefined,
    ];
  };
}

const scatterElements = scatter({
  taken: (g, call) => g.gatherElements(cotangentOf(call), inputOf(call, 1), intOf(call, "axis", 0)),
  without: (g, call) => {
    const put = { indices: inputOf(call, 1), updates: fullLike(g, inputOf(call, 2), 0) };
    return g.scatterElements(cotangentOf(call), put, { axis: intOf(call, "axis", 0) });
  },
});

const scatterNd = scatter({
  taken: (g, call) => g.gatherNd(cotangentOf(call), inputOf(call, 1)),
  without: (g, call) => {
    const put = { indices: inputOf(call, 1), updates: fullLike(g, inputOf(call, 2), 0) };
    return g.scatterNd(cotangentOf(call), put);
  },
});

/** Of the two values: the second stands where the index points, the first everywhere else. */
const oneHot: VjpRule = (g, call) => {
  const [indices, depth, values] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
  const dy = cotangentOf(call);
  const axis = intOf(call, "axis", -1);
  const bits = { dtype: "float32", shape: [2], data: Float32Array.of(0, 1) } as const;
  const inputs = [indices, depth, g.constant(bits)];
  const hot = g.cast(g.one("OneHot", inputs, { attributes: { axis } }), values.elementType);
  const all = dy.shape.map((_, i) => i);
  const on = g.reduceSum(g.mul(dy, hot), all);
  const off = g.sub(g.reduceSum(dy, all), on);
  return [
    undefined,
    undefined,
    g.concat(
      [off, on].map((value) => g.unsqueeze(value, [0])),
      0,
    ),
  ];
};

export const INDEXING_VJPS: Readonly<Record<IndexingOp, VjpRule>> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
};
