/** Matrix products. */
import type { VjpRule } from "./rule.ts";
import { cotangentOf, inputOf, sumTo, swapLastTwoAxes } from "./rule.ts";

export type LinearOp = "MatMul";

/**
 * VJP of `Y = MatMul(A, B)` for ranks of 2 and more:
 *
 *     A [*batchA, m, k]    B [*batchB, k, n]    Y, dY [*batch, m, n]
 *     dA = sumTo(A, dY · Bᵀ)
 *     dB = sumTo(B, Aᵀ · dY)
 */
const matMul: VjpRule = (g, call) => {
  const [a, b, dy] = [inputOf(call, 0), inputOf(call, 1), cotangentOf(call)];
  return [
    call.needs[0] === true ? sumTo(g, g.matmul(dy, swapLastTwoAxes(g, b)), a) : undefined,
    call.needs[1] === true ? sumTo(g, g.matmul(swapLastTwoAxes(g, a), dy), b) : undefined,
  ];
};

export const LINEAR_VJPS: Readonly<Record<LinearOp, VjpRule>> = { MatMul: matMul };
