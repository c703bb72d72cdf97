/** Operators that move elements and compute none: their gradients move them back. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpRule } from "./rule.ts";
import { cotangentOf, inputOf, shapeValue } from "./rule.ts";

export type LayoutOp = "Reshape";

/** `value`, which has as many elements, in the shape of `like`. */
export function reshapeLike(g: GraphBuilder, value: Value, like: Value): Value {
  if (value.shape.join() === like.shape.join()) return value;
  const { elementType, shape } = like;
  // A known dimension of 0 means itself, not "as in the input".
  const attributes = shape.includes(0) ? { allowzero: 1 } : {};
  const options = { attributes, outputTypes: [{ elementType, shape }] };
  return g.one("Reshape", [value, shapeValue(g, like)], options);
}

/** For operators that keep all elements in their order. */
const reshaped: VjpRule = (g, call) => [reshapeLike(g, cotangentOf(call), inputOf(call, 0))];

export const LAYOUT_VJPS: Readonly<Record<LayoutOp, VjpRule>> = { Reshape: reshaped };
