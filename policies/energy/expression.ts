/** Energies written as formulas of an action row, of what is observed and of sums of action rows. */
import { columnsOf, parseFormula } from "../../src/imitation/index.ts";
import type { FormulaVariable, GraphBuilder, Value } from "../../src/onnx/index.ts";
import {
  between,
  FORMULA_CONSTANTS,
  formulaVariables,
  FREE,
  HELD,
  translateFormula,
} from "../../src/onnx/index.ts";

export interface EnergyFormulaRequest {
  readonly g: GraphBuilder;
  /** `[batch, rows, actionDim]`, physical units. */
  readonly chunk: Value;
  /** Of the entries of a row. */
  readonly names: readonly string[];
  readonly observed?: {
    /** `[1, names]`, physical units. */
    readonly values: Value;
    readonly names: readonly string[];
  };
}

export interface EnergyFormula {
  /** `[batch]`: the mean over the rows. */
  readonly energy: Value;
  /** Whether it has a lowest value, whatever the chunk. */
  readonly bounded: boolean;
}

/**
 * The formula's value for every row, and their mean. It may use
 *
 * | name | |
 * | --- | --- |
 * | `<entry>` | an entry of the row |
 * | `sum_<entry>` | its sum over all rows from the first to this one |
 * | `observed_<entry>` | what is observed, the same for all rows |
 * | `row`, `pi`, `e` | 0, 1, ...; constants |
 *
 * operators `+ - * / ^` and functions `abs sqrt square exp log sin cos tanh min max`.
 *
 * @throws {SyntaxError} if it is no formula, uses what is not known, or does not depend on the actions
 * @throws {RangeError} if it may divide by 0, or take a root or logarithm of what may be negative
 */
export function formulaEnergy(text: string, request: EnergyFormulaRequest): EnergyFormula {
  const { g, names } = request;
  const variables = formulaVariables([...actions(request), ...surroundings(request)]);
  const translated = translateFormula(text, { g, what: "energy", variables, parse: parseFormula });
  const { value, floored, uses } = translated;
  const acting = [...names, ...names.map((name) => `${SUM}${name}`)];
  if (typeof value === "number" || !acting.some((name) => uses.has(name))) {
    throw new SyntaxError(
      `Cannot read energy "${text}": it does not depend on the actions, must use one of ${acting.join(", ")}`,
    );
  }
  return { energy: g.reduceMean(value, [1]), bounded: floored };
}

const SUM = "sum_";
const OBSERVED = "observed_";

type Named = readonly [name: string, variable: FormulaVariable];

function actions({ g, chunk, names }: EnergyFormulaRequest): Named[] {
  const row = columnsOf(g, chunk, (column) => g.squeeze(column, [2]));
  return [
    ...names.map((name, i): Named => [name, { ...FREE, make: () => row(i) }]),
    ...names.map((name, i): Named => {
      return [`${SUM}${name}`, { ...FREE, make: () => g.cumSum(row(i), 1) }];
    }),
  ];
}

function surroundings({ g, chunk, observed }: EnergyFormulaRequest): Named[] {
  const rows = Number(chunk.shape[1]);
  const index = Float32Array.from({ length: rows }, (_, i) => i);
  const make = (): Value => g.constant({ dtype: "float32", shape: [1, rows], data: index });
  return [
    ...(observed === undefined ? [] : seen(g, observed)),
    ["row", { ...between(0, rows - 1), make }],
    ...FORMULA_CONSTANTS,
  ];
}

function seen(
  g: GraphBuilder,
  { values, names }: NonNullable<EnergyFormulaRequest["observed"]>,
): Named[] {
  const column = columnsOf(g, values);
  return names.map((name, i) => [`${OBSERVED}${name}`, { ...HELD, make: () => column(i) }]);
}
