/** What goes into a graph and out of it, and the checks that keep mistakes away from the engine. */
import type { Dtype, NdArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import { holds, isDtype } from "../onnx/index.ts";
import type { ElementType } from "../onnx/index.ts";
import type { EngineMetadata } from "./engine-api.ts";
import type { WirePort } from "./protocol.ts";

/** An input or output of an open session. */
export interface SessionPort {
  readonly name: string;
  readonly dtype: Dtype;
  /** Numbers, or names of dimensions known at run time (`"batch"`; `""` where the model has no name). */
  readonly shape: readonly (number | string)[];
}

export type Feeds = Readonly<Record<string, NdArray>>;

/** What a feed is, wherever its numbers are. */
interface FeedType {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export function portOf({ name, dtype, shape }: WirePort): SessionPort {
  if (!isDtype(dtype as ElementType)) {
    throw new TypeError(`Cannot open session: "${name}" is a ${dtype}, must be a numeric tensor`);
  }
  return { name, dtype: dtype as Dtype, shape };
}

/**
 * Ports from an engine's own description.
 * @param hidden name of one that is left out
 * @throws {TypeError} for anything but numeric tensors
 */
export function portsOf(
  names: readonly string[],
  metadata: readonly EngineMetadata[],
  hidden?: string,
): readonly SessionPort[] {
  return names.flatMap((name, i) => {
    if (name === hidden) return [];
    const { isTensor = false, type = "unknown", shape = [] } = metadata[i] ?? {};
    return isTensor
      ? portOf({ name, dtype: type, shape })
      : portOf({ name, dtype: "unknown", shape: [] });
  });
}

/** @throws {TypeError} naming the first input that is not as declared */
export function assertFeeds(feeds: Feeds, inputs: readonly SessionPort[]): void {
  assertFeedTypes(feeds, inputs);
  for (const [name, array] of Object.entries(feeds)) assertValues(array, `input "${name}"`);
}

/** Names, dtypes and shapes alone. @throws {TypeError} naming the first input that is not as declared */
export function assertFeedTypes(
  feeds: Readonly<Record<string, FeedType>>,
  inputs: readonly SessionPort[],
): void {
  const sizes = new Map<string, number>();
  for (const input of inputs) {
    if (!Object.hasOwn(feeds, input.name)) {
      throw new TypeError(
        `Cannot run: input "${input.name}" is absent, must be ${portWords(input)}`,
      );
    }
  }
  for (const [name, type] of Object.entries(feeds)) {
    const input = inputs.find((port) => port.name === name);
    if (input === undefined) {
      const names = inputs.map((port) => `"${port.name}"`).join(", ");
      throw new TypeError(`Cannot run: there is no input "${name}", must be one of ${names}`);
    }
    if (type.dtype !== input.dtype || !fits(type.shape, input.shape, sizes)) {
      throw new TypeError(
        `Cannot run: input "${name}" is ${typeWords(type)}, must be ${portWords(input)}`,
      );
    }
  }
}

/** @throws {TypeError} unless the array's data are what its dtype and shape say */
export function assertValues(array: NdArray, what: string): void {
  const wanted = elementCount(array.shape);
  if (!holds(array.dtype, array.data) || array.data.length !== wanted) {
    throw new TypeError(
      `Cannot run: ${what} has ${array.data.length} values in a ` +
        `${array.data.constructor.name}, must have the ${wanted} of ${typeWords(array)}`,
    );
  }
}

/** @throws {TypeError} unless the array could hold the output */
export function assertBuffer(array: NdArray, output: SessionPort): void {
  if (array.dtype !== output.dtype || !fits(array.shape, output.shape, new Map())) {
    throw new TypeError(
      `Cannot run: the buffer for output "${output.name}" is ${typeWords(array)}, must be ${portWords(output)}`,
    );
  }
  assertValues(array, `the buffer for output "${output.name}"`);
}

/** @throws {TypeError} naming the first that is no output */
export function assertFetches(
  names: readonly string[] | undefined,
  outputs: readonly SessionPort[],
): void {
  for (const name of names ?? []) {
    if (!outputs.some((port) => port.name === name)) {
      const known = outputs.map((port) => `"${port.name}"`).join(", ");
      throw new TypeError(`Cannot run: there is no output "${name}", must be one of ${known}`);
    }
  }
}

/** Whether a shape fits, each named dimension having one size in all inputs. */
function fits(
  shape: readonly number[],
  declared: readonly (number | string)[],
  sizes: Map<string, number>,
): boolean {
  if (shape.length !== declared.length) return false;
  return declared.every((dim, i) => {
    const size = shape[i] ?? -1;
    if (typeof dim === "number") return dim === size;
    if (dim === "") return true;
    const known = sizes.get(dim) ?? size;
    sizes.set(dim, known);
    return known === size;
  });
}

function typeWords({ dtype, shape }: FeedType): string {
  return `${dtype}[${shape.join(", ")}]`;
}

export function portWords({ dtype, shape }: SessionPort): string {
  return `${dtype}[${shape.map((dim) => (dim === "" ? "?" : dim)).join(", ")}]`;
}
