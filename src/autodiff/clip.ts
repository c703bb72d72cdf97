import type { GraphBuilder, Value } from "../onnx/index.ts";

/**
 * Scales gradients down together so that their norm, over all of them, is `maxNorm` at most; direction and
 * proportions stay (Pascanu et al. 2013, arXiv:1211.5063). The factor is
 * `min(1, maxNorm / (norm + 1e-6))`, PyTorch's.
 * @param maxNorm a number, or a scalar of the graph
 * @returns `norm` is the one before
 * @throws {RangeError} if there is nothing to clip
 */
export function clipByGlobalNorm(
  g: GraphBuilder,
  gradients: readonly Value[],
  maxNorm: Value | number,
): { gradients: Value[]; norm: Value } {
  const squares = gradients.map((d) =>
    g.reduceSumSquare(
      d,
      d.shape.map((_, axis) => axis),
    ),
  );
  if (squares.length === 0) {
    throw new RangeError("Cannot clip gradients: there are none, must be one or more");
  }
  const norm = g.sqrt(squares.reduce((sum, square) => g.add(sum, square)));
  const factor = g.min(g.div(maxNorm, g.add(norm, 1e-6)), 1);
  return { gradients: gradients.map((d) => g.mul(d, factor)), norm };
}
