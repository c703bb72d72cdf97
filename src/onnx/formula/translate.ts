/**
 * Formulas in mathjs's grammar as graph nodes: parsed elsewhere, translated here, evaluated by nothing but the graph. While one is
 * translated, every part's range is followed, so that a division by what may be 0, or a sum without a lowest value, is found
 * before anything is run.
 */
import { messageOf } from "../../core/index.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph-core.ts";
import type { Range } from "./range.ts";
import {
  between,
  greatest,
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

/** A parsed formula, as far as mathjs's nodes are read. */
export interface FormulaNode {
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
  /** Of an operator its name, of a function a symbol. */
  readonly fn?: string | { readonly name?: string };
  readonly args?: readonly FormulaNode[];
  readonly content?: FormulaNode;
  toString(): string;
}

/** @throws {Error} if the text is no formula */
export type ParseFormula = (text: string) => FormulaNode;

/** What a name in a formula stands for. */
export interface FormulaVariable extends Range {
  /** Made when it is used first. */
  readonly make: () => Value | number;
}

/** By name; names that two things have cannot be used. */
export type FormulaVariables = ReadonlyMap<string, FormulaVariable | "ambiguous">;

export interface FormulaRequest {
  readonly g: GraphBuilder;
  /** What the formula is, for messages: `energy`. */
  readonly what: string;
  readonly variables: FormulaVariables;
  readonly parse: ParseFormula;
}

/** An expression's part: a value or a number, and between which numbers it lies. */
interface Part extends Range {
  readonly value: Value | number;
}

export interface TranslatedFormula extends Part {
  /** Names of the variables that it uses. */
  readonly uses: ReadonlySet<string>;
}

/**
 * Operators `+ - * / ^`, functions `abs sqrt square exp log sin cos tanh min max`, numbers, and the variables.
 * @throws {SyntaxError} if it is no formula, or uses what is not known
 * @throws {RangeError} if it may divide by 0, or take a root or logarithm of what may be negative
 */
export function translateFormula(text: string, request: FormulaRequest): TranslatedFormula {
  const translator = new Translator(text, request);
  const part = translator.part(parsed(text, request));
  return { ...part, uses: translator.uses };
}

/** Variables by name, each made at most once; those of a name that is there already become ambiguous. */
export function formulaVariables(
  named: Iterable<readonly [name: string, variable: FormulaVariable]>,
): FormulaVariables {
  const variables = new Map<string, FormulaVariable | "ambiguous">();
  for (const [name, { make, ...is }] of named) {
    variables.set(name, variables.has(name) ? "ambiguous" : { ...is, make: once(make) });
  }
  return variables;
}

/** `pi` and `e`. */
export const FORMULA_CONSTANTS: readonly (readonly [string, FormulaVariable])[] = (
  [
    ["pi", Math.PI],
    ["e", Math.E],
  ] as const
).map(([name, value]) => [name, { ...between(value, value), make: () => value }]);

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function parsed(text: string, { parse, what }: FormulaRequest): FormulaNode {
  try {
    return parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read ${what} "${text}": ${messageOf(error)}, must be a formula`, {
      cause: error,
    });
  }
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
  readonly #what: string;
  readonly #variables: FormulaVariables;
  readonly uses = new Set<string>();

  constructor(text: string, { g, what, variables }: FormulaRequest) {
    this.#g = g;
    this.#text = text;
    this.#what = what;
    this.#variables = variables;
  }

  part(node: FormulaNode): Part {
    const { type, name, value, fn, args = [], content } = node;
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
    return this.#fail(`"${node.toString()}" is not known`, `must be + - * / ^ or ${known}`);
  }

  #symbol(name: string): Part {
    const known = this.#variables.get(name);
    if (known === undefined) {
      const names = [...this.#variables.keys()].join(", ");
      return this.#fail(`"${name}" is not known`, `must be one of ${names}`);
    }
    if (known === "ambiguous") {
      return this.#fail(`"${name}" names two things`, "must name one; a graph can tell them apart");
    }
    this.uses.add(name);
    const { make, ...range } = known;
    return { value: make(), ...range };
  }

  #finite(part: Part): Part {
    const { value } = part;
    if (typeof value !== "number" || Number.isFinite(Math.fround(value))) return part;
    return this.#fail(`it has the number ${value}`, "must have finite numbers of float32");
  }

  #call(fn: string, nodes: readonly FormulaNode[]): Part {
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
      return this.#fail(`${fn} has ${parts.length} arguments`, "must have as many as it takes");
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
          return this.#fail(
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
    throw new RangeError(`Cannot use ${this.#what} "${this.#text}": it has ${what}, must not have`);
  }

  #fail(is: string, must: string): never {
    throw new SyntaxError(`Cannot read ${this.#what} "${this.#text}": ${is}, ${must}`);
  }
}
