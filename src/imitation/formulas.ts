/** What formulas of a policy have in common: how they are parsed, and what their names stand for. */
import { createRequire } from "node:module";
import type { ComponentSpec } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import type { GraphBuilder, ParseFormula, Value } from "../onnx/index.ts";

/** By mathjs, which takes a second to load: no sooner than there is a formula. */
export const parseFormula: ParseFormula = (text) => {
  const { parse } = createRequire(import.meta.url)("mathjs") as { readonly parse: ParseFormula };
  return parse(text);
};

/** Names of the numbers of some components, in order: `gripper`, or `delta_position_0` and so on. */
export function entryNames(components: readonly ComponentSpec[]): string[] {
  return components.flatMap(({ name, shape }) => {
    const plain = name.replaceAll(/\W+/g, "_");
    const count = elementCount(shape);
    if (count === 1) return [plain];
    return Array.from({ length: count }, (_, i) => `${plain}_${i}`);
  });
}

/**
 * Of the last axis of a value one number each; it is split when the first is asked for.
 * @param shaped what becomes of every column, once; default: itself
 */
export function columnsOf(
  g: GraphBuilder,
  values: Value,
  shaped: (column: Value) => Value = (column) => column,
): (index: number) => Value {
  let columns: readonly Value[] | undefined;
  return (index) => {
    columns ??= split(g, values).map(shaped);
    return columns[index] as Value;
  };
}

function split(g: GraphBuilder, values: Value): readonly Value[] {
  const axis = values.shape.length - 1;
  const width = Number(values.shape[axis]);
  return width === 1 ? [values] : g.split(values, axis, new Array<number>(width).fill(1));
}
