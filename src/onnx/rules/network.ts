/** Convolutions, pooling and normalisation. */
import type { OpCall, OpRule, StaticDim } from "./rule.ts";
import { fixedDim, intAttribute, intsAttribute, operand } from "./rule.ts";
import { refuse, resolveAxis, sameElementType, stringAttribute, typeWords } from "./rule.ts";

/** Length of one spatial dimension after a window slid over it. */
function slid(call: OpCall, length: number, window: WindowAxis): number {
  const extent = window.dilation * (window.kernel - 1) + 1;
  const result = Math.floor((length + window.padding - extent) / window.stride) + 1;
  if (result < 1) {
    refuse(call, `a window of ${extent} slides over ${length} + ${window.padding}`, "must fit");
  }
  return result;
}

interface WindowAxis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
}

function spatial(call: OpCall, shape: readonly StaticDim[], kernel: readonly number[]): number[] {
  const auto = stringAttribute(call, "auto_pad", "NOTSET");
  if (auto !== "NOTSET" && auto !== "VALID")
    refuse(call, `auto_pad is ${auto}`, "must be explicit pads");
  const strides = intsAttribute(call, "strides");
  const dilations = intsAttribute(call, "dilations");
  const pads = intsAttribute(call, "pads");
  return kernel.map((size, i) => {
    const length = fixedDim(call, shape[i + 2], `spatial dimension ${i}`);
    return slid(call, length, {
      kernel: size,
      stride: strides?.[i] ?? 1,
      dilation: dilations?.[i] ?? 1,
      padding: (pads?.[i] ?? 0) + (pads?.[i + kernel.length] ?? 0),
    });
  });
}

const conv: OpRule = (call) => {
  const [x, w] = [operand(call, 0), operand(call, 1)];
  const words = `inputs are ${typeWords(x)} and ${typeWords(w)}`;
  if (x.shape.length < 3 || x.shape.length !== w.shape.length) {
    refuse(call, words, "must be [batch, channels, ...] and [filters, channels / group, ...]");
  }
  const [filters, depth, ...kernel] = w.shape.map((dim) =>
    fixedDim(call, dim, "a filter dimension"),
  );
  const channels = fixedDim(call, x.shape[1], "the channel dimension");
  if ((depth ?? 0) * intAttribute(call, "group", 1) !== channels) {
    refuse(call, words, "channels must agree");
  }
  const shape = [x.shape[0] ?? 1, filters ?? 1, ...spatial(call, x.shape, kernel)];
  return [{ elementType: sameElementType(call, [x, w]), shape }];
};

const pool: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const kernel = intsAttribute(call, "kernel_shape") ?? [];
  if (shape.length !== kernel.length + 2) {
    refuse(call, `kernel_shape is [${kernel.join(", ")}]`, `must have ${shape.length - 2} entries`);
  }
  return [{ elementType, shape: [...shape.slice(0, 2), ...spatial(call, shape, kernel)] }];
};

const globalPool: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  return [{ elementType, shape: shape.map((dim, i) => (i < 2 ? dim : 1)) }];
};

const layerNormalization: OpRule = (call) => {
  const [x, scale] = [operand(call, 0), operand(call, 1)];
  const axis = resolveAxis(call, intAttribute(call, "axis", -1), x.shape.length);
  const normalised = x.shape.slice(axis);
  if (normalised.join() !== scale.shape.join()) {
    refuse(call, `scale is ${typeWords(scale)}`, `must be [${normalised.join(", ")}]`);
  }
  return [{ elementType: sameElementType(call, [x, scale]), shape: x.shape }];
};

export const NETWORK_RULES: Readonly<Record<string, OpRule>> = {
  Conv: conv,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  LayerNormalization: layerNormalization,
};
