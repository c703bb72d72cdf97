/**
 * The three-way check of one operator, first and second order, element by element:
 *
 *     (a) y                   engine    against the oracle's y
 *     (b) d = vjp(u)          engine    against central differences of the oracle, <u, df/dx_k>
 *     (c) grad of <d, w>      engine    against mixed second differences of the oracle,
 *                                       d²/dx_k dt <u, f(x + t w)>, and its derivative by u, df/dt
 *
 * All cases of a list share one graph and one session, which costs a tenth of a session for each.
 */
import { vjp } from "../../../src/autodiff/index.ts";
import type { Dtype, NdArray } from "../../../src/core/index.ts";
import { elementCount, seeded } from "../../../src/core/index.ts";
import { allocate, GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { toOracle } from "../../support/oracle.ts";
import { assertWithin, TOLERANCE } from "../../support/tolerance.ts";
import type { CaseInput, GradientCase, Operands } from "./gradient-case.ts";

const SEED = 20261126;
/** Differences are of fourth order: the truncation error is about STEP^4, rounding 1e-16 / STEP^2. */
const STEP = 2e-3;
const STENCIL = [
  [1, 8],
  [-1, -8],
  [2, -1],
  [-2, 1],
] as const;

export interface CaseResult {
  readonly y: readonly NdArray[];
  /** By `wrt`. */
  readonly first: readonly NdArray[];
  /** By `wrt`, then by cotangent; empty for a case of order 1. */
  readonly second: readonly NdArray[];
  readonly numbers: CaseNumbers;
}

interface CaseNumbers {
  readonly inputs: readonly NdArray[];
  /** Cotangents of the outputs. */
  readonly u: readonly NdArray[];
  /** The direction in which the first gradient is differentiated, by `wrt`. */
  readonly w: readonly NdArray[];
}

export type Attempt = { readonly result: CaseResult } | { readonly failure: unknown };

/** Runs all cases in one session; where that cannot be opened, each in its own, to find the culprit. */
export async function runCases(
  cases: readonly GradientCase[],
): Promise<Map<GradientCase, Attempt>> {
  try {
    return await runTogether(cases);
  } catch (failure) {
    const [only, ...others] = cases;
    if (only !== undefined && others.length === 0) return new Map([[only, { failure }]]);
    const half = Math.ceil(cases.length / 2);
    const parts = [await runCases(cases.slice(0, half)), await runCases(cases.slice(half))];
    return new Map(parts.flatMap((part) => [...part]));
  }
}

async function runTogether(cases: readonly GradientCase[]): Promise<Map<GradientCase, Attempt>> {
  const g = new GraphBuilder("gradients");
  const attempts = new Map<GradientCase, Attempt>();
  const built = new Map<GradientCase, CaseNumbers>();
  for (const [i, one] of cases.entries()) {
    try {
      built.set(one, buildCase(g, one, `${i}`));
    } catch (failure) {
      attempts.set(one, { failure });
    }
  }
  if (built.size === 0) return attempts;
  // Above "basic" the engine folds float64 scales into float32 attributes.
  await using session = await openSession(writeModel(g.build()), { optimization: "basic" });
  const feeds: Record<string, NdArray> = {};
  for (const port of session.inputs) feeds[port.name] = noNumbers(port.dtype, port.shape);
  for (const [one, numbers] of built) {
    const id = cases.indexOf(one);
    numbers.inputs.forEach((array, k) => (feeds[`${id}/x${k}`] = array));
    numbers.u.forEach((array, k) => (feeds[`${id}/u${k}`] = array));
  }
  const { outputs } = await session.run(feeds);
  const all = (prefix: string): NdArray[] =>
    Object.keys(outputs)
      .filter((name) => name.startsWith(prefix))
      .sort((a, b) => Number(a.slice(prefix.length)) - Number(b.slice(prefix.length)))
      .map((name) => outputs[name]!);
  for (const [one, numbers] of built) {
    const id = cases.indexOf(one);
    const [y, first, second] = [all(`${id}/y`), all(`${id}/d`), all(`${id}/h`)];
    attempts.set(one, { result: { y, first, second, numbers } });
  }
  return attempts;
}

/** For inputs of cases whose graph could not be finished. */
function noNumbers(dtype: Dtype, shape: readonly (number | string)[]): NdArray {
  const dims = shape.map(Number);
  return { dtype, shape: dims, data: allocate(dtype, elementCount(dims)) };
}

function buildCase(g: GraphBuilder, one: GradientCase, id: string): CaseNumbers {
  const dtype = one.dtype ?? "float64";
  const rng = seeded(SEED).split(`${one.op} ${one.name}`);
  const fresh = (shape: readonly number[], what: string): NdArray =>
    draw({ shape, range: [-1, 1] }, dtype, rng.split(what));
  const inputs = one.inputs.map((input, i) => draw(input, dtype, rng.split(`x${i}`)));
  const x = inputs.map((array, i) => g.input(`${id}/x${i}`, array.dtype, array.shape));
  const made = g.scope(id, () => one.make(g, x as unknown as Operands<Value>));
  const y = "name" in made ? [made] : made;
  y.forEach((value, j) => g.output(`${id}/y${j}`, value));
  const u = y.map((value, j) => fresh(value.shape.map(Number), `u${j}`));
  const seeds = u.map((array, j) => g.input(`${id}/u${j}`, array.dtype, array.shape));
  const wrt = wrtOf(one).map((i) => x[i]!);
  const w = wrt.map((value, i) => fresh(value.shape.map(Number), `w${i}`));
  g.scope(id, () => {
    const first = vjp(g, { outputs: y, seeds }, wrt);
    first.forEach((value, i) => g.output(`${id}/d${i}`, value));
    if (one.order === 1) return;
    const directions = w.map((array) => g.constant(array));
    const second = vjp(g, { outputs: first, seeds: directions }, [...wrt, ...seeds]);
    second.forEach((value, i) => g.output(`${id}/h${i}`, value));
  });
  return { inputs, u, w };
}

export function wrtOf(one: GradientCase): readonly number[] {
  return one.wrt ?? one.inputs.flatMap((input, i) => (input.dtype === undefined ? [i] : []));
}

function draw(input: CaseInput, float: Dtype, rng: ReturnType<typeof seeded>): NdArray {
  const { shape, values, avoid = [], distinct = false, dtype = float } = input;
  const [low, high] = input.range ?? [-1.5, 1.5];
  const size = elementCount(shape);
  const data = allocate(dtype, size);
  const order = Array.from({ length: size }, (_, i) => ({ i, at: rng.uniform() }));
  order.sort((a, b) => a.at - b.at);
  const one = (k: number): number => {
    const place = distinct ? ((order[k]?.i ?? 0) + 0.25 + rng.uniform() / 2) / size : rng.uniform();
    const value = low + (high - low) * place;
    return avoid.some((kink) => Math.abs(value - kink) < 0.1) ? one(k) : value;
  };
  for (let k = 0; k < size; k++) {
    // Numbers that float32 holds, so that the oracle sees the very inputs of the engine.
    const value = values === undefined ? Math.fround(one(k)) : (values[k] ?? NaN);
    data[k] = typeof data[k] === "bigint" ? BigInt(value) : value;
  }
  return { dtype, shape, data };
}

/** @throws {Error} naming what differs and where */
export function checkCase(one: GradientCase, attempt: Attempt | undefined): void {
  if (attempt === undefined) throw new Error("the case was not run");
  if ("failure" in attempt) throw attempt.failure;
  const { y, first, second, numbers } = attempt.result;
  const dtype = one.dtype ?? "float64";
  const forward = one.tolerance?.forward ?? TOLERANCE.forward[dtype];
  const gradient = one.tolerance?.gradient ?? TOLERANCE.gradient[dtype];
  const field = new Field(one, numbers);
  const want = field.at([]);
  if (y.length !== want.length) throw new Error(`${y.length} outputs, must be ${want.length}`);
  for (const [j, output] of y.entries()) {
    assertShape(output, want[j]!.shape, `output ${j}`);
    assertWithin(output.data, want[j]!.data, { tolerance: forward, what: `output ${j}` });
  }
  for (const [i, k] of wrtOf(one).entries()) {
    const what = `gradient by input ${k}`;
    assertShape(first[i]!, one.inputs[k]!.shape, what);
    assertWithin(first[i]!.data, field.gradient(k), { tolerance: gradient, what });
  }
  if (one.order === 1) return;
  const count = wrtOf(one).length;
  for (const [i, k] of wrtOf(one).entries()) {
    const what = `second gradient by input ${k}`;
    assertShape(second[i]!, one.inputs[k]!.shape, what);
    assertWithin(second[i]!.data, field.secondGradient(k), { tolerance: gradient, what });
  }
  for (const [j, along] of field.alongW().entries()) {
    const what = `second gradient by the cotangent of output ${j}`;
    assertShape(second[count + j]!, want[j]!.shape, what);
    assertWithin(second[count + j]!.data, along, { tolerance: gradient, what });
  }
}

function assertShape(got: NdArray, want: readonly number[], what: string): void {
  if (got.shape.join() !== want.join()) {
    throw new Error(`${what} is [${got.shape.join()}], must be [${want.join()}]`);
  }
}

/** A step away from the point of the case: along `w`, or along one element of one input. */
type Move = { readonly by: number } & (
  | { readonly along: "w" }
  | { readonly along: "element"; readonly input: number; readonly index: number }
);

/** The oracle's function around the point of the case. */
class Field {
  readonly #one: GradientCase;
  readonly #inputs: readonly Oracle[];
  readonly #numbers: CaseNumbers;

  constructor(one: GradientCase, numbers: CaseNumbers) {
    this.#one = one;
    this.#numbers = numbers;
    this.#inputs = numbers.inputs.map(toOracle);
  }

  at(moves: readonly Move[]): readonly Oracle[] {
    const data = this.#inputs.map((input) => [...input.data]);
    for (const move of moves) {
      if (move.along === "element") data[move.input]![move.index]! += move.by;
      else {
        for (const [i, k] of wrtOf(this.#one).entries()) {
          const w = this.#numbers.w[i]!.data;
          data[k]!.forEach((_, e) => (data[k]![e]! += move.by * Number(w[e])));
        }
      }
    }
    const x = this.#inputs.map(({ shape }, i) => ({ shape, data: data[i]! }));
    const y = this.#one.oracle(x as unknown as Operands<Oracle>);
    return "shape" in y ? [y] : y;
  }

  /** <u, f> */
  #weighed(moves: readonly Move[]): number {
    let total = 0;
    for (const [j, { data }] of this.at(moves).entries()) {
      const u = this.#numbers.u[j]!.data;
      for (const [e, value] of data.entries()) total += value * Number(u[e]);
    }
    return total;
  }

  gradient(input: number): number[] {
    return this.#inputs[input]!.data.map((_, index) => {
      let sum = 0;
      for (const [steps, weight] of STENCIL) {
        sum += weight * this.#weighed([{ along: "element", input, index, by: steps * STEP }]);
      }
      return sum / (12 * STEP);
    });
  }

  secondGradient(input: number): number[] {
    return this.#inputs[input]!.data.map((_, index) => {
      let sum = 0;
      for (const [steps, weight] of STENCIL) {
        const element = { along: "element", input, index, by: steps * STEP } as const;
        for (const [far, share] of STENCIL) {
          sum += weight * share * this.#weighed([element, { along: "w", by: far * STEP }]);
        }
      }
      return sum / (12 * STEP) ** 2;
    });
  }

  /** df/dt of f(x + t w), for each output. */
  alongW(): number[][] {
    const points = STENCIL.map(([steps]) => this.at([{ along: "w", by: steps * STEP }]));
    return points[0]!.map(({ data }, j) =>
      data.map((_, e) => {
        let sum = 0;
        for (const [i, [, weight]] of STENCIL.entries()) sum += weight * points[i]![j]!.data[e]!;
        return sum / (12 * STEP);
      }),
    );
  }
}
