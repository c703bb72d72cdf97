import { AttentionBuilder } from "./attention-builder.ts";
import type { Value } from "./graph-core.ts";

export interface GemmOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  /** Factor of the product; default 1. */
  readonly alpha?: number;
  /** Added to the product, which it broadcasts to. */
  readonly c?: Value;
  /** Factor of `c`; default 1. */
  readonly beta?: number;
}

/**
 * Builds an ONNX graph by calls that read like the maths:
 *
 *     const g = new GraphBuilder("mlp");
 *     const x = g.input("x", "float32", ["batch", 9]);
 *     const hidden = g.tanh(g.add(g.matmul(x, g.parameter("w", w)), g.parameter("b", b)));
 *     g.output("y", g.matmul(hidden, g.parameter("v", v)));
 *     const bytes = writeModel(g.build());
 *
 * Every call checks dtypes and shapes at once, so a mistake fails at its own line. Dimensions are
 * numbers or names (`"batch"`) that are known at run time.
 */
export class GraphBuilder extends AttentionBuilder {
  matmul(a: Value, b: Value): Value {
    return this.one("MatMul", [a, b]);
  }

  /** `x @ w + b`, for matrices. */
  linear(x: Value, w: Value, b?: Value): Value {
    return this.one("Gemm", [x, w, b]);
  }

  /** `alpha * a @ b + beta * c` for matrices, each of `a` and `b` transposed at no cost if asked for. */
  gemm(a: Value, b: Value, options: GemmOptions = {}): Value {
    const { transA = false, transB = false, alpha = 1, beta = 1, c } = options;
    const attributes = {
      ...(transA ? { transA: 1 } : {}),
      ...(transB ? { transB: 1 } : {}),
      ...(alpha === 1 ? {} : { alpha: { kind: "float", value: alpha } as const }),
      ...(beta === 1 ? {} : { beta: { kind: "float", value: beta } as const }),
    };
    return this.one("Gemm", c === undefined ? [a, b] : [a, b, c], { attributes });
  }

  /** Sums of products by Einstein's convention, for instance `"bqhd,bkhd->bhqk"`. */
  einsum(equation: string, ...values: readonly Value[]): Value {
    return this.one("Einsum", values, { attributes: { equation } });
  }
}
