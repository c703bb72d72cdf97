import type { NdArray } from "../core/index.ts";
import { allocate } from "./element-type.ts";
import type { AttributeLike, OpOptions, Value } from "./graph-core.ts";
import { IndexingBuilder } from "./indexing-builder.ts";

export interface WindowOptions {
  readonly strides?: readonly number[];
  /** Begin of every spatial axis, then end of every spatial axis. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  /** Instead of `pads`; the default `NOTSET` takes `pads`. */
  readonly autoPad?: "NOTSET" | "VALID" | "SAME_UPPER" | "SAME_LOWER";
}

export interface ConvOptions extends WindowOptions {
  readonly bias?: Value;
  readonly group?: number;
}

export interface ConvTransposeOptions extends ConvOptions {
  /** Added to the end of every spatial axis of the result. */
  readonly outputPadding?: readonly number[];
  /** Lengths of the spatial axes of the result, from which the pads follow. */
  readonly outputShape?: readonly number[];
}

export interface PoolOptions extends WindowOptions {
  /** Whether windows may hang over the end. */
  readonly ceilMode?: boolean;
}

export interface ResizeOptions {
  /** One for every axis of the input. */
  readonly scales?: readonly number[];
  /** Instead of `scales`: lengths of all axes. */
  readonly sizes?: readonly number[];
  readonly mode?: "nearest" | "linear" | "cubic";
  /** Which input coordinate an output coordinate is; default `half_pixel`. */
  readonly coordinates?: "half_pixel" | "pytorch_half_pixel" | "align_corners" | "asymmetric";
  readonly nearest?: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
}

/** What a batch normalisation goes by, each `[channels]`. */
export interface BatchNormOperands {
  readonly scale: Value;
  readonly bias: Value;
  readonly mean: Value;
  readonly variance: Value;
}

function float(value: number): AttributeLike {
  return { kind: "float", value };
}

function windowAttributes(window: WindowOptions): Record<string, AttributeLike> {
  const { autoPad, strides, pads, dilations } = window;
  return {
    ...(strides === undefined ? {} : { strides }),
    ...(pads === undefined ? {} : { pads }),
    ...(dilations === undefined ? {} : { dilations }),
    ...(autoPad === undefined ? {} : { auto_pad: autoPad }),
  };
}

/** The part of `GraphBuilder` that convolves, pools, resizes and normalises. */
export class NetworkBuilder extends IndexingBuilder {
  // ---- convolutions -----------------------------------------------------------------------------

  /** `x[batch, channels, ...]`, `w[filters, channels / group, ...]`, `bias[filters]`. */
  conv(x: Value, w: Value, options: ConvOptions = {}): Value {
    const { bias, group = 1, ...window } = options;
    return this.one("Conv", bias === undefined ? [x, w] : [x, w, bias], {
      attributes: { group, ...windowAttributes(window) },
    });
  }

  /** The adjoint of `conv`: `x[batch, channels, ...]`, `w[channels, filters / group, ...]`, `bias[filters]`. */
  convTranspose(x: Value, w: Value, options: ConvTransposeOptions = {}): Value {
    const { bias, group = 1, outputPadding, outputShape, ...window } = options;
    return this.one("ConvTranspose", bias === undefined ? [x, w] : [x, w, bias], {
      attributes: {
        group,
        ...windowAttributes(window),
        ...(outputPadding === undefined ? {} : { output_padding: outputPadding }),
        ...(outputShape === undefined ? {} : { output_shape: outputShape }),
      },
    });
  }

  // ---- pooling and resizing ---------------------------------------------------------------------

  maxPool(x: Value, kernel: readonly number[], options: PoolOptions = {}): Value {
    return this.one("MaxPool", [x], poolCall(kernel, options));
  }

  /** `countPadding`: whether padded places count in the mean. */
  averagePool(
    x: Value,
    kernel: readonly number[],
    options: PoolOptions & { readonly countPadding?: boolean } = {},
  ): Value {
    const { attributes } = poolCall(kernel, options);
    const count = options.countPadding === true ? { count_include_pad: 1 } : {};
    return this.one("AveragePool", [x], { attributes: { ...attributes, ...count } });
  }

  globalAveragePool(x: Value): Value {
    return this.one("GlobalAveragePool", [x]);
  }

  globalMaxPool(x: Value): Value {
    return this.one("GlobalMaxPool", [x]);
  }

  resize(x: Value, options: ResizeOptions): Value {
    const { scales = [], sizes, mode = "nearest", coordinates = "half_pixel" } = options;
    const attributes = {
      mode,
      coordinate_transformation_mode: coordinates,
      nearest_mode: options.nearest ?? "round_prefer_floor",
    };
    const data = Float32Array.from(scales);
    const by = this.constant({ dtype: "float32", shape: [scales.length], data });
    const inputs =
      sizes === undefined ? [x, undefined, by] : [x, undefined, undefined, this.ints(sizes)];
    return this.one("Resize", inputs, { attributes });
  }

  /** `matrix[to, from]` times every vector along one axis of length `from`. */
  mapAxis(x: Value, axis: number, matrix: NdArray): Value {
    const { shape } = x;
    const [to = 0, from = 0] = matrix.shape;
    const inner = shape.length - 1 - axis;
    if (axis < 0 || inner < 0 || shape[axis] !== from) {
      throw new TypeError(
        `Cannot map axis ${axis} of [${shape.join(", ")}]: the matrix is [${matrix.shape.join(", ")}], must fit`,
      );
    }
    if (inner === 0) return this.one("MatMul", [x, this.constant(transposed(matrix))]);
    const map = this.constant(matrix);
    if (inner === 1) return this.one("MatMul", [map, x]);
    const rest = shape.slice(axis + 1);
    const length = rest.reduce<number>((product, dim) => product * Number(dim), 1);
    const flat = this.reshape(x, [...shape.slice(0, axis + 1), length]);
    return this.reshape(this.one("MatMul", [map, flat]), [...shape.slice(0, axis), to, ...rest]);
  }

