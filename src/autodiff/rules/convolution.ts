/**
 * Convolutions. `Conv` and `ConvTranspose` are each other's adjoint, and both are bilinear, so that the rules of
 * the two consist of each other and of one more function, the gradient by the filters.
 */
import type { GraphBuilder, SlidingWindow, Value } from "../../onnx/index.ts";
import { slidingWindow, spatialDims, transposedWindow } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import {
  cotangentOf,
  fixedDim,
  fixedShape,
  inputOf,
  intOf,
  productOf,
  reshapeLike,
} from "./rule.ts";

export type ConvolutionOp = "Conv" | "ConvTranspose";

/** What a convolution maps: `image[batch, channels, ...]` by `filters` to `response[batch, filters, ...]`. */
interface Correlation {
  readonly call: VjpCall;
  readonly image: Value;
  readonly response: Value;
  readonly filters: Value;
  readonly window: SlidingWindow;
  readonly group: number;
}

const conv: VjpRule = (g, call) => {
  const [image, filters, response] = [inputOf(call, 0), inputOf(call, 1), cotangentOf(call)];
  const sizes = { input: spatialDims(call.node, image.shape), kernel: kernelOf(call, filters) };
  const window = slidingWindow(call.node, sizes);
  const group = intOf(call, "group", 1);
  const all = { call, image, response, filters, window, group };
  return [
    call.needs[0] === true ? imageGradient(g, all) : undefined,
    call.needs[1] === true ? filterGradient(g, all) : undefined,
    call.needs[2] === true ? g.reduceSum(response, allButChannels(response)) : undefined,
  ];
};

const convTranspose: VjpRule = (g, call) => {
  const [response, filters, image] = [inputOf(call, 0), inputOf(call, 1), cotangentOf(call)];
  const sizes = { input: spatialDims(call.node, response.shape), kernel: kernelOf(call, filters) };
  const window = transposedWindow(call.node, sizes);
  const group = intOf(call, "group", 1);
  const all = { call, image, response, filters, window, group };
  return [
    call.needs[0] === true ? g.conv(image, filters, optionsOf(all)) : undefined,
    call.needs[1] === true ? filterGradient(g, all) : undefined,
    call.needs[2] === true ? g.reduceSum(image, allButChannels(image)) : undefined,
  ];
};

function kernelOf(call: VjpCall, filters: Value): number[] {
  return fixedShape(call, filters).slice(2);
}

function allButChannels({ shape }: Value): number[] {
  return shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
}

function optionsOf({ window, group }: Correlation): {
  strides: readonly number[];
  dilations: readonly number[];
  pads: readonly number[];
  group: number;
} {
  const { strides, dilations, begins, ends } = window;
  return { strides, dilations, pads: [...begins, ...ends], group };
}

/**
 * d(image) of `response = conv(image, filters)`: the transposed convolution. Where it is as well a convolution by
 * turned filters, over many places, the engine does that a sixth to a third quicker. Where there are fewer
 * positions than filters, one product over the whole batch is up to twice as quick as the engine's one for each image.
 */
function imageGradient(g: GraphBuilder, all: Correlation): Value {
  const { window, response, filters } = all;
  if (isSteady(all) && hasFewPositions(all)) return byAddedColumns(g, all);
  if (isTurnable(all) && sizeOf(window.output) >= MANY_PLACES) return byTurnedFilters(g, all);
  // What a stride leaves over at the end was seen by no window.
  const outputPadding = window.input.map((length, i) => length - coveredLength(window, i));
  return g.convTranspose(response, filters, { ...optionsOf(all), outputPadding });
}

function isSteady({ window, group }: Correlation): boolean {
  return group === 1 && window.strides.every((stride) => stride === 1);
}

/** Whether the padding that turned filters need is not negative. */
function isTurnable(all: Correlation): boolean {
  const { kernel, dilations, begins, ends } = all.window;
  const fits = kernel.every(
    (size, i) => Math.max(begins[i] ?? 0, ends[i] ?? 0) <= (size - 1) * (dilations[i] ?? 1),
  );
  return isSteady(all) && fits;
}

/** Whether a batch has fewer positions of the window than there are filters, each larger than one place. */
function hasFewPositions({ image, filters, window }: Correlation): boolean {
  const [batch] = image.shape;
  if (typeof batch !== "number" || sizeOf(window.kernel) === 1) return false;
  return batch * sizeOf(window.output) < Number(filters.shape[0]);
}

function sizeOf(lengths: readonly number[]): number {
  return lengths.reduce((product, length) => product * length, 1);
}

