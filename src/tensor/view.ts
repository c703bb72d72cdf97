import type { Dtype, NdArray, TypedArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import { allocate } from "./dtype.ts";

/**
 * A window into an array: element `[i, j, ...]` is `data[offset + i * strides[0] + j * strides[1] + ...]`.
 * Making one never copies; `toDense` does. Strides count elements and may be negative or zero.
 */
export interface StridedView {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly data: TypedArray;
}

/** Row-major strides of a shape. */
export function denseStrides(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * The whole of an array.
 * @throws {TypeError} if `data` is not as long as the shape says
 */
export function viewOf(array: NdArray): StridedView {
  const { dtype, shape, data } = array;
  if (data.length !== elementCount(shape)) {
    throw new TypeError(
      `Cannot view an array: it has ${data.length} elements, shape [${shape.join(", ")}] must have ${elementCount(shape)}`,
    );
  }
  return { dtype, shape, strides: denseStrides(shape), offset: 0, data };
}

/** A range of one axis; `start` included, `end` not, both as in `Array.slice` (negative = from the end). */
export interface AxisRange {
  readonly start?: number;
  readonly end?: number;
  /** Not zero; negative steps run backwards, from the last element unless `start` says otherwise. */
  readonly step?: number;
}

/**
 * Part of one axis, Python's `view[..., start:end:step, ...]`.
 * @throws {RangeError} if there is no such axis or the step is zero
 */
export function sliceView(view: StridedView, axis: number, range: AxisRange): StridedView {
  const size = dimension(view, axis);
  const step = range.step ?? 1;
  if (!Number.isInteger(step) || step === 0) {
    throw new RangeError(`Cannot slice: the step is ${step}, must be a whole number other than 0`);
  }
  const clamp = (index: number, low: number, high: number): number =>
    Math.min(high, Math.max(low, index < 0 ? index + size : index));
  const [start, end] =
    step > 0
      ? [clamp(range.start ?? 0, 0, size), clamp(range.end ?? size, 0, size)]
      : [
          clamp(range.start ?? size - 1, -1, size - 1),
          range.end === undefined ? -1 : clamp(range.end, -1, size - 1),
        ];
  const count = Math.max(0, Math.ceil((end - start) / step));
  const stride = view.strides[axis]!;
  return {
    ...view,
    shape: view.shape.with(axis, count),
    strides: view.strides.with(axis, stride * step),
    offset: view.offset + (count === 0 ? 0 : start * stride),
  };
}

/**
 * One index of one axis, which disappears; negative counts from the end.
 * @throws {RangeError} if there is no such axis or index
 */
export function selectView(view: StridedView, axis: number, index: number): StridedView {
  const size = dimension(view, axis);
  const at = index < 0 ? index + size : index;
  if (!Number.isInteger(at) || at < 0 || at >= size) {
    throw new RangeError(`Cannot select: index is ${index}, must be within ${size} elements`);
  }
  return {
    ...view,
    shape: view.shape.toSpliced(axis, 1),
    strides: view.strides.toSpliced(axis, 1),
    offset: view.offset + at * view.strides[axis]!,
  };
}

/**
 * Reorders axes: axis i of the result is axis `order[i]` of the view. Default: reversed.
 * @throws {RangeError} if `order` is no permutation of the axes
 */
export function transposeView(view: StridedView, order?: readonly number[]): StridedView {
  const axes = order ?? view.shape.map((_, axis) => view.shape.length - 1 - axis);
  const isPermutation =
    axes.length === view.shape.length && axes.toSorted((a, b) => a - b).every((a, i) => a === i);
  if (!isPermutation) {
    throw new RangeError(
      `Cannot transpose: the order is [${axes.join(", ")}], must be a permutation of ${view.shape.length} axes`,
    );
  }
  return {
    ...view,
    shape: axes.map((axis) => view.shape[axis]!),
    strides: axes.map((axis) => view.strides[axis]!),
  };
}

/**
 * Repeats axes of size 1 and adds leading ones, by numpy's rule, with stride 0 instead of copies.
 * @throws {RangeError} if the shapes do not fit
 */
export function broadcastView(view: StridedView, shape: readonly number[]): StridedView {
  const added = shape.length - view.shape.length;
  const strides = shape.map((dim, axis) => {
    const own = view.shape[axis - added];
    if (own === dim) return view.strides[axis - added]!;
    return own === 1 || axis < added ? 0 : NaN;
  });
  if (added < 0 || strides.some(Number.isNaN)) {
    throw new RangeError(
      `Cannot broadcast: shape is [${view.shape.join(", ")}], must fit [${shape.join(", ")}]`,
    );
  }
  return { ...view, shape, strides };
}

/** True if the elements lie in row-major order without gaps. */
export function isDense(view: StridedView): boolean {
  if (elementCount(view.shape) === 0) return true;
  const dense = denseStrides(view.shape);
  return view.shape.every((dim, axis) => dim === 1 || view.strides[axis] === dense[axis]);
}

/**
 * One element.
 * @throws {RangeError} if an index is outside its axis
 */
export function elementAt(view: StridedView, ...indices: readonly number[]): number | bigint {
  const inside =
    indices.length === view.shape.length &&
    indices.every(
      (index, axis) => Number.isInteger(index) && index >= 0 && index < view.shape[axis]!,
    );
  if (!inside) {
    throw new RangeError(
      `Cannot read element [${indices.join(", ")}]: the shape is [${view.shape.join(", ")}], indices must be inside`,
    );
  }
  const at = indices.reduce((sum, index, axis) => sum + index * view.strides[axis]!, view.offset);
  return view.data[at]!;
}

/**
 * The view as an array of its own shape: shares memory where the elements already lie in order
 * (a subarray), else copies them.
 */
export function toDense(view: StridedView): NdArray {
  const { dtype, shape, data, offset } = view;
  const length = elementCount(shape);
  if (isDense(view)) return { dtype, shape, data: data.subarray(offset, offset + length) };
  const dense = allocate(dtype, length);
  copyInOrder(view, dense);
  return { dtype, shape, data: dense };
}

/** Walks the view in row-major order with one running index instead of a multiplication per element. */
function copyInOrder({ shape, strides, offset, data }: StridedView, target: TypedArray): void {
  const rank = shape.length;
  const counter = new Int32Array(rank);
  let from = offset;
  for (let to = 0; to < target.length; to++) {
    target[to] = data[from]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++counter[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      counter[axis] = 0;
    }
  }
}

function dimension(view: StridedView, axis: number): number {
  const size = view.shape[axis];
  if (size === undefined) {
    throw new RangeError(
      `Cannot address axis ${axis}: the view has ${view.shape.length} axes, must be one of them`,
    );
  }
  return size;
}
