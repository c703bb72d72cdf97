/** Which of a graph's outputs are thoughts, and what they become. */
import { z } from "zod";
import type { NdArray, Thought } from "../core/index.ts";
import type { Affine } from "./statistics.ts";
import { denormalise } from "./statistics.ts";

const name = z.string().min(1).max(256);

export const thoughtBindingSchema = z.discriminatedUnion("kind", [
  /** `float32` of one element. */
  z.strictObject({ kind: z.literal("scalar"), tag: name, output: name }),
  /**
   * `chunks` is `float32[steps, horizon, actionDim]`, as the policy's output is before postprocessing; every one of
   * `values` is `float32[steps]`. How many steps there are may differ from decision to decision.
   */
  z.strictObject({
    kind: z.literal("refinement"),
    tag: name,
    chunks: name,
    values: z.record(name, name).default({}),
  }),
]);

export type ThoughtBinding = z.infer<typeof thoughtBindingSchema>;

/** The outputs that thoughts are made of. */
export function thoughtOutputs(bindings: readonly ThoughtBinding[]): string[] {
  return bindings.flatMap((binding) =>
    binding.kind === "scalar"
      ? [binding.output]
      : [binding.chunks, ...Object.values(binding.values)],
  );
}

/** Chunks of a refinement that are kept; of more, as many are picked evenly, the last one with them. */
const MOST_CHUNKS = 16;

/**
 * @param affine by which chunks become physical; none: they are
 * @throws {TypeError} if an output is not what its binding says
 */
export function thoughtsOf(
  bindings: readonly ThoughtBinding[],
  outputs: Readonly<Record<string, NdArray>>,
  affine: Affine | undefined,
): Thought[] {
  return bindings.map((binding) => {
    const { tag } = binding;
    if (binding.kind === "scalar") {
      const [value] = numbers(outputs, binding.output, 1);
      return { kind: "scalar", tag, value: value ?? NaN };
    }
    return { kind: "refinement", tag, ...refinementOf(binding, outputs, affine) };
  });
}

function refinementOf(
  { chunks, values }: Extract<ThoughtBinding, { kind: "refinement" }>,
  outputs: Readonly<Record<string, NdArray>>,
  affine: Affine | undefined,
): Omit<Extract<Thought, { kind: "refinement" }>, "kind" | "tag"> {
  const shape = outputs[chunks]?.shape ?? [];
  const [steps = 0, horizon = 0, actionDim = 0] = shape;
  if (shape.length !== 3) refuse(chunks, outputs[chunks], "float32[steps, horizon, actionDim]");
  const size = horizon * actionDim;
  const all = numbers(outputs, chunks, steps * size);
  const physical = affine === undefined ? all : denormalise(all, affine, shape);
  const kept = evenly(steps, MOST_CHUNKS);
  return {
    horizon,
    actionDim,
    steps: kept.map((step) => step + 1),
    chunks: kept.map((step) => Array.from(physical.subarray(step * size, (step + 1) * size))),
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
