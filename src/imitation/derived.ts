/** What is computed of the proprio before a network reads it: formulas that a configuration gives. */
import type { GraphBuilder, Value } from "../onnx/index.ts";
import { FORMULA_CONSTANTS, formulaVariables, HELD, translateFormula } from "../onnx/index.ts";
import { columnsOf, entryNames, parseFormula } from "./formulas.ts";
import type { Imitated } from "./observed.ts";
import { physical } from "./physical.ts";

type Described = Pick<Imitated, "config" | "proprio" | "affine">;

/**
 * The numbers of `policy.derived`, in order, as columns beside the proprio. A formula may use every number of the proprio by the
 * name of its component (`opening`, or `position_0` where that has several), in physical units, `pi` and `e`, operators
 * `+ - * / ^` and functions `abs sqrt square exp log sin cos tanh min max`. Its values are not normalised.
 *
 * They are part of the graph, so that a package needs nothing but the proprio that it was trained on.
 *
 * @param proprio `[rows, proprioDim]`, normalised
 * @returns `[rows, 1]` each
 * @throws {SyntaxError} for what is no formula, or depends on nothing that is observed
 * @throws {RangeError} for one that may divide by 0, or take a root or logarithm of what may be negative
 */
export function derivedColumns(
  g: GraphBuilder,
  proprio: Value,
  { config, proprio: components, affine }: Described,
): readonly Value[] {
  const { derived = [] } = config;
  if (derived.length === 0) return [];
  const column = columnsOf(g, physical(g, proprio, affine.proprio));
  const names = entryNames(components);
  const variables = formulaVariables([
    ...names.map((name, i) => [name, { ...HELD, make: () => column(i) }] as const),
    ...FORMULA_CONSTANTS,
  ]);
  return derived.map((text) => {
    const request = { g, what: "derived feature", variables, parse: parseFormula };
    const { value } = translateFormula(text, request);
    if (typeof value !== "number") return value;
    throw new SyntaxError(
      `Cannot read derived feature "${text}": it is the number ${value} whatever is observed, must use one of ${names.join(", ")}`,
    );
  });
}
