/** Normalised values in a graph, in physical units again. */
import type { GraphBuilder, Value } from "../onnx/index.ts";
import type { Affine } from "../package/index.ts";

/** @param x `[..., n]`, floating, normalised, with the statistics of n elements */
export function physical(g: GraphBuilder, x: Value, { offset, scale }: Affine): Value {
  const dtype = x.elementType === "float64" ? "float64" : "float32";
  const row = (values: Float64Array): Value => {
    const data = dtype === "float64" ? values : Float32Array.from(values);
    return g.constant({ dtype, shape: [values.length], data });
  };
  return g.add(g.mul(x, row(scale)), row(offset));
}
