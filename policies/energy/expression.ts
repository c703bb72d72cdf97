/**
 * Energies written as formulas of an action row, of what is observed and of sums of action rows. The formula is parsed by
 * mathjs and becomes graph nodes; nothing is evaluated by it. While it is translated, every part's range is followed, so
 * that what has no lowest value is found before anything is run.
 */
import type { MathNode } from "mathjs";
import type { ComponentSpec } from "../../src/core/index.ts";
import { elementCount } from "../../src/core/index.ts";
import type { GraphBuilder, Value } from "../../src/onnx/index.ts";
import type { Range } from "./range.ts";
import {
  between,
  FREE,
  greatest,
  HELD,
  inverse,
  isPositive,
  least,
  magnitude,
  negated,
  power,
  product,
  rising,
  sum,
} from "./range.ts";

/** An expression's part: a value or a number, and between which numbers it lies. */
interface Part extends Range {
  readonly value: Value | number;
}

type Parse = (text: string) => MathNode;

/** Names of the numbers of some components, in order: `gripper`, or `delta_position_0` and so on. */
export function entryNames(components: readonly ComponentSpec[]): string[] {
  return components.flatMap(({ name, shape }) => {
    const plain = name.replaceAll(/\W+/g, "_");
    const count = elementCount(shape);
    if (count === 1) return [plain];
    return Array.from({ length: count }, (_, i) => `${plain}_${i}`);
  });
}

export interface FormulaRequest {
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
  readonly parse: Parse;
}

export interface Formula {
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
export function formulaEnergy(text: string, request: FormulaRequest): Formula {
  const { g, names, parse } = request;
  const translator = new Translator(g, text, variablesOf(request));
  const { value, floored } = translator.part(parsed(text, parse));
  if (typeof value === "number" || !translator.sawActions) {
    const sums = names.map((name) => `${SUM}${name}`);
    fail(
      text,
      "it does not depend on the actions",
      `must use one of ${[...names, ...sums].join(", ")}`,
    );
  }
  return { energy: g.reduceMean(value, [1]), bounded: floored };
}

const SUM = "sum_";
const OBSERVED = "observed_";

interface Variable extends Range {
  /** Whether it depends on the chunk. */
  readonly acts: boolean;
  /** Made when it is used first. */
  readonly make: () => Value | number;
}

type Variables = ReadonlyMap<string, Variable | "ambiguous">;

function variablesOf({ g, chunk, names, observed }: FormulaRequest): Variables {
  const variables = new Map<string, Variable | "ambiguous">();
  const add = (name: string, { make, ...is }: Variable): void => {
    const variable = { ...is, make: once(make) };
    variables.set(name, variables.has(name) ? "ambiguous" : variable);
  };
  const columns = once(() => columnsOf(g, chunk).map((column) => g.squeeze(column, [2])));
  for (const [i, name] of names.entries()) {
    add(name, { ...FREE, acts: true, make: () => columns()[i] as Value });
  }
  for (const [i, name] of names.entries()) {
    const make = (): Value => g.cumSum(columns()[i] as Value, 1);
    add(`${SUM}${name}`, { ...FREE, acts: true, make });
  }
  if (observed !== undefined) {
    const seen = once(() => columnsOf(g, observed.values));
    for (const [i, name] of observed.names.entries()) {
      add(`${OBSERVED}${name}`, { ...HELD, acts: false, make: () => seen()[i] as Value });
    }
  }
  const rows = Number(chunk.shape[1]);
  const index = Float32Array.from({ length: rows }, (_, i) => i);
  add("row", {
    ...between(0, rows - 1),
    acts: false,
    make: () => g.constant({ dtype: "float32", shape: [1, rows], data: index }),
  });
  for (const name of ["pi", "e"] as const) {
    const value = name === "pi" ? Math.PI : Math.E;
    add(name, { ...between(value, value), acts: false, make: () => value });
  }
  return variables;
}

/** The last axis of a value, number by number. */
function columnsOf(g: GraphBuilder, values: Value): Value[] {
  const axis = values.shape.length - 1;
  const width = Number(values.shape[axis]);
  return width === 1 ? [values] : g.split(values, axis, new Array<number>(width).fill(1));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function parsed(text: string, parse: Parse): MathNode {
  try {
    return parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`Cannot read energy "${text}": ${reason}, must be a formula`, {
      cause: error,
    });
  }
}

function fail(text: string, is: string, must: string): never {
  throw new SyntaxError(`Cannot read energy "${text}": ${is}, ${must}`);
}

interface NodeParts {
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
  /** Of an operator its name, of a function a symbol. */
  readonly fn?: string | { readonly name?: string };
  readonly args?: readonly MathNode[];
  readonly content?: MathNode;
}

const OPERATORS: ReadonlySet<string> = new Set([
  ..."add subtract multiply divide pow unaryMinus unaryPlus".split(" "),
]);
const FUNCTIONS: ReadonlySet<string> = new Set([
  ..."abs sqrt square exp log sin cos tanh min max".split(" "),
]);

class Translator {
  readonly #g: GraphBuilder;
  readonly #text: string;
  readonly #variables: Variables;
  sawActions = false;

  constructor(g: GraphBuilder, text: string, variables: Variables) {
    this.#g = g;
    this.#text = text;
    this.#variables = variables;
  }

