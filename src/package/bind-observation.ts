/** From an observation to features, as the manifest's bindings say. */
import type { Dtype, NdArray, Observation, PolicySpec, Rng } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import { allocate } from "../onnx/index.ts";
import type { Feature, FeatureKinds, Features } from "./features.ts";
import type { InputBinding } from "./manifest.ts";

type Of<K extends InputBinding["from"]> = Extract<InputBinding, { from: K }>;

export interface BindContext {
  /** Dtypes of the graphs' inputs: an image is bytes if its input is, and so are constants. */
  readonly dtypes: ReadonlyMap<string, Dtype>;
  readonly rng: Rng;
  /** What recurrent inputs get, by input name; absent = zeros. */
  readonly memory: ReadonlyMap<string, NdArray>;
}

/**
 * Features of the newest observation, arrays with a leading batch dimension of 1. Copies: observations are not
 * changed and may be kept by others.
 * @param observations oldest first; of more than one, images and proprio have their number as second dimension
 * @throws {TypeError} if an observation lacks what a binding names
 * @throws {RangeError} if a number of it is not finite
 */
export function bindObservations(
  bindings: readonly InputBinding[],
  observations: readonly Observation[],
  context: BindContext,
): Features {
  const newest = observations.slice(-1);
  return new Map(
    bindings.map((binding): [string, Feature] => {
      const seen = binding.from === "image" || binding.from === "proprio" ? observations : newest;
      const features = seen.map((observation) => bindOne(binding, observation, context));
      return [binding.input, features.length === 1 ? (features[0] ?? "") : stacked(features)];
    }),
  );
}

/** `[1, ...shape]` several times becomes `[1, times, ...shape]`. */
function stacked(features: readonly Feature[]): NdArray {
  const arrays = features.filter((feature) => typeof feature !== "string");
  const [first] = arrays;
  const [, ...shape] = first?.shape ?? [];
  const each = elementCount(shape);
  const bytes = first?.dtype === "uint8";
  const data = bytes
    ? new Uint8Array(each * arrays.length)
    : new Float32Array(each * arrays.length);
  for (const [i, array] of arrays.entries()) {
    if (array.shape.join() !== first?.shape.join()) {
      throw new TypeError(
        `Cannot decide: an observation is [${array.shape.join(", ")}], must be [${first?.shape.join(", ") ?? ""}] like the one before`,
      );
    }
    data.set(array.data as Float32Array, i * each);
  }
  return { dtype: bytes ? "uint8" : "float32", shape: [1, arrays.length, ...shape], data };
}

/** Names and dtypes of what `bindObservations` gives. */
export function boundKinds(
  bindings: readonly InputBinding[],
  dtypes: ReadonlyMap<string, Dtype>,
): FeatureKinds {
  return new Map(
    bindings.map((binding): [string, Dtype | "text"] => {
      const { input, from } = binding;
      if (from === "instruction") return [input, "text"];
      if (from === "constant") return [input, constantDtype(binding, dtypes.get(input))];
      return [input, from === "image" && dtypes.get(input) === "uint8" ? "uint8" : "float32"];
    }),
  );
}

/** What the graph wants, where plain numbers can be that. */
function constantDtype({ input, value }: Of<"constant">, wanted: Dtype = "float32"): Dtype {
  // 16-bit floats are bit patterns in their arrays.
  if (wanted === "float16" || wanted === "bfloat16") return "float32";
  const odd = wanted.startsWith("float")
    ? undefined
    : [value].flat().find((x) => !Number.isInteger(x));
  if (odd === undefined) return wanted;
  throw new TypeError(
    `Cannot load policy: constant "${input}" has ${odd}, must be integers for an input of ${wanted}`,
  );
}

function bindOne(binding: InputBinding, observation: Observation, context: BindContext): Feature {
  switch (binding.from) {
    case "proprio":
      return proprioVector(binding, observation);
    case "image":
      return imageTensor(binding, observation, context.dtypes.get(binding.input) === "uint8");
    case "instruction":
      return observation.instruction;
    case "constant":
      return constantTensor(binding, constantDtype(binding, context.dtypes.get(binding.input)));
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

function imageTensor(binding: Of<"image">, { images }: Observation, bytes: boolean): NdArray {
  const image = images[binding.camera];
  if (image === undefined || image.dtype !== "uint8" || image.shape.length !== 3) {
    const words = image === undefined ? "absent" : `${image.dtype}[${image.shape.join(", ")}]`;
    throw new TypeError(
      `Cannot decide: image "${binding.camera}" is ${words}, must be uint8[height, width, channels]`,
    );
  }
  const [height = 0, width = 0, channels = 0] = image.shape;
  const pixels = image.data as Uint8Array;
  const dtype = bytes ? "uint8" : "float32";
  const out = bytes ? new Uint8Array(pixels.length) : new Float32Array(pixels.length);
  const scale = bytes ? 1 : 1 / 255;
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

function constantTensor(binding: Of<"constant">, dtype: Dtype): NdArray {
  const shape = [1, ...binding.shape];
  const { value } = binding;
  const data = allocate(dtype, elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    const number = typeof value === "number" ? value : (value[i] ?? 0);
    // 64-bit integers are BigInts in their arrays.
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(number);
    else data[i] = number;
  }
  return { dtype, shape, data };
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
 * @throws {TypeError} naming the first component or camera that the spec does not have, or what is bound twice
 */
export function assertBindings(bindings: readonly InputBinding[], spec: PolicySpec): void {
  const inputs = bindings.map(({ input }) => input);
  const twice = inputs.find((input, i) => inputs.indexOf(input) !== i);
  if (twice !== undefined) {
    throw new TypeError(`Cannot load policy: input "${twice}" is bound twice, must be once`);
  }
  for (const binding of bindings) if (binding.from === "constant") assertConstant(binding);
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

function assertConstant({ input, shape, value }: Of<"constant">): void {
  const wanted = elementCount(shape);
  if (typeof value === "number" || value.length === wanted) return;
  throw new TypeError(
    `Cannot load policy: constant "${input}" has ${value.length} values, must have ${wanted} (or one number for all)`,
  );
}
