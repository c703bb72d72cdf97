/**
 * Ridge regression in closed form: `W = argmin |X W - Y|^2 + lambda |W|^2`, by the normal equations
 * `(X'X + lambda I) W = X'Y` and a Cholesky factorisation, all in float64.
 */

/** Sums of a regression problem; rows are added one at a time and not kept. */
export interface RidgeProblem {
  readonly inputDim: number;
  readonly outputDim: number;
  readonly rows: number;
  /** Adds one example. @throws {RangeError} if a number is not finite or the lengths are wrong */
  add(x: Float64Array, y: ArrayLike<number>): void;
  /**
   * @returns `float64[inputDim, outputDim]`
   * @throws {RangeError} if the problem is singular at this penalty
   */
  solve(lambda: number): Float64Array;
}

/** Rows that are gathered before the sums are updated: keeps the update in the processor's cache. */
const BLOCK = 64;

/** The last input is taken for the constant 1 and is not penalised. */
export function ridgeProblem(inputDim: number, outputDim: number): RidgeProblem {
  const gram = new Float64Array(inputDim * inputDim);
  const cross = new Float64Array(inputDim * outputDim);
  // Column by column, so that a sum over rows reads memory in order.
  const inputs = new Float64Array(inputDim * BLOCK);
  const outputs = new Float64Array(outputDim * BLOCK);
  let rows = 0;
  let pending = 0;
  const flush = (): void => {
    for (let i = 0; i < inputDim; i++) {
      for (let j = 0; j <= i; j++) gram[i * inputDim + j]! += columnDot(inputs, i, inputs, j);
      for (let k = 0; k < outputDim; k++)
        cross[i * outputDim + k]! += columnDot(inputs, i, outputs, k);
    }
    inputs.fill(0);
    outputs.fill(0);
    pending = 0;
  };
  return {
    inputDim,
    outputDim,
    get rows() {
      return rows;
    },
    add(x, y) {
      if (x.length !== inputDim || y.length !== outputDim || !x.every(Number.isFinite)) {
        throw new RangeError(
          `Cannot add an example: it has ${x.length} inputs and ${y.length} outputs, ` +
            `must have ${inputDim} finite ones and ${outputDim}`,
        );
      }
      for (let i = 0; i < inputDim; i++) inputs[i * BLOCK + pending] = x[i]!;
      for (let k = 0; k < outputDim; k++) outputs[k * BLOCK + pending] = y[k]!;
      rows++;
      pending++;
      if (pending === BLOCK) flush();
    },
    solve(lambda) {
      if (pending > 0) flush();
      const matrix = Float64Array.from(gram);
      // Per example, so that the penalty means the same for every amount of data.
      for (let i = 0; i < inputDim - 1; i++)
        matrix[i * inputDim + i]! += lambda * Math.max(1, rows);
      factorise(matrix, inputDim);
      return substitute(matrix, Float64Array.from(cross), { n: inputDim, m: outputDim });
    },
  };
}

/** Four positional parameters and four sums: this is the innermost loop of every fit. */
// eslint-disable-next-line max-params
function columnDot(a: Float64Array, i: number, b: Float64Array, j: number): number {
  const p = i * BLOCK;
  const q = j * BLOCK;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let r = 0; r < BLOCK; r += 4) {
    s0 += a[p + r]! * b[q + r]!;
    s1 += a[p + r + 1]! * b[q + r + 1]!;
    s2 += a[p + r + 2]! * b[q + r + 2]!;
    s3 += a[p + r + 3]! * b[q + r + 3]!;
  }
  return s0 + s1 + (s2 + s3);
}

/** Replaces the lower triangle of a symmetric `float64[n, n]` by its Cholesky factor. */
export function factorise(a: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    let pivot = a[j * n + j]!;
    const scale = pivot;
    for (let k = 0; k < j; k++) pivot -= a[j * n + k]! ** 2;
    if (!(pivot > 1e-13 * Math.abs(scale))) {
      throw new RangeError(
        `Cannot solve: pivot ${j} of ${n} is ${pivot}, must be positive (use a larger ridge penalty)`,
      );
    }
    const root = Math.sqrt(pivot);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      const rowI = i * n;
      const rowJ = j * n;
      let sum = a[rowI + j]!;
      for (let k = 0; k < j; k++) sum -= a[rowI + k]! * a[rowJ + k]!;
      a[rowI + j] = sum / root;
    }
  }
}

/** Solves `L L' X = B` in place of `B`, `float64[n, m]`. */
export function substitute(
  factor: Float64Array,
  b: Float64Array,
  { n, m }: { n: number; m: number },
): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtractRow(b, { from: k, to: i, times: factor[i * n + k]!, m });
    for (let c = 0; c < m; c++) b[i * m + c]! /= factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++)
      subtractRow(b, { from: k, to: i, times: factor[k * n + i]!, m });
    for (let c = 0; c < m; c++) b[i * m + c]! /= factor[i * n + i]!;
  }
  return b;
}

function subtractRow(
  b: Float64Array,
  step: { from: number; to: number; times: number; m: number },
): void {
  const { from, to, times, m } = step;
  for (let c = 0; c < m; c++) b[to * m + c]! -= times * b[from * m + c]!;
}

/**
 * Root mean square error of predicting each example from all others, without refitting: with the hat
 * matrix's diagonal h, the left-out residual is `r / (1 - h)` (Allen's PRESS, 1974).
 * @param x rows whose last entry is 1
 * @returns infinity if the problem is singular
 */
export function leaveOneOutError(
  x: readonly Float64Array[],
  y: readonly (readonly number[])[],
  lambda: number,
): number {
  const [n, m] = [x[0]?.length ?? 0, y[0]?.length ?? 0];
  const problem = ridgeProblem(n, m);
  const gram = new Float64Array(n * n);
  for (const [r, row] of x.entries()) {
    problem.add(row, y[r] ?? []);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) gram[i * n + j]! += row[i]! * row[j]!;
  }
  for (let i = 0; i < n - 1; i++) gram[i * n + i]! += lambda * x.length;
  let weights: Float64Array;
  try {
    weights = problem.solve(lambda);
    factorise(gram, n);
  } catch {
    return Infinity;
  }
  let sum = 0;
  for (const [r, row] of x.entries()) {
    const solved = substitute(gram, Float64Array.from(row), { n, m: 1 });
    const leverage = row.reduce((total, value, i) => total + value * solved[i]!, 0);
    for (let k = 0; k < m; k++) {
      let predicted = 0;
      for (let i = 0; i < n; i++) predicted += row[i]! * weights[i * m + k]!;
      sum += ((y[r]?.[k] ?? 0) - predicted) ** 2 / Math.max(1e-12, 1 - leverage) ** 2;
    }
  }
  return Math.sqrt(sum / (x.length * m));
}