  part(node: MathNode): Part {
    const { type, name, value, fn, args = [], content } = node as unknown as NodeParts;
    switch (type) {
      case "ConstantNode":
        if (typeof value !== "number" || !Number.isFinite(value)) break;
        return this.#finite({ value, ...between(value, value) });
      case "ParenthesisNode":
        if (content === undefined) break;
        return this.part(content);
      case "SymbolNode":
        return this.#symbol(name ?? "");
      case "OperatorNode":
        if (typeof fn === "string" && OPERATORS.has(fn)) return this.#finite(this.#call(fn, args));
        break;
      case "FunctionNode": {
        const called = typeof fn === "string" ? fn : (fn?.name ?? "");
        if (FUNCTIONS.has(called)) return this.#finite(this.#call(called, args));
      }
    }
    const known = [...FUNCTIONS].join(", ");
    return fail(this.#text, `"${node.toString()}" is not known`, `must be + - * / ^ or ${known}`);
  }

  #symbol(name: string): Part {
    const known = this.#variables.get(name);
    if (known === undefined) {
      const names = [...this.#variables.keys()].join(", ");
      return fail(this.#text, `"${name}" is not known`, `must be one of ${names}`);
    }
    if (known === "ambiguous") {
      return fail(
        this.#text,
        `"${name}" names two things`,
        "must name one; a graph can tell them apart",
      );
    }
    const { make, acts, ...range } = known;
    if (acts) this.sawActions = true;
    return { value: make(), ...range };
  }

  #finite(part: Part): Part {
    const { value } = part;
    if (typeof value !== "number" || Number.isFinite(Math.fround(value))) return part;
    return fail(this.#text, `it has the number ${value}`, "must have finite numbers of float32");
  }

  #call(fn: string, nodes: readonly MathNode[]): Part {
    const parts = nodes.map((node) => this.part(node));
    const [a, b] = parts;
    const two = fn === "min" || fn === "max" ? parts.length >= 2 : parts.length <= 2;
    const binary = ["add", "subtract", "multiply", "divide", "pow"].includes(fn);
    if (
      a === undefined ||
      !two ||
      (binary && b === undefined) ||
      (!binary && b !== undefined && fn !== "min" && fn !== "max")
    ) {
      return fail(
        this.#text,
        `${fn} has ${parts.length} arguments`,
        "must have as many as it takes",
      );
    }
    if (fn === "min" || fn === "max") return parts.reduce((x, y) => this.#extreme(fn, x, y));
    return b === undefined ? this.#unary(fn, a) : this.#binary(fn, a, b);
  }

  #unary(fn: string, a: Part): Part {
    const g = this.#g;
    const x = a.value;
    const made = (of: (v: Value) => Value, plain: (v: number) => number): Value | number =>
      typeof x === "number" ? plain(x) : of(x);
    const grown = (of: (v: Value) => Value, plain: (v: number) => number): Part => ({
      value: made(of, plain),
      ...rising(a, plain),
    });
    switch (fn) {
      case "unaryPlus":
        return a;
      case "unaryMinus": {
        const value = made(
          (v) => g.neg(v),
          (v) => -v,
        );
        return { value, ...negated(a) };
      }
      case "square":
        return this.#power(a, 2);
      case "abs":
        return { value: made((v) => g.abs(v), Math.abs), ...magnitude(a) };
      case "exp":
        return grown((v) => g.exp(v), Math.exp);
      case "tanh":
        return grown((v) => g.tanh(v), Math.tanh);
      case "sqrt":
        this.#within(a.low >= 0, "the root of what may be negative");
        return grown((v) => g.sqrt(v), Math.sqrt);
      case "log":
        this.#within(isPositive(a), "the logarithm of what may be 0 or less");
        return grown((v) => g.log(v), Math.log);
      case "sin":
        return { value: made((v) => g.sin(v), Math.sin), ...between(-1, 1) };
      default:
        return { value: made((v) => g.cos(v), Math.cos), ...between(-1, 1) };
    }
  }

  #binary(fn: string, a: Part, b: Part): Part {
    const g = this.#g;
    const [x, y] = [a.value, b.value];
    const plain = typeof x === "number" && typeof y === "number";
    switch (fn) {
      case "add":
        return { value: plain ? x + y : g.add(x, y), ...sum(a, b) };
      case "subtract":
        return { value: plain ? x - y : g.sub(x, y), ...sum(a, negated(b)) };
      case "multiply":
        return { value: plain ? x * y : g.mul(x, y), ...product(a, b) };
      case "divide": {
        const by = inverse(b);
        this.#within(by !== undefined, "a quotient by what may be 0");
        return { value: plain ? x / y : g.div(x, y), ...product(a, by) };
      }
      default:
        if (typeof y !== "number" || !Number.isInteger(y) || y < 1 || y > 16) {
          return fail(
            this.#text,
            `a power is ${typeof y === "number" ? y : "computed"}`,
            "must be a whole number from 1 to 16",
          );
        }
        return this.#power(a, y);
    }
  }

  /** By products, whose gradient is right at 0, too. */
  #power(a: Part, exponent: number): Part {
    const g = this.#g;
    const { value: x } = a;
    const range = power(a, exponent);
    if (typeof x === "number") return { value: x ** exponent, ...range };
    let value = x;
    for (let i = 1; i < exponent; i++) value = g.mul(value, x);
    return { value, ...range };
  }

  #extreme(fn: "min" | "max", a: Part, b: Part): Part {
    const [x, y] = [a.value, b.value];
    const plain = typeof x === "number" && typeof y === "number";
    const value = plain ? Math[fn](x, y) : this.#g[fn](x, y);
    return { value, ...(fn === "min" ? least(a, b) : greatest(a, b)) };
  }

  #within(sound: boolean, what: string): asserts sound {
    if (sound) return;
    throw new RangeError(`Cannot compose energy "${this.#text}": it has ${what}, must not have`);
  }
}
