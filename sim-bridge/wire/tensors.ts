import type { ActionChunk, Dtype, NdArray, TypedArray } from "../../src/core/index.ts";
import { wireError } from "./errors.ts";
import type { WireLimits } from "./limits.ts";
import { safeInteger } from "./numbers.ts";
import { checkName } from "./text.ts";
import type { WireNamedTensor, WireTensor } from "./wire-types.ts";

interface Layout {
  readonly itemBytes: number;
  readonly array: new (buffer: ArrayBufferLike, byteOffset: number, length: number) => TypedArray;
}

/** `float16` and `bfloat16` travel and stay as raw bits; a bool is one byte, 0 or 1. */
const LAYOUTS: Readonly<Record<Dtype, Layout>> = {
  bool: { itemBytes: 1, array: Uint8Array },
  uint8: { itemBytes: 1, array: Uint8Array },
  int8: { itemBytes: 1, array: Int8Array },
  uint16: { itemBytes: 2, array: Uint16Array },
  int16: { itemBytes: 2, array: Int16Array },
  uint32: { itemBytes: 4, array: Uint32Array },
  int32: { itemBytes: 4, array: Int32Array },
  uint64: { itemBytes: 8, array: BigUint64Array },
  int64: { itemBytes: 8, array: BigInt64Array },
  float16: { itemBytes: 2, array: Uint16Array },
  bfloat16: { itemBytes: 2, array: Uint16Array },
  float32: { itemBytes: 4, array: Float32Array },
  float64: { itemBytes: 8, array: Float64Array },
};

export const DTYPES = Object.keys(LAYOUTS) as readonly Dtype[];

// Views are native-endian and the wire is little-endian; every machine Node.js supports well is.
if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
  throw new RangeError(
    "Cannot use the wire codec: this machine is big-endian, must be little-endian",
  );
}

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(LAYOUTS, name);
}

