import type { NdArray } from "../core/index.ts";
import type { LocalSession } from "./local-session.ts";
import type { SessionPort } from "./ports.ts";
import { portWords } from "./ports.ts";

/** Additive mask of slots that hold nothing. */
const MASKED = -1e9;
/** Slots that a cache which may grow begins with. */
const FIRST_SLOTS = 64;

interface Layout {
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  /** The graph's own number of slots; `undefined` = any. */
  readonly slots: number | undefined;
}

/** Keys and values of the tokens so far, `float32[heads, slots, headDim]` per layer, and their mask. */
export class KvCache {
  readonly capacity: number;
  readonly #layout: Layout;
  #slots: number;
  #length = 0;
  #feeds: Record<string, NdArray>;

  /** @throws {TypeError} {RangeError} as `KvDecoder` says */
  constructor(session: LocalSession, capacity: number) {
    this.#layout = layoutOf(session);
    const { slots } = this.#layout;
    if (!Number.isInteger(capacity) || capacity < 1 || (slots !== undefined && capacity > slots)) {
      const most = slots === undefined ? "an integer of 1 or more" : `an integer in [1, ${slots}]`;
      throw new RangeError(`Cannot make decoder: capacity is ${capacity}, must be ${most}`);
    }
    this.capacity = capacity;
    this.#slots = slots ?? Math.min(FIRST_SLOTS, capacity);
    this.#feeds = this.#allocate();
  }

  get length(): number {
    return this.#length;
  }

  /** The graph's inputs of the cache; good until the next `reserve`. */
  get feeds(): Readonly<Record<string, NdArray>> {
    return this.#feeds;
  }

  truncate(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) {
      throw new RangeError(
        `Cannot reset decoder: position is ${length}, must be an integer in [0, ${this.#length}]`,
      );
    }
    this.#length = length;
    this.#maskData.fill(MASKED, length);
  }

  /** Makes room for more tokens: twice the slots, or as many as are needed, where the graph lets it. */
  reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#slots) return;
    const old = this.#feeds;
    const oldSlots = this.#slots;
    this.#slots = Math.min(this.capacity, Math.max(needed, 2 * oldSlots));
    this.#feeds = this.#allocate();
    this.#maskData.fill(0, 0, this.#length);
    const { heads, headDim } = this.#layout;
    for (const [name, array] of Object.entries(this.#feeds)) {
      const from = old[name];
      if (name === "mask" || from === undefined) continue;
      for (let head = 0; head < heads; head++) {
        const start = head * oldSlots * headDim;
        const rows = from.data.subarray(start, start + this.#length * headDim);
        (array.data as Float32Array).set(rows as Float32Array, head * this.#slots * headDim);
      }
    }
  }

  /** @param keys `float32[layers, heads, tokens, headDim]`, as `values` */
  append(keys: NdArray, values: NdArray): void {
    const { layers, heads, headDim } = this.#layout;
    const count = keys.shape[2] ?? 0;
    const size = count * headDim;
    for (const [stem, rows] of [
      ["keys", keys],
      ["values", values],
    ] as const) {
      const source = rows.data as Float32Array;
      for (let layer = 0; layer < layers; layer++) {
        const target = this.#feeds[`${stem}_${layer}`]?.data as Float32Array;
        for (let head = 0; head < heads; head++) {
          const from = (layer * heads + head) * size;
          const to = (head * this.#slots + this.#length) * headDim;
          target.set(source.subarray(from, from + size), to);
        }
      }
    }
    this.#maskData.fill(0, this.#length, this.#length + count);
    this.#length += count;
  }

  get #maskData(): Float32Array {
    return this.#feeds["mask"]?.data as Float32Array;
  }

  #allocate(): Record<string, NdArray> {
    const { layers, heads, headDim } = this.#layout;
    const shape = [heads, this.#slots, headDim];
    const feeds: Record<string, NdArray> = {
      mask: {
        dtype: "float32",
        shape: [this.#slots],
        data: new Float32Array(this.#slots).fill(MASKED),
      },
    };
    for (const stem of ["keys", "values"]) {
      for (let layer = 0; layer < layers; layer++) {
        const data = new Float32Array(heads * this.#slots * headDim);
        feeds[`${stem}_${layer}`] = { dtype: "float32", shape, data };
      }
    }
    return feeds;
  }
}

function layoutOf({ inputs, outputs }: LocalSession): Layout {
  const layers = inputs.filter(({ name }) => /^keys_\d+$/.test(name)).length;
  const slotsPort = port(inputs, "mask", { dtype: "float32", shape: [undefined] });
  const slots = slotsPort.shape[0];
  const first = port(inputs, "keys_0", { dtype: "float32", shape: [undefined, slots, undefined] });
  const [heads, , headDim] = first.shape;
  if (typeof heads !== "number" || typeof headDim !== "number") {
    throw refusal("input", first, "of fixed heads and entries per head");
  }
  for (const name of ["tokens", "positions"]) {
    const found = port(inputs, name, { dtype: "int64", shape: [undefined] });
    if (typeof found.shape[0] === "number") throw refusal("input", found, "of a free length");
  }
  const rows = [heads, slots, headDim];
  for (let layer = 0; layer < layers; layer++) {
    port(inputs, `keys_${layer}`, { dtype: "float32", shape: rows });
    port(inputs, `values_${layer}`, { dtype: "float32", shape: rows });
  }
  for (const name of ["new_keys", "new_values"]) {
    const shape = [layers, heads, undefined, headDim];
    port(outputs, name, { dtype: "float32", shape });
  }
  const wanted = 3 + 2 * layers;
  if (inputs.length !== wanted) {
    throw new TypeError(
      `Cannot make decoder: the graph has ${inputs.length} inputs, must have the ${wanted} of ${layers} layers`,
    );
  }
  return { layers, heads, headDim, slots: typeof slots === "number" ? slots : undefined };
}

interface Wanted {
  readonly dtype: SessionPort["dtype"];
  /** `undefined` = anything. */
  readonly shape: readonly (number | string | undefined)[];
}

function port(ports: readonly SessionPort[], name: string, wanted: Wanted): SessionPort {
  const found = ports.find((each) => each.name === name);
  const words = `${wanted.dtype}[${wanted.shape.map((dim) => dim ?? "?").join(", ")}]`;
  if (found === undefined) {
    throw new TypeError(
      `Cannot make decoder: the graph has no "${name}", must have it as ${words}`,
    );
  }
  const { shape } = wanted;
  const fits =
    found.dtype === wanted.dtype &&
    found.shape.length === shape.length &&
    // The engine may leave a dimension of an output open.
    shape.every((dim, i) => dim === undefined || dim === found.shape[i] || found.shape[i] === "");
  if (!fits) throw refusal("port", found, words);
  return found;
}

function refusal(what: string, found: SessionPort, must: string): TypeError {
  return new TypeError(
    `Cannot make decoder: the graph's ${what} "${found.name}" is ${portWords(found)}, must be ${must}`,
  );
}
