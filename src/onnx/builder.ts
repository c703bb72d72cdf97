import type { Value } from "./graph-core.ts";
import { LayoutBuilder } from "./layout-builder.ts";

export interface WindowOptions {
  readonly strides?: readonly number[];
  /** Begin of every spatial axis, then end of every spatial axis. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
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
export class GraphBuilder extends LayoutBuilder {
  matmul(a: Value, b: Value): Value {
    return this.one("MatMul", [a, b]);
  }

  /** `x @ w + b`, for matrices. */
  linear(x: Value, w: Value, b?: Value): Value {
    return this.one("Gemm", [x, w, b]);
  }

  /** `x[batch, channels, ...]`, `w[filters, channels / group, ...]`, `bias[filters]`. */
  conv(x: Value, w: Value, options: WindowOptions & { bias?: Value; group?: number } = {}): Value {
    const { bias, group = 1, ...window } = options;
    return this.one("Conv", bias === undefined ? [x, w] : [x, w, bias], {
      attributes: { group, ...window },
    });
  }

  maxPool(x: Value, kernel: readonly number[], window: WindowOptions = {}): Value {
    return this.one("MaxPool", [x], { attributes: { kernel_shape: kernel, ...window } });
  }

  averagePool(x: Value, kernel: readonly number[], window: WindowOptions = {}): Value {
    return this.one("AveragePool", [x], { attributes: { kernel_shape: kernel, ...window } });
  }

  globalAveragePool(x: Value): Value {
    return this.one("GlobalAveragePool", [x]);
  }

  layerNorm(
    x: Value,
    scale: Value,
    options: { bias?: Value; axis?: number; epsilon?: number } = {},
  ): Value {
    const { bias, axis = -1, epsilon = 1e-5 } = options;
    const attributes = { axis, epsilon: { kind: "float", value: epsilon } as const };
    return this.one("LayerNormalization", bias === undefined ? [x, scale] : [x, scale, bias], {
      attributes,
    });
  }
}
