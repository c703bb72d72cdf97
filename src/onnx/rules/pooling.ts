/** Operators that join what lies under a window, and those that stretch images. */
import type { OpCall, OpRule, StaticDim, TensorType } from "./rule.ts";
import { fixedDim, intsAttribute, operand, refuse, resolveAxis } from "./rule.ts";
import { sameElementType, stringAttribute, typeWords } from "./rule.ts";
import { slidingWindow, spatialDims } from "./window.ts";

function pooled(call: OpCall): TensorType {
  const { elementType, shape } = operand(call, 0);
  const kernel = intsAttribute(call, "kernel_shape") ?? [];
  if (shape.length !== kernel.length + 2) {
    refuse(call, `kernel_shape is [${kernel.join(", ")}]`, `must have ${shape.length - 2} entries`);
  }
  const { output } = slidingWindow(call, { input: spatialDims(call, shape), kernel });
  return { elementType, shape: [...shape.slice(0, 2), ...output] };
}

const maxPool: OpRule = (call) => {
  const { elementType, shape } = pooled(call);
  return [
    { elementType, shape },
    { elementType: "int64" as const, shape },
  ].slice(0, call.outputCount);
};

const averagePool: OpRule = (call) => [pooled(call)];

const globalPool: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  return [{ elementType, shape: shape.map((dim, i) => (i < 2 ? dim : 1)) }];
};

/** The axes that a `Resize` stretches; all others keep their length. */
export function resizedAxes(call: Pick<OpCall, "opType" | "attributes">, rank: number): number[] {
  const given = intsAttribute(call, "axes");
  if (given === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  return given.map((axis) => resolveAxis(call, axis, rank));
}

/** Numbers of an input that is known now; `undefined` where it is left out or empty. */
function constantNumbers(call: OpCall, index: number): number[] | undefined {
  const input = call.inputs[index];
  if (input === undefined || input.shape[0] === 0) return undefined;
  if (input.constant === undefined) {
    refuse(call, `input ${index} is computed`, "must be a constant");
  }
  return Array.from(input.constant.data, Number);
}

const resize: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const axes = resizedAxes(call, shape.length);
  const [scales, sizes] = [constantNumbers(call, 2), constantNumbers(call, 3)];
  const policy = stringAttribute(call, "keep_aspect_ratio_policy", "stretch");
  if (policy !== "stretch") {
    refuse(call, `keep_aspect_ratio_policy is "${policy}"`, 'must be "stretch"');
  }
  const numbers = sizes ?? scales ?? refuse(call, "neither scales nor sizes", "must be given");
  if (numbers.length !== axes.length) {
    refuse(call, `${numbers.length} numbers are given`, `must be ${axes.length}`);
  }
  const result = [...shape];
  for (const [i, axis] of axes.entries()) {
    const number = numbers[i] ?? 1;
    result[axis] = resized(call, shape[axis], { number, isSize: sizes !== undefined });
  }
  return [{ elementType, shape: result }];
};

/** A symbol stays what it is where the scale is 1. */
function resized(
  call: OpCall,
  dim: StaticDim | undefined,
  { number, isSize }: { number: number; isSize: boolean },
): StaticDim {
  if (isSize) return number;
  if (number === 1 && dim !== undefined) return dim;
  return Math.floor(fixedDim(call, dim, "a resized dimension") * number);
}

const gridSample: OpRule = (call) => {
  const [x, grid] = [operand(call, 0), operand(call, 1)];
  const rank = x.shape.length;
  const fits = grid.shape.length === rank && grid.shape.at(-1) === rank - 2;
  if (!fits || grid.shape[0] !== x.shape[0]) {
    refuse(call, `inputs are ${typeWords(x)} and ${typeWords(grid)}`, "must belong together");
  }
  const shape = [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)];
  return [{ elementType: sameElementType(call, [x, grid]), shape }];
};

export const POOLING_RULES: Readonly<Record<string, OpRule>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  Resize: resize,
  GridSample: gridSample,
};