  /**
   * Means over bins that share the spatial axes out evenly: bin `i` of `n` goes from `floor(i * length / n)` to
   * `ceil((i + 1) * length / n)`, as in PyTorch's adaptive pooling.
   */
  adaptiveAveragePool(x: Value, bins: readonly number[]): Value {
    return bins.reduce((value, count, i) => {
      const length = x.shape[i + 2];
      if (typeof length !== "number") {
        throw new TypeError(
          `Cannot pool "${x.name}": axis ${i + 2} is ${length}, must be a number`,
        );
      }
      return length === count ? value : this.mapAxis(value, i + 2, binMeans(x, { length, count }));
    }, x);
  }

  // ---- normalisation ----------------------------------------------------------------------------

  layerNorm(
    x: Value,
    scale: Value,
    options: { bias?: Value; axis?: number; epsilon?: number } = {},
  ): Value {
    const { bias, axis = -1, epsilon = 1e-5 } = options;
    const attributes = { axis, epsilon: float(epsilon) };
    return this.one("LayerNormalization", bias === undefined ? [x, scale] : [x, scale, bias], {
      attributes,
    });
  }

  /** `x / sqrt(mean(x²) + epsilon) * scale` over the last axes (Zhang & Sennrich 2019, arXiv:1910.07467). */
  rmsNorm(x: Value, scale: Value, options: { axis?: number; epsilon?: number } = {}): Value {
    const { axis = -1, epsilon = 1e-5 } = options;
    const attributes = { axis, epsilon: float(epsilon) };
    // The engine's operator from before opset 23, because it also gives what the gradient needs.
    return this.one("SimplifiedLayerNormalization", [x, scale], { attributes });
  }

  /** `scale[channels]` and `bias[channels]` after normalising over a group's channels and all places. */
  groupNorm(
    x: Value,
    { scale, bias }: Pick<BatchNormOperands, "scale" | "bias">,
    options: { readonly groups: number; readonly epsilon?: number },
  ): Value {
    const attributes = { num_groups: options.groups, epsilon: float(options.epsilon ?? 1e-5) };
    return this.one("GroupNormalization", [x, scale, bias], { attributes });
  }

  instanceNorm(
    x: Value,
    { scale, bias }: Pick<BatchNormOperands, "scale" | "bias">,
    epsilon = 1e-5,
  ): Value {
    const attributes = { epsilon: float(epsilon) };
    return this.one("InstanceNormalization", [x, scale, bias], { attributes });
  }

  /** With fixed statistics, as in inference. */
  batchNorm(x: Value, by: BatchNormOperands, epsilon = 1e-5): Value {
    const inputs = [x, by.scale, by.bias, by.mean, by.variance];
    return this.one("BatchNormalization", inputs, { attributes: { epsilon: float(epsilon) } });
  }

  /**
   * With the batch's own statistics. `momentum` is the share of the old running statistics that stays
   * (ONNX's convention; PyTorch's `momentum` is 1 minus that).
   */
  batchNormTraining(
    x: Value,
    by: BatchNormOperands,
    options: { readonly epsilon?: number; readonly momentum?: number } = {},
  ): { readonly y: Value; readonly mean: Value; readonly variance: Value } {
    const { epsilon = 1e-5, momentum = 0.9 } = options;
    const attributes = {
      epsilon: float(epsilon),
      momentum: float(momentum),
      training_mode: 1,
    };
    const inputs = [x, by.scale, by.bias, by.mean, by.variance];
    const call = { attributes, outputCount: 3 };
    const [y, mean, variance] = this.op("BatchNormalization", inputs, call);
    if (y === undefined || mean === undefined || variance === undefined) {
      throw new TypeError("Cannot build BatchNormalization: it has not 3 outputs");
    }
    return { y, mean, variance };
  }

  /** `x` divided by its norm along one axis. */
  lpNorm(x: Value, options: { readonly axis?: number; readonly p?: 1 | 2 } = {}): Value {
    const { axis = -1, p = 2 } = options;
    return this.one("LpNormalization", [x], { attributes: { axis, p } });
  }
}

function binMeans(
  { elementType }: Value,
  { length, count }: { length: number; count: number },
): NdArray {
  const data = allocate(elementType, count * length);
  for (let bin = 0; bin < count; bin++) {
    const start = Math.floor((bin * length) / count);
    const end = Math.ceil(((bin + 1) * length) / count);
    for (let i = start; i < end; i++) data[bin * length + i] = 1 / (end - start);
  }
  return { dtype: elementType, shape: [count, length], data };
}

function transposed({ dtype, shape, data }: NdArray): NdArray {
  const [rows = 0, columns = 0] = shape;
  const result = allocate(dtype, data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j] ?? 0;
  }
  return { dtype, shape: [columns, rows], data: result };
}

function poolCall(kernel: readonly number[], options: PoolOptions): OpOptions {
  const ceil = options.ceilMode === true ? { ceil_mode: 1 } : {};
  return { attributes: { kernel_shape: kernel, ...windowAttributes(options), ...ceil } };
}
