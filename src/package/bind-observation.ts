/** From an observation to a graph's inputs, as the manifest's bindings say. */
import type { NdArray, Observation, PolicySpec, Rng } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import type { InputBinding } from "./manifest.ts";

type Of<K extends InputBinding["from"]> = Extract<InputBinding, { from: K }>;

/** Graph input dtypes the bindings can make. */
export type InputDtype = "float32" | "uint8";

export interface BindContext {
  readonly dtypes: ReadonlyMap<string, InputDtype>;
  readonly rng: Rng;
  /** What recurrent inputs get, by input name; absent = zeros. */
  readonly memory: ReadonlyMap<string, NdArray>;
}

/**
 * Feeds for one observation, each with a leading batch dimension of 1. Copies: the observation is not
 * changed and may be kept by others.
 * @throws {TypeError} if the observation lacks what a binding names
 * @throws {RangeError} if a number of it is not finite
 */
export function bindObservation(
  bindings: readonly InputBinding[],
  observation: Observation,
  context: BindContext,
): Record<string, NdArray> {
  return Object.fromEntries(
    bindings.map((binding) => [binding.input, bindOne(binding, observation, context)]),
  );
}

function bindOne(binding: InputBinding, observation: Observation, context: BindContext): NdArray {
  switch (binding.from) {
    case "proprio":
      return proprioVector(binding, observation);
    case "image":
      return imageTensor(binding, observation, context.dtypes.get(binding.input) ?? "float32");
    case "words":
      return wordVector(binding.vocabulary, observation.instruction);
    case "noise": {
      const shape = [1, ...binding.shape];
      const data = Float32Array.from({ length: elementCount(shape) }, () => context.rng.normal());
      return { dtype: "float32", shape, data };
    }
    case "memory": {
      const shape = [1, ...binding.shape];
      const known = context.memory.get(binding.input);
      // A copy: the session takes the feed's buffer with it.
      const data = new Float32Array(known?.data.length ?? elementCount(shape));
      if (known !== undefined) data.set(known.data as Float32Array);
      return { dtype: "float32", shape, data };
    }
  }
}

function proprioVector({ components }: Of<"proprio">, { proprio }: Observation): NdArray {
  const values: number[] = [];
  for (const name of components) {
    const component = proprio[name];
    if (component === undefined) {
      const names = Object.keys(proprio).join(", ");
      throw new TypeError(`Cannot decide: proprio "${name}" is absent, must be among ${names}`);
    }
    for (const element of component.data) {
      const value = Number(element);
      if (!Number.isFinite(value)) {
        throw new RangeError(`Cannot decide: proprio "${name}" has ${value}, must be finite`);
      }
      values.push(value);
    }
  }
  return { dtype: "float32", shape: [1, values.length], data: Float32Array.from(values) };
}

function imageTensor(binding: Of<"image">, { images }: Observation, dtype: InputDtype): NdArray {
  const image = images[binding.camera];
  if (image === undefined || image.dtype !== "uint8" || image.shape.length !== 3) {
    const words = image === undefined ? "absent" : `${image.dtype}[${image.shape.join(", ")}]`;
    throw new TypeError(
      `Cannot decide: image "${binding.camera}" is ${words}, must be uint8[height, width, channels]`,
    );
  }
  const [height = 0, width = 0, channels = 0] = image.shape;
  const pixels = image.data as Uint8Array;
  const out = dtype === "uint8" ? new Uint8Array(pixels.length) : new Float32Array(pixels.length);
  const scale = dtype === "uint8" ? 1 : 1 / 255;
  if (binding.layout === "hwc") {
    for (let i = 0; i < pixels.length; i++) out[i] = (pixels[i] ?? 0) * scale;
    return { dtype, shape: [1, height, width, channels], data: out };
  }
  const plane = height * width;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++) out[c * plane + i] = (pixels[i * channels + c] ?? 0) * scale;
  }
  return { dtype, shape: [1, channels, height, width], data: out };
}

function wordVector(vocabulary: readonly string[], instruction: string): NdArray {
  const words = new Set(wordsOf(instruction));
  const data = Float32Array.from(vocabulary, (word) => (words.has(word) ? 1 : 0));
  return { dtype: "float32", shape: [1, vocabulary.length], data };
}

/** Lower-case runs of letters and digits. */
export function wordsOf(instruction: string): string[] {
  return instruction.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * Checks that every binding can be served by an environment that fits the spec.
 * @throws {TypeError} naming the first component or camera that the spec does not have
 */
export function assertBindings(bindings: readonly InputBinding[], spec: PolicySpec): void {
  if (spec.observation === "any") return;
  const { images, proprio } = spec.observation;
  for (const binding of bindings) {
    const missing =
      binding.from === "proprio"
        ? binding.components.find((name) => !proprio.some((component) => component.name === name))
        : binding.from === "image" && !images.some((image) => image.name === binding.camera)
          ? binding.camera
          : undefined;
    if (missing !== undefined) {
      throw new TypeError(
        `Cannot load policy: input "${binding.input}" reads "${missing}", must be part of its spec`,
      );
    }
  }
}
