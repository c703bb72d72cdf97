/**
 * Energies written as formulas of an action row. The formula is parsed by mathjs and becomes graph nodes; nothing is
 * evaluated by it. While it is translated, every part's range is followed, so that what has no lowest value is found
 * before anything is run.
 */
import type { MathNode } from "mathjs";
import type { ComponentSpec } from "../../src/core/index.ts";
import { elementCount } from "../../src/core/index.ts";
import type { GraphBuilder, Value } from "../../src/onnx/index.ts";

/** An expression's part: a value or a number, and between which numbers it lies for all chunks there could be. */
interface Part {
  readonly value: Value | number;
  readonly low: number;
  readonly high: number;
}

type Parse = (text: string) => MathNode;

/** Names that a formula may use, in the order of the action row: `gripper`, or `delta_position_0` and so on. */
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
  readonly parse: Parse;
}

export interface Formula {
  /** `[batch]`: the mean over the rows. */
  readonly energy: Value;
  /** Whether it has a lowest value, whatever the chunk. */
  readonly bounded: boolean;
}

/**
 * The formula's value for every row, and their mean. Besides the entries there are `row` (0, 1, ...), `pi` and `e`;
 * operators `+ - * / ^`; functions `abs sqrt square exp log sin cos tanh min max`.
 *
 * @throws {SyntaxError} if it is no formula, uses what is not known, or does not depend on the actions
 * @throws {RangeError} if it may divide by 0, or take a root or logarithm of what may be negative
 */
export function formulaEnergy(text: string, request: FormulaRequest): Formula {
  const { g, chunk, names, parse } = request;
  const [, rows = 0, width = 0] = chunk.shape.map(Number);
  const variables = new Map<string, Part>();
  const columns = g.split(chunk, 2, new Array<number>(width).fill(1));
  for (const [i, name] of names.entries()) {
    const value = g.squeeze(columns[i] as Value, [2]);
    variables.set(name, { value, low: -Infinity, high: Infinity });
  }
  const index = Float32Array.from({ length: rows }, (_, i) => i);
  const row = g.constant({ dtype: "float32", shape: [1, rows], data: index });
  variables.set("row", { value: row, low: 0, high: rows - 1 });
  for (const [name, value] of [
    ["pi", Math.PI],
    ["e", Math.E],
  ] as const) {
    variables.set(name, { value, low: value, high: value });
  }
  const translator = new Translator(g, text, variables);
  const { value, low } = translator.part(parsed(text, parse));
  if (typeof value === "number" || value.shape[0] !== chunk.shape[0] || !translator.sawActions) {
    fail(text, "it does not depend on the actions", `must use one of ${names.join(", ")}`);
  }
  return { energy: g.reduceMean(value, [1]), bounded: low > -Infinity };
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
  readonly #variables: ReadonlyMap<string, Part>;
  sawActions = false;

  constructor(g: GraphBuilder, text: string, variables: ReadonlyMap<string, Part>) {
    this.#g = g;
    this.#text = text;
    this.#variables = variables;
  }

  part(node: MathNode): Part {
    const { type, name, value, fn, args = [], content } = node as unknown as NodeParts;
    switch (type) {
      case "ConstantNode":
        if (typeof value !== "number" || !Number.isFinite(value)) break;
        return { value, low: value, high: value };
      case "ParenthesisNode":
        if (content === undefined) break;
        return this.part(content);
      case "SymbolNode":
        return this.#symbol(name ?? "");
      case "OperatorNode":
        if (typeof fn === "string" && OPERATORS.has(fn)) return this.#call(fn, args);
        break;
      case "FunctionNode": {
        const called = typeof fn === "string" ? fn : (fn?.name ?? "");
        if (FUNCTIONS.has(called)) return this.#call(called, args);
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
    if (known.low === -Infinity) this.sawActions = true;
    return known;
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
    const rising = (of: (v: Value) => Value, plain: (v: number) => number): Part => ({
      value: made(of, plain),
      low: plain(a.low),
      high: plain(a.high),
    });
    switch (fn) {
      case "unaryPlus":
        return a;
      case "unaryMinus":
        return {
          value: made(
            (v) => g.neg(v),
            (v) => -v,
          ),
          low: -a.high,
          high: -a.low,
        };
      case "square":
        return this.#power(a, 2);
      case "abs": {
        const least = a.low <= 0 && a.high >= 0 ? 0 : Math.min(Math.abs(a.low), Math.abs(a.high));
        const most = Math.max(Math.abs(a.low), Math.abs(a.high));
        return { value: made((v) => g.abs(v), Math.abs), low: least, high: most };
      }
      case "exp":
        return rising((v) => g.exp(v), Math.exp);
      case "tanh":
        return rising((v) => g.tanh(v), Math.tanh);
      case "sqrt":
        this.#within(a.low >= 0, "the root of what may be negative");
        return rising((v) => g.sqrt(v), Math.sqrt);
      case "log":
        this.#within(a.low > 0, "the logarithm of what may be 0 or less");
        return rising((v) => g.log(v), Math.log);
      default:
        return {
          value: made(
            (v) => (fn === "sin" ? g.sin(v) : g.cos(v)),
            fn === "sin" ? Math.sin : Math.cos,
          ),
          low: -1,
          high: 1,
        };
    }
  }

  #binary(fn: string, a: Part, b: Part): Part {
    const g = this.#g;
    const [x, y] = [a.value, b.value];
    const plain = typeof x === "number" && typeof y === "number";
    switch (fn) {
      case "add":
        return { value: plain ? x + y : g.add(x, y), low: a.low + b.low, high: a.high + b.high };
      case "subtract":
        return { value: plain ? x - y : g.sub(x, y), low: a.low - b.high, high: a.high - b.low };
      case "multiply":
        return { value: plain ? x * y : g.mul(x, y), ...productRange(a, b) };
      case "divide": {
        this.#within(b.low > 0 || b.high < 0, "a quotient by what may be 0");
        const inverse = { low: 1 / b.high, high: 1 / b.low };
        return { value: plain ? x / y : g.div(x, y), ...productRange(a, inverse) };
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
    const ends = [a.low ** exponent, a.high ** exponent];
    const even = exponent % 2 === 0;
    const low = even && a.low <= 0 && a.high >= 0 ? 0 : Math.min(...ends);
    const range = { low, high: Math.max(...ends) };
    if (typeof x === "number") return { value: x ** exponent, ...range };
    let value = x;
    for (let i = 1; i < exponent; i++) value = g.mul(value, x);
    return { value, ...range };
  }

  #extreme(fn: "min" | "max", a: Part, b: Part): Part {
    const of = fn === "min" ? Math.min : Math.max;
    const [x, y] = [a.value, b.value];
    const value = typeof x === "number" && typeof y === "number" ? of(x, y) : this.#g[fn](x, y);
    return { value, low: of(a.low, b.low), high: of(a.high, b.high) };
  }

  #within(sound: boolean, what: string): void {
    if (sound) return;
    throw new RangeError(`Cannot compose energy "${this.#text}": it has ${what}, must not have`);
  }
}

function productRange(
  a: Pick<Part, "low" | "high">,
  b: Pick<Part, "low" | "high">,
): { readonly low: number; readonly high: number } {
  // Nothing times whatever is nothing, also at infinity.
  const times = (x: number, y: number): number => (x === 0 || y === 0 ? 0 : x * y);
  const ends = [
    times(a.low, b.low),
    times(a.low, b.high),
    times(a.high, b.low),
    times(a.high, b.high),
  ];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}
