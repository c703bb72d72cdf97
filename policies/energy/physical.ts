/** Normalised values in a graph, in physical units again. */
import type { GraphBuilder, Value } from "../../src/onnx/index.ts";
import type { Affine } from "../../src/package/index.ts";

/** @param x `float32[..., n]`, normalised, with the statistics of n elements */
export function physical(g: GraphBuilder, x: Value, { offset, scale }: Affine): Value {
  const row = (values: Float64Array): Value =>
    g.constant({ dtype: "float32", shape: [values.length], data: Float32Array.from(values) });
  return g.add(g.mul(x, row(scale)), row(offset));
}