/** The bytes of a tensor, without a copy. */
function bytesOf({ data }: NdArray): Uint8Array {
  if (data instanceof Uint8Array) return data;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Collects the tensors of one outgoing message. */
export class TensorWriter {
  readonly descriptions: WireTensor[] = [];
  readonly frames: Uint8Array[] = [];

  /** @returns the tensor's index @throws {TypeError} if dtype, shape and data do not agree */
  add(array: NdArray, what: string): number {
    const layout = isDtype(array.dtype) ? LAYOUTS[array.dtype] : undefined;
    if (layout === undefined || !(array.data instanceof layout.array)) {
      const found = `${array.dtype} in a ${array.data.constructor.name}`;
      throw wireError("bad_tensor", `Cannot encode ${what}: it is ${found}, must match its dtype`);
    }
    let count = 1;
    for (const dim of array.shape) count *= Number.isSafeInteger(dim) && dim >= 0 ? dim : NaN;
    if (count !== array.data.length) {
      throw wireError(
        "bad_tensor",
        `Cannot encode ${what}: shape [${array.shape.join(", ")}] with ${array.data.length} elements, must agree`,
      );
    }
    this.frames.push(bytesOf(array));
    return this.descriptions.push({ dtype: array.dtype, shape: array.shape }) - 1;
  }

  /** The entries of a record, in order of their names, so that equal values give equal bytes. */
  addNamed(arrays: Readonly<Record<string, NdArray>> | undefined, what: string): WireNamedTensor[] {
    if (arrays === undefined) return [];
    const named: WireNamedTensor[] = [];
    const names = Object.keys(arrays);
    if (names.length > 1) names.sort();
    for (const name of names) {
      named.push({ name, index: this.add(arrays[name] as NdArray, `${what} "${name}"`) });
    }
    return named;
  }

  addChunk({ data, horizon, actionDim }: ActionChunk): number {
    const shape = [horizon, actionDim];
    assertChunk(shape, data);
    return this.add({ dtype: "float32", shape, data }, "the action chunk");
  }
}

/** Hands out the tensors of one incoming message; each belongs to exactly one place. */
export class TensorReader {
  readonly #arrays: NdArray[] = [];
  readonly #taken: boolean[] = [];
  readonly #limits: WireLimits;

  /** @throws TypeError unless each description matches its frame; `frames[0]` is the envelope */
  constructor(
    descriptions: readonly WireTensor[],
    source: { frames: readonly Uint8Array[]; limits: WireLimits },
  ) {
    const { frames, limits } = source;
    this.#limits = limits;
    if (descriptions.length !== frames.length - 1) {
      throw wireError(
        "bad_tensor",
        `Cannot decode a message: ${frames.length - 1} tensor frames arrived, must be ${descriptions.length}`,
      );
    }
    for (let i = 0; i < descriptions.length; i++) {
      const description = descriptions[i] as WireTensor;
      this.#arrays.push(
        readTensor(description, { index: i, frame: frames[i + 1] as Uint8Array, limits }),
      );
      this.#taken.push(false);
    }
  }

  take(index: number, what: string): NdArray {
    const array = this.#arrays[index];
    if (array === undefined) {
      throw wireError(
        "bad_tensor",
        `Cannot decode ${what}: it names tensor ${index}, must be below ${this.#arrays.length}`,
      );
    }
    if (this.#taken[index] === true) {
      throw wireError(
        "bad_tensor",
        `Cannot decode ${what}: tensor ${index} is named twice, must belong to one place`,
      );
    }
    this.#taken[index] = true;
    return array;
  }

  takeNamed(named: readonly WireNamedTensor[], what: string): Record<string, NdArray> {
    const arrays: Record<string, NdArray> = {};
    for (const { name, index } of named) {
      checkName(name, { what, limits: this.#limits });
      if (Object.hasOwn(arrays, name)) {
        throw wireError(
          "bad_value",
          `Cannot decode ${what} "${name}": it appears twice, must be unique`,
        );
      }
      arrays[name] = this.take(index, what);
    }
    return arrays;
  }

  takeChunk(index: number): ActionChunk {
    const { dtype, shape, data } = this.take(index, "the action chunk");
    if (dtype !== "float32" || !(data instanceof Float32Array)) {
      throw wireError(
        "bad_tensor",
        `Cannot decode the action chunk: it is ${dtype}, must be float32`,
      );
    }
    assertChunk(shape, data);
    return { data, horizon: shape[0] as number, actionDim: shape[1] as number };
  }

  /** @throws TypeError if a tensor was sent that nothing names */
  finish(): void {
    const unused = this.#taken.indexOf(false);
    if (unused !== -1) {
      throw wireError(
        "bad_tensor",
        `Cannot decode a message: tensor ${unused} is named nowhere, must be used`,
      );
    }
  }
}

function readTensor(
  description: WireTensor,
  source: { index: number; frame: Uint8Array; limits: WireLimits },
): NdArray {
  const { index, frame, limits } = source;
  const { dtype } = description;
  if (!isDtype(dtype)) {
    throw wireError(
      "bad_tensor",
      `Cannot decode tensor ${index}: dtype is "${dtype.slice(0, 40)}", must be one of ${DTYPES.join(", ")}`,
    );
  }
  if (description.shape.length > limits.maxRank) {
    throw wireError(
      "too_large",
      `Cannot decode tensor ${index}: it has ${description.shape.length} dimensions, must have at most ${limits.maxRank}`,
    );
  }
  const shape: number[] = [];
  let count = 1;
  for (const dim of description.shape) {
    const size = safeInteger(dim, "a tensor dimension");
    shape.push(size);
    count *= size;
  }
  const { itemBytes, array } = LAYOUTS[dtype];
  if (count * itemBytes !== frame.byteLength) {
    throw wireError(
      "bad_tensor",
      `Cannot decode tensor ${index}: its frame has ${frame.byteLength} bytes, must have ${count * itemBytes} for ${dtype}[${shape.join(", ")}]`,
    );
  }
  // A typed array cannot start between its elements: only then is a copy made. `Buffer.slice` is a view.
  const aligned =
    frame.byteOffset % itemBytes === 0 ? frame : Uint8Array.prototype.slice.call(frame);
  const data = new array(aligned.buffer, aligned.byteOffset, count);
  if (dtype === "bool" && !(data as Uint8Array).every((byte) => byte <= 1)) {
    throw wireError(
      "bad_tensor",
      `Cannot decode tensor ${index}: a bool is neither 0 nor 1, must be either`,
    );
  }
  return { dtype, shape, data };
}

function assertChunk(shape: readonly number[], data: Float32Array): void {
  const [horizon = 0, actionDim = 0] = shape;
  if (shape.length !== 2 || horizon < 1 || actionDim < 1) {
    throw wireError(
      "bad_tensor",
      `Cannot send or accept an action chunk: its shape is [${shape.join(", ")}], must be [horizon, actionDim] with at least one row and column`,
    );
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      const where = `row ${Math.floor(i / actionDim)}, entry ${i % actionDim}`;
      throw wireError(
        "non_finite",
        `Cannot send or accept an action chunk: ${where} is ${data[i]}, must be finite`,
      );
    }
  }
}
