/**
 * Cholesky factors of small symmetric matrices, in place and without allocation: the controller
 * solves four of them per substep.
 */

/**
 * Replaces the lower triangle of `matrix` (float64[n, n], row-major) by L with `L L^T = matrix`; the
 * upper one is neither read nor written. `inversePivots[i]` becomes `1 / L[i][i]`.
 *
 * A direction without stiffness (pivot below 1e-14 of its diagonal entry: a singular arm) gets an
 * inverse pivot of 0, so that solves leave it alone instead of dividing by noise. That is a generalised
 * inverse, though not Moore and Penrose's.
 */
export function choleskyInPlace(
  matrix: Float64Array,
  inversePivots: Float64Array,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j < i; j++) {
      let sum = matrix[row + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[row + k]! * matrix[j * n + k]!;
      matrix[row + j] = sum * inversePivots[j]!;
    }
    const diagonal = matrix[row + i]!;
    let pivot = diagonal;
    for (let k = 0; k < i; k++) pivot -= matrix[row + k]! * matrix[row + k]!;
    const stiff = pivot > 1e-14 * diagonal;
    matrix[row + i] = stiff ? Math.sqrt(pivot) : 0;
    inversePivots[i] = stiff ? 1 / matrix[row + i]! : 0;
  }
}

/** Replaces `vector` by the solution x of `L L^T x = vector`. */
export function solveCholesky(
  factor: Float64Array,
  inversePivots: Float64Array,
  vector: Float64Array,
): void {
  const n = vector.length;
  for (let i = 0; i < n; i++) {
    let sum = vector[i]!;
    for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * vector[k]!;
    vector[i] = sum * inversePivots[i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = vector[i]!;
    for (let k = i + 1; k < n; k++) sum -= factor[k * n + i]! * vector[k]!;
    vector[i] = sum * inversePivots[i]!;
  }
}
