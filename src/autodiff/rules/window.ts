/** `Slice` and `Pad`: operators that cut from a tensor or put something around it. */
import type { GraphBuilder, OpCall, SliceRange, StaticDim, Value } from "../../onnx/index.ts";
import { padAmounts, sliceRanges } from "../../onnx/index.ts";
import { addAt } from "./add-at.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, fixedDim, inputOf, reshapeLike, stringOf } from "./rule.ts";

export type WindowOp = "Slice" | "Pad";

function opCallOf({ node }: VjpCall): OpCall {
  const { opType, inputs, attributes, outputs } = node;
  return { opType, inputs, attributes, outputCount: outputs.length };
}

/** Puts the elements back among zeros: turned round, spread out and padded, as the slice needs. */
const slice: VjpRule = (g, call) => {
  const x = inputOf(call, 0);
  let dy = cotangentOf(call);
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  for (const range of sliceRanges(opCallOf(call))) {
    const { axis, length } = range;
    const dim = fixedDim(call, x.shape[axis], `dimension ${axis}`);
    const { value, start, extent } = spread(g, dy, range);
    dy = value;
    // An empty slice may start anywhere; all of the result is padding then.
    before[axis] = length === 0 ? 0 : start;
    after[axis] = dim - (length === 0 ? 0 : start) - extent;
  }
  const untouched = [...before, ...after].every((amount) => amount === 0);
  return [untouched ? dy : g.pad(dy, { before, after })];
};

/** The same elements in the input's direction and at the input's distances, with zeros between. */
function spread(
  g: GraphBuilder,
  dy: Value,
  { axis, start, step, length }: SliceRange,
): { value: Value; start: number; extent: number } {
  const forward = step > 0 ? dy : g.slice(dy, axis, { start: -1, end: -length - 1, step: -1 });
  const first = step > 0 ? start : start + (length - 1) * step;
  const stride = Math.abs(step);
  if (stride === 1 || length <= 1) return { value: forward, start: first, extent: length };
  const { shape, elementType } = dy;
  const open = shape.toSpliced(axis + 1, 0, 1);
  const apart = reshapeLike(g, forward, { elementType, shape: open });
  const after = open.map((_, i) => (i === axis + 1 ? stride - 1 : 0));
  const padded = g.pad(apart, { before: open.map(() => 0), after });
  const joined: StaticDim[] = shape.with(axis, length * stride);
  const together = reshapeLike(g, padded, { elementType, shape: joined });
  const extent = (length - 1) * stride + 1;
  return { value: g.slice(together, axis, { start: 0, end: extent }), start: first, extent };
}

const pad: VjpRule = (g, call) => {
  const amounts = padAmounts(opCallOf(call));
  const mode = stringOf(call, "mode", "constant");
  const dy = cotangentOf(call);
  if (mode !== "constant") return [folded(g, call, { amounts, mode })];
  const inside = cropped(g, dy, amounts);
  const all = dy.shape.map((_, axis) => axis);
  const fill = call.needs[2] === true ? call.inputs[2] : undefined;
  if (fill === undefined) return [inside];
  const around = g.sub(g.reduceSum(dy, all), g.reduceSum(inside, all));
  return [inside, undefined, reshapeLike(g, around, fill)];
};

type Amounts = readonly (readonly [before: number, after: number])[];

/** What a constant padding leaves of its input; what it cut away (negative amounts) is 0. */
function cropped(g: GraphBuilder, dy: Value, amounts: Amounts): Value {
  const touched = amounts.some(([before, after]) => before !== 0 || after !== 0);
  if (!touched) return dy;
  let value = dy;
  for (const [axis, [before, after]] of amounts.entries()) {
    if (before <= 0 && after <= 0) continue;
    const length = value.shape[axis];
    if (typeof length !== "number") continue;
    const range = { start: Math.max(0, before), end: length - Math.max(0, after) };
    value = g.slice(value, axis, range);
  }
  const lost = (side: 0 | 1): number[] => amounts.map((pair) => Math.max(0, -pair[side]));
  const [before, after] = [lost(0), lost(1)];
  const whole = [...before, ...after].every((amount) => amount === 0);
  return whole ? value : g.pad(value, { before, after });
}

/** Other modes repeat elements of the input: each axis is a `Gather` with indices known now. */
function folded(
  g: GraphBuilder,
  call: VjpCall,
  { amounts, mode }: { amounts: Amounts; mode: string },
): Value {
  const x = inputOf(call, 0);
  let value = cotangentOf(call);
  for (const [axis, [before, after]] of amounts.entries()) {
    if (before === 0 && after === 0) continue;
    const dim = fixedDim(call, x.shape[axis], `dimension ${axis}`);
    const places = Array.from({ length: before + dim + after }, (_, i) =>
      placeOf(i - before, dim, mode),
    );
    const like = { elementType: x.elementType, shape: value.shape.with(axis, dim) };
    value = addAt(g, value, { indices: g.ints(places), axis, like });
  }
  return value;
}

/** Which element of `dim` stands at a place, which may be outside. */
function placeOf(at: number, dim: number, mode: string): number {
  if (mode === "edge") return Math.min(dim - 1, Math.max(0, at));
  const period = mode === "wrap" || dim === 1 ? dim : 2 * (dim - 1);
  const within = ((at % period) + period) % period;
  return within < dim ? within : period - within;
}

export const WINDOW_VJPS: Readonly<Record<WindowOp, VjpRule>> = { Slice: slice, Pad: pad };
