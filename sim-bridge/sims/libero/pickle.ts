/**
 * The part of Python's pickle that one NumPy array takes. Nothing is ever executed: an opcode or a global
 * name that such an array does not need is refused, whatever it would do. Opcodes as in CPython's
 * `pickletools`, protocols 2 to 5.
 */

/** `float64[...shape]`, row-major. */
export interface PickledArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What may be named, and what naming it means here. */
const GLOBALS: Readonly<Record<string, Callable>> = {
  "numpy.core.multiarray _reconstruct": "reconstruct",
  "numpy._core.multiarray _reconstruct": "reconstruct",
  "numpy ndarray": "ndarray",
  "numpy dtype": "dtype",
  "_codecs encode": "encode",
};
type Callable = "reconstruct" | "ndarray" | "dtype" | "encode";

type Item =
  | { readonly kind: "global"; readonly callable: Callable }
  | { readonly kind: "array"; state: readonly Item[] | undefined }
  | { readonly kind: "dtype"; readonly name: string; order: string }
  | { readonly kind: "tuple"; readonly items: readonly Item[] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "none" }
  | { readonly kind: "mark" };

const NONE: Item = { kind: "none" };
const MAX_ITEMS = 10_000;

/** @throws {SyntaxError} unless the bytes are one array of float64, and nothing else */
export function readPickledArray(bytes: Uint8Array): PickledArray {
  const machine = new Unpickler(bytes);
  const top = machine.run();
  if (top.kind !== "array" || top.state === undefined) {
    throw bad(machine.at, `the result is ${words(top)}, must be an array`);
  }
  return arrayOf(top.state, machine.at);
}

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: Item[] = [];
  readonly #memo = new Map<number, Item>();
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): Item {
    for (;;) {
      const start = this.at;
      const opcode = this.#byte();
      if (opcode === STOP) return this.#pop();
      const action = ACTIONS[opcode];
      if (action === undefined) {
        const name = `0x${opcode.toString(16).padStart(2, "0")}`;
        throw bad(start, `opcode ${name} is there, must be one that an array needs`);
      }
      this.#do(action);
      if (this.#stack.length + this.#memo.size > MAX_ITEMS) {
        throw bad(start, "there are too many things, must be one array");
      }
    }
  }

  #do(action: Action): void {
    switch (action.kind) {
      case "skip":
        this.#take(action.bytes);
        break;
      case "number":
        this.#push({ kind: "number", value: this.#number(action.as) });
        break;
      case "constant":
        this.#push(action.item);
        break;
      case "text":
        this.#push({ kind: "text", text: UTF8.decode(this.#sized(action.length)) });
        break;
      case "bytes":
        this.#push({ kind: "bytes", bytes: this.#sized(action.length) });
        break;
      case "tuple":
        this.#push({ kind: "tuple", items: this.#popMany(action.count) });
        break;
      case "put":
        this.#memo.set(
          action.index === "next" ? this.#memo.size : this.#number(action.index),
          this.#top(),
        );
        break;
      case "get":
        this.#push(this.#remembered(this.#number(action.index)));
        break;
      case "global":
        this.#push(this.#global(action.from));
        break;
      case "reduce":
        this.#push(this.#reduced());
        break;
      case "build":
        this.#build();
        break;
    }
  }

  #global(from: "lines" | "stack"): Item {
    let name: string;
    if (from === "lines") {
      const module = this.#line();
      name = `${module} ${this.#line()}`;
    } else {
      const [module, attribute] = this.#popMany(2);
      if (module?.kind !== "text" || attribute?.kind !== "text") {
        throw bad(this.at, "a global is named by something else, must be by texts");
      }
      name = `${module.text} ${attribute.text}`;
    }
    const callable = Object.hasOwn(GLOBALS, name) ? GLOBALS[name] : undefined;
    if (callable !== undefined) return { kind: "global", callable };
    const known = Object.keys(GLOBALS).join(", ");
    throw bad(this.at, `global "${name}" is named, must be one of ${known}`);
  }

  #reduced(): Item {
    const [callee, args] = this.#popMany(2);
    if (callee?.kind !== "global" || args?.kind !== "tuple") {
      throw bad(this.at, "something else is called, must be a global with a tuple");
    }
    const [first, second] = args.items;
    switch (callee.callable) {
      case "reconstruct":
        return { kind: "array", state: undefined };
      case "dtype":
        if (first?.kind !== "text") break;
        return { kind: "dtype", name: first.text, order: "=" };
      case "encode":
        if (first?.kind !== "text" || second?.kind !== "text" || second.text !== "latin1") break;
        return { kind: "bytes", bytes: latin1(first.text, this.at) };
      case "ndarray":
        break;
    }
    throw bad(this.at, `"${callee.callable}" is called in another way than an array needs`);
  }

  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    if (state.kind !== "tuple") throw bad(this.at, `a state is ${words(state)}, must be a tuple`);
    if (target.kind === "array" && target.state === undefined) target.state = state.items;
    else if (target.kind === "dtype" && state.items[1]?.kind === "text") {
      target.order = state.items[1].text;
    } else throw bad(this.at, `${words(target)} is given a state, must be an array or its dtype`);
  }

  #popMany(count: number | "mark"): Item[] {
    const from =
      count === "mark"
        ? this.#stack.findLastIndex(({ kind }) => kind === "mark")
        : this.#stack.length - count;
    if (from < 0) throw bad(this.at, "the stack is too short");
    const items = this.#stack.splice(from);
    if (count === "mark") items.shift();
    return items;
  }

  #pop(): Item {
    const item = this.#stack.pop();
    if (item === undefined) throw bad(this.at, "the stack is empty");
    return item;
  }

  #top(): Item {
    const item = this.#stack.at(-1);
    if (item === undefined) throw bad(this.at, "the stack is empty");
    return item;
  }

  #push(item: Item): void {
    this.#stack.push(item);
  }

  #remembered(index: number): Item {
    const item = this.#memo.get(index);
    if (item === undefined) throw bad(this.at, `thing ${index} is not remembered`);
    return item;
  }

  #byte(): number {
    return this.#take(1)[0]!;
  }

  #take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.#bytes.length) throw bad(this.at, "the bytes end");
    const taken = this.#bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  #sized(length: NumberKind): Uint8Array {
    return this.#take(this.#number(length));
  }

  #number(as: NumberKind): number {
    const at = this.at;
    this.#take(SIZES[as]);
    switch (as) {
      case "uint8":
        return this.#view.getUint8(at);
      case "uint16":
        return this.#view.getUint16(at, true);
      case "uint32":
        return this.#view.getUint32(at, true);
      case "int32":
        return this.#view.getInt32(at, true);
    }
  }

  #line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.at);
    if (end < 0) throw bad(this.at, "a line does not end");
    const line = UTF8.decode(this.#bytes.subarray(this.at, end));
    this.at = end + 1;
    return line;
  }
}