function byTurnedFilters(g: GraphBuilder, { response, filters, window }: Correlation): Value {
  const { kernel, dilations, begins, ends } = window;
  const last = [...kernel.keys()].map((i) => i + 2);
  const turned = g.one("Slice", [
    swapFirstTwo(g, filters),
    g.ints(kernel.map(() => -1)),
    g.ints(kernel.map((size) => -1 - size)),
    g.ints(last),
    g.ints(kernel.map(() => -1)),
  ]);
  const reach = kernel.map((size, i) => (size - 1) * (dilations[i] ?? 1));
  const rest = (pads: readonly number[]): number[] => reach.map((all, i) => all - (pads[i] ?? 0));
  return g.conv(response, turned, { dilations, pads: [...rest(begins), ...rest(ends)] });
}

/**
 * The adjoint of `byColumns`: one product gives what every place of the kernel sends back to what it saw; these
 * maps are shifted and added. For stride 1.
 */
function byAddedColumns(g: GraphBuilder, all: Correlation): Value {
  const { call, image, response, filters, window } = all;
  const [batch = 1, depth = 1, ...spatial] = fixedShape(call, image);
  const [count = 1] = fixedShape(call, filters);
  const kernel = places(window.kernel);
  const rows = g.reshape(batchLast(g, call, response), [count, -1]);
  const columns = g.gemm(g.reshape(filters, [count, -1]), rows, { transA: true });
  const maps = g.split(
    g.reshape(columns, [depth, kernel.length, -1]),
    1,
    kernel.map(() => 1),
  );
  const shifted = kernel.map((place, k) => {
    const map = g.reshape(maps[k] as Value, [depth, ...window.output, batch]);
    const before = place.map((at, i) => at * (window.dilations[i] ?? 1) - (window.begins[i] ?? 0));
    // Negative amounts cut off what lies in the padding.
    const after = before.map((at, i) => (spatial[i] ?? 0) - at - (window.output[i] ?? 0));
    return g.one("Pad", [map, g.ints([0, ...before, 0, 0, ...after, 0])]);
  });
  const sum = shifted.reduce((all, one) => g.add(all, one));
  const first = g.transpose(g.reshape(sum, [-1, batch]), [1, 0]);
  return g.reshape(first, [batch, depth, ...spatial]);
}

function coveredLength(window: SlidingWindow, i: number): number {
  const { kernel, strides, dilations, begins, ends, output } = window;
  const extent = (dilations[i] ?? 1) * ((kernel[i] ?? 1) - 1) + 1;
  return (strides[i] ?? 1) * ((output[i] ?? 1) - 1) + extent - (begins[i] ?? 0) - (ends[i] ?? 0);
}

/** From this many positions on; measured as below. */
const MANY_PLACES = 256;

/**
 * Below this many channels a matrix product for every place of the kernel is too thin. On the layers of
 * a ResNet-18 at 128 px it is 7 times slower than the other way with 3 channels and 1.1 to 2.7 times quicker with 64
 * and more; between them lies a guess (`tests/bench/conv-gradient.mjs`).
 */
const FEW_CHANNELS = 16;

/**
 * d(filters) of `response = conv(image, filters)`:
 *
 *     dw[f, c, k] = sum over batch n, places p of  response[n, f, p] * image[n, c, stride * p + dilation * k - pad]
 */
function filterGradient(g: GraphBuilder, all: Correlation): Value {
  const { filters, group, image } = all;
  const thin = Number(filters.shape[1]) < FEW_CHANNELS && typeof image.shape[0] === "number";
  if (group > 1 || thin) return bySwappedConvolution(g, all);
  return hasFewPositions(all) ? byColumns(g, all) : byPlaces(g, all);
}

/**
 * As a convolution of the image by the response, with batch and channels swapped, and strides and dilations.
 * Groups stay groups: `image[batch, group * c, ...]` becomes `[c, group * batch, ...]`.
 */
function bySwappedConvolution(g: GraphBuilder, all: Correlation): Value {
  const { call, image, response, filters, window, group } = all;
  const batch = fixedDim(call, image.shape[0], "the batch");
  const spatial = fixedShape(call, image).slice(2);
  const places = spatial.map((_, i) => i + 3);
  const [, depth = 1, ...kernel] = fixedShape(call, filters);
  const apart = g.reshape(image, [batch, group, depth, ...spatial]);
  const swapped = g.reshape(g.transpose(apart, [2, 1, 0, ...places]), [
    depth,
    group * batch,
    ...spatial,
  ]);
  const made = g.conv(swapped, swapFirstTwo(g, response), {
    strides: window.dilations,
    dilations: window.strides,
    pads: [...window.begins, ...window.ends],
    group,
  });
  const whole = kernel.reduce(
    (value, length, i) =>
      value.shape[i + 2] === length ? value : g.slice(value, i + 2, { start: 0, end: length }),
    made,
  );
  return swapFirstTwo(g, whole);
}

