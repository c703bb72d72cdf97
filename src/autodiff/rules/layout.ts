/** Operators that move elements and compute none: their gradients move them back. */
import type { StaticDim, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { constantInts, cotangentOf, fixedDim, fullLike, inputOf, intOf, intsOf } from "./rule.ts";
import { refuseVjp, reshapeLike, resolvedAxis, stringOf, sumTo } from "./rule.ts";

export type LayoutOp =
  | "Reshape"
  | "Flatten"
  | "Squeeze"
  | "Unsqueeze"
  | "Transpose"
  | "Concat"
  | "Split"
  | "Expand"
  | "Tile"
  | "DepthToSpace"
  | "SpaceToDepth"
  | "Trilu";

/** For operators that keep all elements in their order. */
const reshaped: VjpRule = (g, call) => [reshapeLike(g, cotangentOf(call), inputOf(call, 0))];

const transpose: VjpRule = (g, call) => {
  const rank = inputOf(call, 0).shape.length;
  const perm = intsOf(call, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  return [
    g.transpose(
      cotangentOf(call),
      perm.map((_, axis) => perm.indexOf(axis)),
    ),
  ];
};

function axisOf(call: VjpCall): number {
  return resolvedAxis(intOf(call, "axis", 0), inputOf(call, 0).shape.length);
}

/** One `Split` where every part is asked for, else a `Slice` for each that is. */
const concat: VjpRule = (g, call) => {
  const axis = axisOf(call);
  const sizes = call.inputs.map((_, i) =>
    fixedDim(call, inputOf(call, i).shape[axis], `dimension ${axis} of input ${i}`),
  );
  const dy = cotangentOf(call);
  if (!call.needs.includes(false)) return g.split(dy, axis, sizes);
  let end = 0;
  return sizes.map((size, i) => {
    const start = end;
    end += size;
    return call.needs[i] === true ? g.slice(dy, axis, { start, end }) : undefined;
  });
};

/** The parts that nobody used are zeros; where one was used, that is padding it. */
const split: VjpRule = (g, call) => {
  const axis = axisOf(call);
  const used = call.cotangents.filter((part) => part !== undefined);
  const [only] = used;
  if (only !== undefined && used.length === 1 && call.outputs.length > 1) {
    const place = call.cotangents.indexOf(only);
    const length = (parts: readonly Value[]): number =>
      parts.reduce((sum, { shape }) => sum + fixedDim(call, shape[axis], "a part"), 0);
    const along = (amount: number): number[] => only.shape.map((_, i) => (i === axis ? amount : 0));
    const before = along(length(call.outputs.slice(0, place)));
    const after = along(length(call.outputs.slice(place + 1)));
    return [g.pad(only, { before, after })];
  }
  const parts = call.outputs.map((part, i) => call.cotangents[i] ?? fullLike(g, part, 0));
  return [g.concat(parts, axis)];
};

/** Repeats become an axis of their own, which is summed. */
const tile: VjpRule = (g, call) => {
  const x = inputOf(call, 0);
  const repeats = constantInts(call, 1) ?? refuseVjp(call, "repeats are missing", "must be given");
  const shape: StaticDim[] = [];
  const axes: number[] = [];
  for (const [axis, dim] of x.shape.entries()) {
    const count = repeats[axis] ?? 1;
    if (count !== 1) {
      axes.push(shape.length);
      shape.push(count);
    }
    shape.push(dim);
  }
  const dy = cotangentOf(call);
  if (axes.length === 0) return [dy];
  return [g.reduceSum(reshapeLike(g, dy, { elementType: x.elementType, shape }), axes)];
};

/** Of `DepthToSpace`; its other mode counts the channels first, and has no operator for the way back. */
const depthToSpace: VjpRule = (g, call) => {
  const { elementType, shape } = inputOf(call, 0);
  const block = intOf(call, "blocksize", 1);
  const dy = cotangentOf(call);
  if (stringOf(call, "mode", "DCR") === "DCR") {
    return [g.one("SpaceToDepth", [dy], { attributes: { blocksize: block } })];
  }
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const depth = fixedDim(call, channels, "the channel dimension") / block ** 2;
  const open = [batch, depth, height, block, width, block];
  const apart = g.transpose(reshapeLike(g, dy, { elementType, shape: open }), [0, 1, 3, 5, 2, 4]);
  return [reshapeLike(g, apart, inputOf(call, 0))];
};

const spaceToDepth: VjpRule = (g, call) => {
  const attributes = { blocksize: intOf(call, "blocksize", 1), mode: "DCR" };
  return [g.one("DepthToSpace", [cotangentOf(call)], { attributes })];
};

const trilu: VjpRule = (g, call) => {
  const attributes = { upper: intOf(call, "upper", 1) };
  const k = call.inputs[1];
  return [
    g.one("Trilu", k === undefined ? [cotangentOf(call)] : [cotangentOf(call), k], { attributes }),
  ];
};

export const LAYOUT_VJPS: Readonly<Record<LayoutOp, VjpRule>> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Expand: (g, call) => [sumTo(g, cotangentOf(call), inputOf(call, 0))],
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Trilu: trilu,
};