const UTF8 = new TextDecoder();
const NEWLINE = 0x0a;
const STOP = 0x2e;
const SIZES = { uint8: 1, uint16: 2, uint32: 4, int32: 4 } as const;
type NumberKind = keyof typeof SIZES;

type Action =
  | { readonly kind: "skip"; readonly bytes: number }
  | { readonly kind: "number"; readonly as: NumberKind }
  | { readonly kind: "constant"; readonly item: Item }
  | { readonly kind: "text" | "bytes"; readonly length: NumberKind }
  | { readonly kind: "tuple"; readonly count: number | "mark" }
  | { readonly kind: "put"; readonly index: NumberKind | "next" }
  | { readonly kind: "get"; readonly index: NumberKind }
  | { readonly kind: "global"; readonly from: "lines" | "stack" }
  | { readonly kind: "reduce" }
  | { readonly kind: "build" };

const ACTIONS: Readonly<Record<number, Action>> = {
  0x80: { kind: "skip", bytes: 1 }, // PROTO
  0x95: { kind: "skip", bytes: 8 }, // FRAME
  0x28: { kind: "constant", item: { kind: "mark" } }, // MARK
  0x29: { kind: "constant", item: { kind: "tuple", items: [] } }, // EMPTY_TUPLE
  0x4e: { kind: "constant", item: NONE }, // NONE
  0x88: { kind: "constant", item: { kind: "bool", value: true } }, // NEWTRUE
  0x89: { kind: "constant", item: { kind: "bool", value: false } }, // NEWFALSE
  0x4a: { kind: "number", as: "int32" }, // BININT
  0x4b: { kind: "number", as: "uint8" }, // BININT1
  0x4d: { kind: "number", as: "uint16" }, // BININT2
  0x58: { kind: "text", length: "uint32" }, // BINUNICODE
  0x8c: { kind: "text", length: "uint8" }, // SHORT_BINUNICODE
  0x42: { kind: "bytes", length: "uint32" }, // BINBYTES
  0x43: { kind: "bytes", length: "uint8" }, // SHORT_BINBYTES
  0x74: { kind: "tuple", count: "mark" }, // TUPLE
  0x85: { kind: "tuple", count: 1 }, // TUPLE1
  0x86: { kind: "tuple", count: 2 }, // TUPLE2
  0x87: { kind: "tuple", count: 3 }, // TUPLE3
  0x71: { kind: "put", index: "uint8" }, // BINPUT
  0x72: { kind: "put", index: "uint32" }, // LONG_BINPUT
  0x94: { kind: "put", index: "next" }, // MEMOIZE
  0x68: { kind: "get", index: "uint8" }, // BINGET
  0x6a: { kind: "get", index: "uint32" }, // LONG_BINGET
  0x63: { kind: "global", from: "lines" }, // GLOBAL
  0x93: { kind: "global", from: "stack" }, // STACK_GLOBAL
  0x52: { kind: "reduce" }, // REDUCE
  0x62: { kind: "build" }, // BUILD
};

/** The state of an ndarray: (version, shape, dtype, is Fortran order, bytes). */
function arrayOf(state: readonly Item[], at: number): PickledArray {
  const [, shape, dtype, fortran, bytes] = state;
  const isDouble = dtype?.kind === "dtype" && dtype.name === "f8" && dtype.order === "<";
  if (!isDouble) throw bad(at, "the array's dtype is another, must be little-endian float64");
  if (fortran?.kind !== "bool" || fortran.value) {
    throw bad(at, "the array is in Fortran's order, must be in C's");
  }
  if (shape?.kind !== "tuple" || bytes?.kind !== "bytes") {
    throw bad(at, "the array's shape or bytes are absent");
  }
  const dims = shape.items.map((item) => (item.kind === "number" ? item.value : -1));
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (dims.some((dim) => dim < 0) || bytes.bytes.length !== 8 * size) {
    throw bad(
      at,
      `the array is [${dims.join(", ")}] of ${bytes.bytes.length} bytes, must be 8 each`,
    );
  }
  const { buffer } = new Uint8Array(bytes.bytes);
  return { shape: dims, data: new Float64Array(buffer) };
}

/** Protocol 2 knows no bytes: NumPy writes them as a text of characters below 256. */
function latin1(text: string, at: number): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw bad(at, "bytes are written as a text beyond latin1");
    bytes[i] = code;
  }
  return bytes;
}

function words(item: Item): string {
  return `a ${item.kind}`;
}

function bad(at: number, what: string): SyntaxError {
  return new SyntaxError(`Cannot read pickle: at byte ${at}, ${what}`);
}