function swapFirstTwo(g: GraphBuilder, value: Value): Value {
  return g.transpose(value, [1, 0, ...value.shape.slice(2).map((_, i) => i + 2)]);
}

/**
 * As one matrix product for every place of the kernel, of the response and what that place saw of the image, both
 * with channels last: the engine copies whole rows of channels then. The products lie side by side as
 * `[filters, places, channels]`, because the engine turns the last two axes several times faster than it brings the
 * first to the end, and not slower for the reshaping after it.
 */
function byPlaces(g: GraphBuilder, all: Correlation): Value {
  const { call, image, response, filters, window } = all;
  const padded = padPlaces(g, channelsLast(g, image), window);
  const rows = channelsLast(g, response);
  const products = places(window.kernel).map((place) => {
    const seen = seenFrom(g, padded, { window, place });
    return g.unsqueeze(sumOfProducts(g, rows, seen), [1]);
  });
  const shape = fixedShape(call, filters);
  const [only] = products;
  if (products.length === 1 && only !== undefined) return g.reshape(only, shape);
  return g.reshape(g.transpose(g.concat(products, 1), [0, 2, 1]), shape);
}

/**
 * As one matrix product of the response and of everything that every place of the kernel saw, laid out so that
 * the result is in the order of the filters: for layers with more filters than positions, where these columns are
 * smaller than the filters and putting the filters in order would cost more than the product. The batch comes
 * last, so that what is copied are runs of it even where a map is a few elements wide.
 */
function byColumns(g: GraphBuilder, all: Correlation): Value {
  const { call, image, response, filters, window } = all;
  const shape = fixedShape(call, filters);
  const [count = 1, depth = 1] = shape;
  const padded = padPlaces(g, batchLast(g, call, image), window);
  const seen = places(window.kernel).map((place) =>
    g.unsqueeze(seenFrom(g, padded, { window, place }), [1]),
  );
  const columns = g.reshape(g.concat(seen, 1), [depth * seen.length, -1]);
  const rows = g.reshape(batchLast(g, call, response), [count, -1]);
  return g.reshape(g.gemm(rows, columns, { transB: true }), shape);
}

/** `[batch, ...]` as `[..., batch]`, by a transposition of a matrix. */
function batchLast(g: GraphBuilder, call: VjpCall, value: Value): Value {
  const [batch = 1, ...rest] = fixedShape(call, value);
  return g.reshape(g.transpose(g.reshape(value, [batch, -1]), [1, 0]), [...rest, batch]);
}

function channelsLast(g: GraphBuilder, value: Value): Value {
  return g.transpose(value, [0, ...value.shape.slice(2).map((_, i) => i + 2), 1]);
}

/** Pads a window's axes, which lie between one before them and one behind. */
function padPlaces(g: GraphBuilder, value: Value, { begins, ends }: SlidingWindow): Value {
  if ([...begins, ...ends].every((pad) => pad === 0)) return value;
  return g.one("Pad", [value, g.ints([0, ...begins, 0, 0, ...ends, 0])]);
}

/** Every place of a kernel, in the order of its elements. */
function places(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (lead, size) => lead.flatMap((place) => Array.from({ length: size }, (_, k) => [...place, k])),
    [[]],
  );
}

/** What one place of the kernel saw, for every position of the window, whose axes lie behind the first. */
function seenFrom(
  g: GraphBuilder,
  padded: Value,
  { window, place }: { window: SlidingWindow; place: readonly number[] },
): Value {
  const { strides, dilations, output } = window;
  const starts = place.map((k, i) => k * (dilations[i] ?? 1));
  const lengths = output.map((count, i) => (strides[i] ?? 1) * (count - 1) + 1);
  if (lengths.every((length, i) => length === padded.shape[i + 1])) {
    if (strides.every((stride) => stride === 1)) return padded;
  }
  const ends = starts.map((start, i) => start + (lengths[i] ?? 1));
  const inputs = [starts, ends, starts.map((_, i) => i + 1), strides].map((list) => g.ints(list));
  return g.one("Slice", [padded, ...inputs]);
}

/** `aᵀ b` over all rows of `a[..., m]` and `b[..., n]`. */
function sumOfProducts(g: GraphBuilder, a: Value, b: Value): Value {
  const matrix = (value: Value): Value => {
    const { elementType, shape } = value;
    const rows = productOf(shape.slice(0, -1));
    return reshapeLike(g, value, { elementType, shape: [rows, shape.at(-1) ?? 1] });
  };
  return g.gemm(matrix(a), matrix(b), { transA: true });
}

export const CONVOLUTION_VJPS: Readonly<Record<ConvolutionOp, VjpRule>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
};
