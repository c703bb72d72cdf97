/** Which of a graph's outputs are thoughts, and what they become. */
import { z } from "zod";
import type { NdArray, Thought } from "../core/index.ts";
import type { PhysicalChunks } from "./postprocessors.ts";

const name = z.string().min(1).max(256);

export const thoughtBindingSchema = z.discriminatedUnion("kind", [
  /** `float32` of one element. */
  z.strictObject({ kind: z.literal("scalar"), tag: name, output: name }),
  /**
   * `chunks` is `float32[steps, horizon, actionDim]`, as the policy's output is before postprocessing; every one of
   * `values` is `float32[steps]`. How many steps there are may differ from decision to decision. `start` is
   * `float32[horizon, actionDim]`: what the chunk was before the first step.
   */
  z.strictObject({
    kind: z.literal("refinement"),
    tag: name,
    chunks: name,
    start: name.exactOptional(),
    values: z.record(name, name).default({}),
  }),
  /**
   * Of every axis, `float32[n]` coordinates; `values` is `float32[n]`, or `float32[second, first]` with two axes;
   * `path` is `float32[points, axes]`, and `start`, which comes before it, `float32[axes]`.
   */
  z.strictObject({
    kind: z.literal("slice"),
    tag: name,
    axes: z
      .array(z.strictObject({ name, output: name }))
      .min(1)
      .max(2),
    values: name,
    start: name.exactOptional(),
    path: name.exactOptional(),
  }),
]);

export type ThoughtBinding = z.infer<typeof thoughtBindingSchema>;

/** The outputs that thoughts are made of. */
export function thoughtOutputs(bindings: readonly ThoughtBinding[]): string[] {
  return bindings.flatMap((binding) => {
    switch (binding.kind) {
      case "scalar":
        return [binding.output];
      case "refinement":
        return [binding.chunks, ...optional(binding.start), ...Object.values(binding.values)];
      case "slice":
        return [
          ...binding.axes.map(({ output }) => output),
          binding.values,
          ...optional(binding.start),
          ...optional(binding.path),
        ];
    }
  });
}

function optional(output: string | undefined): string[] {
  return output === undefined ? [] : [output];
}

/** Chunks of a refinement that are kept beside its start; of more, as many are picked evenly, the last one with them. */
const MOST_CHUNKS = 16;

/**
 * @param physical makes chunks physical
 * @throws {TypeError} if an output is not what its binding says
 */
export function thoughtsOf(
  bindings: readonly ThoughtBinding[],
  outputs: Readonly<Record<string, NdArray>>,
  physical: PhysicalChunks,
): Thought[] {
  return bindings.map((binding) => {
    const { tag } = binding;
    switch (binding.kind) {
      case "scalar": {
        const [value] = numbers(outputs, binding.output, 1);
        return { kind: "scalar", tag, value: value ?? NaN };
      }
      case "refinement":
        return { kind: "refinement", tag, ...refinementOf(binding, outputs, physical) };
      case "slice":
        return { kind: "slice", tag, ...sliceOf(binding, outputs) };
    }
  });
}

function sliceOf(
  { axes, values, start, path }: Extract<ThoughtBinding, { kind: "slice" }>,
  outputs: Readonly<Record<string, NdArray>>,
): Omit<Extract<Thought, { kind: "slice" }>, "kind" | "tag"> {
  const coordinates = axes.map(({ name: axis, output }) => {
    const count = outputs[output]?.data.length ?? 0;
    return { name: axis, at: Array.from(numbers(outputs, output, count)) };
  });
  const count = coordinates.reduce((product, { at }) => product * at.length, 1);
  return {
    axes: coordinates,
    values: Array.from(numbers(outputs, values, count)),
    path: [
      ...(start === undefined ? [] : [Array.from(numbers(outputs, start, axes.length))]),
      ...(path === undefined ? [] : rowsOf(outputs, path, axes.length)),
    ],
  };
}

/** `float32[any, width]` as rows. */
function rowsOf(
  outputs: Readonly<Record<string, NdArray>>,
  output: string,
  width: number,
): number[][] {
  const rows = outputs[output]?.shape[0] ?? 0;
  const all = numbers(outputs, output, rows * width);
  return Array.from({ length: rows }, (_, row) =>
    Array.from(all.subarray(row * width, (row + 1) * width)),
  );
}

function refinementOf(
  { chunks, start, values }: Extract<ThoughtBinding, { kind: "refinement" }>,
  outputs: Readonly<Record<string, NdArray>>,
  physical: PhysicalChunks,
): Omit<Extract<Thought, { kind: "refinement" }>, "kind" | "tag"> {
  const shape = outputs[chunks]?.shape ?? [];
  const [steps = 0, horizon = 0, actionDim = 0] = shape;
  if (shape.length !== 3) refuse(chunks, outputs[chunks], "float32[steps, horizon, actionDim]");
  const size = horizon * actionDim;
  const told = (output: string, count: number): Float32Array =>
    physical(numbers(outputs, output, count * size), [count, horizon, actionDim]);
  const after = told(chunks, steps);
  const begun = start === undefined ? [] : [Array.from(told(start, 1))];
  const kept = evenly(steps, MOST_CHUNKS);
  return {
    horizon,
    actionDim,
    steps: [...begun.map(() => 0), ...kept.map((step) => step + 1)],
    chunks: [
      ...begun,
      ...kept.map((step) => Array.from(after.subarray(step * size, (step + 1) * size))),
    ],
    values: Object.fromEntries(
      Object.entries(values).map(([key, output]) => [
        key,
        Array.from(numbers(outputs, output, steps)),
      ]),
    ),
  };
}

/** At most `most` of the numbers 0 ... count - 1, the last one among them. */
function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round(((i + 1) * count) / most) - 1);
}

function numbers(
  outputs: Readonly<Record<string, NdArray>>,
  output: string,
  count: number,
): Float32Array {
  const array = outputs[output];
  if (array?.dtype === "float32" && array.data.length === count) return array.data as Float32Array;
  return refuse(output, array, `float32 of ${count} elements`);
}

function refuse(output: string, array: NdArray | undefined, must: string): never {
  const is = array === undefined ? "absent" : `${array.dtype}[${array.shape.join(", ")}]`;
  throw new TypeError(`Cannot tell thoughts: output "${output}" is ${is}, must be ${must}`);
}
