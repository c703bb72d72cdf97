import type { NdArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import type { ParameterGroup, ParameterInfo } from "../autodiff/index.ts";

/** A kind of tensor that every parameter has one of: `parameter`, `gradient`, or a kind of state. */
export type ArenaKind = string;

export interface ArenaLayout {
  readonly groups: readonly ParameterGroup[];
  /** In the order they lie in memory; must have `parameter` and `gradient`. */
  readonly kinds: readonly ArenaKind[];
}

/** A stretch of memory, in bytes from the start of it. */
export interface ByteRange {
  readonly start: number;
  readonly bytes: number;
}

/** Kernels work on four elements at a time, and processors fetch lines of this many bytes. */
const SLOT_ALIGNMENT = 16;
const KIND_ALIGNMENT = 64;
const PAGE = 65_536;
/** One page less than 4 GiB, so that the end of the last range is still a 32-bit address. */
const MOST_BYTES = 65_535 * PAGE;

interface Slot extends ByteRange {
  readonly parameter: ParameterInfo;
}

/**
 * All tensors of a training run in one WebAssembly memory, sized once (growing it would detach every view):
 *
 *     parameter | group 0: a b c | group 1: d e |
 *     gradient  | group 0: a b c | group 1: d e |
 *     m         | ...
 *
 * Each tensor begins on a multiple of 16 bytes, and the bytes up to the next are zeros that kernels keep zero,
 * so that one call serves a whole group and tails need no code. The views are ordinary `float32` arrays: the
 * engine reads parameters from them and writes gradients into them without a copy.
 */
export class ParameterArena {
  readonly memory: WebAssembly.Memory;
  readonly groups: readonly ParameterGroup[];
  readonly kinds: readonly ArenaKind[];
  readonly #slots: readonly Slot[];
  readonly #groupRanges: readonly ByteRange[];
  readonly #kindBytes: number;

  /**
   * @throws {RangeError} if it takes 4 GiB or more, a name or kind is there twice, or `parameter` or
   *   `gradient` is missing
   */
  constructor({ groups, kinds }: ArenaLayout) {
    assertLayout({ groups, kinds });
    this.groups = groups;
    this.kinds = kinds;
    const { slots, groupRanges, end } = place(groups);
    this.#slots = slots;
    this.#groupRanges = groupRanges;
    this.#kindBytes = roundUp(end, KIND_ALIGNMENT);
    const bytes = this.#kindBytes * kinds.length;
    if (bytes > MOST_BYTES) {
      const count = slots.reduce((sum, { parameter }) => sum + elementCount(parameter.shape), 0);
      throw new RangeError(
        `Cannot lay out parameters: ${count} of them times ${kinds.length} (${kinds.join(", ")}) take ` +
          `${(bytes / 2 ** 30).toFixed(2)} GiB, must be below 4 GiB`,
      );
    }
    const pages = Math.max(1, Math.ceil(bytes / PAGE));
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  }

  /** In the order of memory. */
  get parameters(): readonly ParameterInfo[] {
    return this.#slots.map(({ parameter }) => parameter);
  }

  /** Everything of a kind, padding and all. */
  range(kind: ArenaKind): ByteRange {
    return { start: this.#startOf(kind), bytes: this.#kindBytes };
  }

  /** Where a kind's tensors of the group with that index lie. */
  groupRange(kind: ArenaKind, group: number): ByteRange {
    const range = this.#groupRanges[group];
    if (range === undefined) {
      throw new RangeError(
        `Cannot find group ${group}: there are ${this.groups.length}, must be one of them`,
      );
    }
    return { start: this.#startOf(kind) + range.start, bytes: range.bytes };
  }

  /** The live tensors of a kind, by parameter; writing to them writes to the arena. */
  views(kind: ArenaKind): Readonly<Record<string, NdArray>> {
    const base = this.#startOf(kind);
    return Object.fromEntries(
      this.#slots.map(({ parameter: { name, shape }, start }) => {
        const data = new Float32Array(this.memory.buffer, base + start, elementCount(shape));
        return [name, { dtype: "float32", shape, data } as const];
      }),
    );
  }

  /**
   * Copies tensors in: exactly one for each parameter.
   * @throws {TypeError} naming the first that is missing, unknown or of another dtype or shape
   */
  load(kind: ArenaKind, tensors: Readonly<Record<string, NdArray>>): void {
    const views = this.views(kind);
    for (const [name, view] of Object.entries(views)) {
      assertFits(`load ${kind} "${name}"`, tensors[name], view);
    }
    for (const name of Object.keys(tensors)) {
      if (!Object.hasOwn(views, name)) {
        throw new TypeError(`Cannot load ${kind} "${name}": the arena has no such parameter`);
      }
    }
    for (const [name, view] of Object.entries(views)) {
      (view.data as Float32Array).set(tensors[name]?.data as Float32Array);
    }
  }

  /** Copies tensors out. */
  store(kind: ArenaKind): Record<string, NdArray> {
    return Object.fromEntries(
      Object.entries(this.views(kind)).map(([name, view]) => [
        name,
        { ...view, data: view.data.slice() },
      ]),
    );
  }

  /** Sets everything of a kind to zero, padding too. */
  clear(kind: ArenaKind): void {
    const { start, bytes } = this.range(kind);
    new Uint8Array(this.memory.buffer, start, bytes).fill(0);
  }

  /** Copies everything of one kind to another. */
  copy(from: ArenaKind, to: ArenaKind): void {
    const { start, bytes } = this.range(from);
    new Uint8Array(this.memory.buffer).copyWithin(this.#startOf(to), start, start + bytes);
  }

  #startOf(kind: ArenaKind): number {
    const index = this.kinds.indexOf(kind);
    if (index < 0) {
      throw new RangeError(
        `Cannot find "${kind}" in the arena: it has ${this.kinds.join(", ")}, must be one of them`,
      );
    }
    return index * this.#kindBytes;
  }
}

function place(groups: readonly ParameterGroup[]): {
  slots: Slot[];
  groupRanges: ByteRange[];
  end: number;
} {
  const slots: Slot[] = [];
  const groupRanges: ByteRange[] = [];
  let end = 0;
  for (const { parameters } of groups) {
    const start = end;
    for (const parameter of parameters) {
      const bytes = roundUp(4 * elementCount(parameter.shape), SLOT_ALIGNMENT);
      slots.push({ parameter, start: end, bytes });
      end += bytes;
    }
    groupRanges.push({ start, bytes: end - start });
  }
  return { slots, groupRanges, end };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function assertLayout({ groups, kinds }: ArenaLayout): void {
  for (const kind of ["parameter", "gradient"]) {
    if (!kinds.includes(kind)) {
      throw new RangeError(
        `Cannot lay out parameters: kinds are ${kinds.join(", ")}, must have "${kind}"`,
      );
    }
  }
  const names = groups.flatMap(({ parameters }) => parameters.map(({ name }) => name));
  for (const list of [kinds, names]) {
    const twice = list.find((name, i) => list.indexOf(name) !== i);
    if (twice !== undefined) {
      throw new RangeError(`Cannot lay out parameters: "${twice}" is there twice, must be once`);
    }
  }
}

/** @throws {TypeError} unless an array is there and has the dtype and shape of another */
export function assertFits(action: string, array: NdArray | undefined, like: NdArray): void {
  const wanted = `${like.dtype}[${like.shape.join(", ")}]`;
  if (array === undefined) throw new TypeError(`Cannot ${action}: it is absent, must be ${wanted}`);
  const words = `${array.dtype}[${array.shape.join(", ")}]`;
  if (words !== wanted || array.data.length !== like.data.length) {
    throw new TypeError(
      `Cannot ${action}: it is ${words} of ${array.data.length} values, must be ${wanted}`,
    );
  }
}
