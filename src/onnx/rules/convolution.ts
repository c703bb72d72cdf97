/** Convolutions, over any number of spatial axes. */
import type { OpCall, OpRule } from "./rule.ts";
import { fixedDim, intAttribute, operand, refuse, sameElementType, typeWords } from "./rule.ts";
import { slidingWindow, spatialDims, transposedWindow } from "./window.ts";

interface Filters {
  readonly words: string;
  /** The first two dimensions of the filters. */
  readonly lead: readonly [number, number];
  readonly kernel: readonly number[];
  readonly channels: number;
  readonly group: number;
}

function filtersOf(call: OpCall, layout: string): Filters {
  const [x, w] = [operand(call, 0), operand(call, 1)];
  const words = `inputs are ${typeWords(x)} and ${typeWords(w)}`;
  if (x.shape.length < 3 || x.shape.length !== w.shape.length) {
    refuse(call, words, `must be [batch, channels, ...] and ${layout}`);
  }
  const [first = 0, second = 0, ...kernel] = w.shape.map((dim) =>
    fixedDim(call, dim, "a filter dimension"),
  );
  const channels = fixedDim(call, x.shape[1], "the channel dimension");
  const group = intAttribute(call, "group", 1);
  return { words, lead: [first, second], kernel, channels, group };
}

function checkBias(call: OpCall, filters: number): void {
  const bias = call.inputs[2];
  if (bias !== undefined && bias.shape.join() !== `${filters}`) {
    refuse(call, `the bias is ${typeWords(bias)}`, `must be [${filters}]`);
  }
}

const conv: OpRule = (call) => {
  const { words, lead, kernel, channels, group } = filtersOf(
    call,
    "[filters, channels / group, ...]",
  );
  const [filters, depth] = lead;
  if (depth * group !== channels || filters % group !== 0) {
    refuse(call, words, "channels must agree");
  }
  checkBias(call, filters);
  const [x, w] = [operand(call, 0), operand(call, 1)];
  const { output } = slidingWindow(call, { input: spatialDims(call, x.shape), kernel });
  const shape = [x.shape[0] ?? 1, filters, ...output];
  return [{ elementType: sameElementType(call, [x, w]), shape }];
};

const convTranspose: OpRule = (call) => {
  const { words, lead, kernel, channels, group } = filtersOf(
    call,
    "[channels, filters / group, ...]",
  );
  const [depth, filters] = lead;
  if (depth !== channels || channels % group !== 0) refuse(call, words, "channels must agree");
  checkBias(call, filters * group);
  const [x, w] = [operand(call, 0), operand(call, 1)];
  const { input } = transposedWindow(call, { input: spatialDims(call, x.shape), kernel });
  const shape = [x.shape[0] ?? 1, filters * group, ...input];
  return [{ elementType: sameElementType(call, [x, w]), shape }];
};

export const CONVOLUTION_RULES: Readonly<Record<string, OpRule>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
};
