/** Windows that slide over spatial axes: what strides, pads, dilations and `auto_pad` come to. */
import type { Attributed, StaticDim } from "./rule.ts";
import { fixedDim, intAttribute, intsAttribute, refuse, stringAttribute } from "./rule.ts";

/** A sliding window with everything resolved; one number for every spatial axis. */
export interface SlidingWindow {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before the first element, and after the last. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  /** Lengths of what the window slides over. */
  readonly input: readonly number[];
  /** Number of its positions. */
  readonly output: readonly number[];
}

/** One axis of a window. `padding` is the sum of both ends. */
interface WindowAxis {
  readonly length: number;
  readonly extent: number;
  readonly stride: number;
  readonly begin: number;
  readonly end: number;
}

/** Lengths of the spatial axes of `[batch, channels, ...]`. */
export function spatialDims(call: Attributed, shape: readonly StaticDim[]): number[] {
  return shape.slice(2).map((dim, i) => fixedDim(call, dim, `spatial dimension ${i}`));
}

/**
 * Resolves the window attributes of a convolution or pooling node (ONNX `Conv`, `MaxPool`, `AveragePool`).
 * @param sizes lengths of the spatial axes, and of the kernel along them
 * @throws {TypeError} if the window does not fit, or its attributes do not belong together
 */
export function slidingWindow(
  call: Attributed,
  { input, kernel }: { readonly input: readonly number[]; readonly kernel: readonly number[] },
): SlidingWindow {
  const axes = windowAxes(call, { input, kernel });
  return {
    ...axes,
    input,
    output: kernel.map((_, i) => positions(call, axisOf(axes, i))),
  };
}

/**
 * Resolves the attributes of a `ConvTranspose` node, whose window slides over its output.
 * @param sizes lengths of the node's own input, which are the window's positions, and of the kernel
 * @returns with `input` = the node's output and `output` = the node's input
 */
export function transposedWindow(
  call: Attributed,
  { input, kernel }: { readonly input: readonly number[]; readonly kernel: readonly number[] },
): SlidingWindow {
  const { strides, dilations } = stepsOf(call, kernel.length);
  const extra = perAxis(call, "output_padding", { rank: kernel.length, fallback: 0 });
  if (extra.some((padding, i) => padding >= (strides[i] ?? 1))) {
    refuse(call, `output_padding is [${extra.join(", ")}]`, "must be below the strides");
  }
  const wanted = intsAttribute(call, "output_shape")?.slice(-kernel.length);
  const auto = autoPad(call);
  const pads = intsAttribute(call, "pads") ?? [];
  const axes = kernel.map((size, i) => {
    const stride = strides[i] ?? 1;
    const extent = (dilations[i] ?? 1) * (size - 1) + 1;
    const full = stride * ((input[i] ?? 1) - 1) + (extra[i] ?? 0) + extent;
    const same = auto.startsWith("SAME") ? stride * (input[i] ?? 1) : undefined;
    const target = wanted?.[i] ?? same;
    if (target === undefined) {
      const explicit = auto === "NOTSET";
      const begin = explicit ? (pads[i] ?? 0) : 0;
      const end = explicit ? (pads[i + kernel.length] ?? 0) : 0;
      return { begin, end, length: full - begin - end };
    }
    const total = Math.max(0, full - target);
    const small = Math.floor(total / 2);
    const begin = auto === "SAME_UPPER" ? small : total - small;
    return { begin, end: total - begin, length: target };
  });
  const short = axes.find(({ length }) => length < 1);
  if (short !== undefined)
    refuse(call, `the output has length ${short.length}`, "must be 1 or more");
  return {
    kernel,
    strides,
    dilations,
    begins: axes.map(({ begin }) => begin),
    ends: axes.map(({ end }) => end),
    input: axes.map(({ length }) => length),
    output: input,
  };
}

function windowAxes(
  call: Attributed,
  { input, kernel }: { readonly input: readonly number[]; readonly kernel: readonly number[] },
): Omit<SlidingWindow, "output"> {
  const { strides, dilations } = stepsOf(call, kernel.length);
  const auto = autoPad(call);
  const pads = perAxis(call, "pads", { rank: 2 * kernel.length, fallback: 0 });
  const padding = kernel.map((size, i): [number, number] => {
    if (auto === "NOTSET") return [pads[i] ?? 0, pads[i + kernel.length] ?? 0];
    if (auto === "VALID") return [0, 0];
    const [length, stride] = [input[i] ?? 1, strides[i] ?? 1];
    const extent = (dilations[i] ?? 1) * (size - 1) + 1;
    const total = Math.max(0, (Math.ceil(length / stride) - 1) * stride + extent - length);
    const small = Math.floor(total / 2);
    return auto === "SAME_UPPER" ? [small, total - small] : [total - small, small];
  });
  const [begins, ends] = [padding.map(([begin]) => begin), padding.map(([, end]) => end)];
  return { kernel, strides, dilations, begins, ends, input };
}

function axisOf(window: Omit<SlidingWindow, "output">, i: number): WindowAxis {
  return {
    length: window.input[i] ?? 1,
    extent: (window.dilations[i] ?? 1) * ((window.kernel[i] ?? 1) - 1) + 1,
    stride: window.strides[i] ?? 1,
    begin: window.begins[i] ?? 0,
    end: window.ends[i] ?? 0,
  };
}

/** How often a window fits; with `ceil_mode` also where it hangs over the end, but begins before it. */
function positions(call: Attributed, { length, extent, stride, begin, end }: WindowAxis): number {
  const room = length + begin + end - extent;
  if (room < 0) {
    refuse(call, `a window of ${extent} slides over ${length} + ${begin + end}`, "must fit");
  }
  if (intAttribute(call, "ceil_mode", 0) === 0) return Math.floor(room / stride) + 1;
  const steps = Math.ceil(room / stride);
  return steps * stride >= length + begin ? steps : steps + 1;
}

function stepsOf(call: Attributed, rank: number): { strides: number[]; dilations: number[] } {
  const steps = (name: string): number[] => perAxis(call, name, { rank, fallback: 1 });
  return { strides: steps("strides"), dilations: steps("dilations") };
}

function perAxis(
  call: Attributed,
  name: string,
  { rank, fallback }: { rank: number; fallback: number },
): number[] {
  const given = intsAttribute(call, name) ?? new Array<number>(rank).fill(fallback);
  if (given.length !== rank || given.some((value) => value < fallback)) {
    refuse(
      call,
      `${name} is [${given.join(", ")}]`,
      `must be ${rank} numbers of ${fallback} or more`,
    );
  }
  return given;
}

const AUTO_PADS: ReadonlySet<string> = new Set(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]);

function autoPad(call: Attributed): string {
  const auto = stringAttribute(call, "auto_pad", "NOTSET");
  if (!AUTO_PADS.has(auto)) {
    refuse(call, `auto_pad is "${auto}"`, `must be one of ${[...AUTO_PADS].join(", ")}`);
  }
  return auto;
}
