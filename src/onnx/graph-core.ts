/** A graph under construction: inputs, parameters, any operator, outputs, names. */
import type { Dtype, NdArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import { allocate, holds, isDtype } from "./element-type.ts";
import type { Attribute, Model, Node, Tensor, ValueInfo } from "./ir.ts";
import type { OpCall, StaticDim, TensorType } from "./rules/rule.ts";
import { inferTypes } from "./shape-rules.ts";

/** A value of the graph under construction: the output of a node, an input or a parameter. */
export interface Value extends TensorType {
  readonly name: string;
  /** The numbers, of parameters and constants. */
  readonly constant?: NdArray;
}

/** Attributes by name; numbers that are integers become `int`, use `{ kind: "float", value }` else. */
export type AttributeLike = Attribute | number | string | readonly number[];

export interface OpOptions {
  readonly attributes?: Readonly<Record<string, AttributeLike>>;
  readonly domain?: string;
  readonly outputCount?: number;
  /** Needed for operators without a shape rule. */
  readonly outputTypes?: readonly TensorType[];
  /** Name of the node; default: that of its first output. A number is added where it is taken. */
  readonly name?: string;
  /** Exact names of the outputs, which must be free; default: after scope and operator. */
  readonly outputNames?: readonly string[];
  /** Lowest version of the domain's operator set that has the operator; default: what the graph writes. */
  readonly opset?: number;
  /** Values that the subgraphs among the attributes use by name. */
  readonly captures?: readonly Value[];
}

/** The operator set that the runtime writes; onnxruntime 1.30 runs it on every device. */
export const OPSET = 21;
/** Operators that came after it: a graph with one of them is written for the set that has them. */
const NEWER_OPS: ReadonlySet<string> = new Set([
  "Attention",
  "RMSNormalization",
  "RotaryEmbedding",
]);
const NEWER_OPSET = 23;
/** The IR version that goes with it. */
export const IR_VERSION = 10;

export interface BuildOptions {
  readonly parameters?: "stored" | "fed";
}

/** A node of the graph under construction, with the values themselves instead of their names. */
export interface BuiltNode {
  readonly name: string;
  readonly opType: string;
  /** `""` is the default domain `ai.onnx`. */
  readonly domain: string;
  /** `undefined` = an optional input left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** What subgraphs among the attributes use of this graph, beside the inputs; left out if nothing. */
  readonly captures?: readonly Value[];
}

/** What `GraphBuilder` stands on. Every call checks dtypes and shapes at once. */
export class GraphCore {
  readonly #name: string;
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #initializers: Tensor[] = [];
  readonly #nodes: BuiltNode[] = [];
  readonly #producers = new WeakMap<Value, number>();
  readonly #inputValues: Value[] = [];
  readonly #parameterValues = new Map<string, Value>();
  /** Of values; a node that is named after its output shares the name. */
  readonly #names = new Set<string>();
  readonly #nodeNames = new Set<string>();
  readonly #mine = new WeakSet<Value>();
  readonly #constants = new Map<string, Value>();
  readonly #opsets: Record<string, number> = { "": OPSET };
  readonly #scopes: string[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  // ---- what goes in and out ---------------------------------------------------------------------

  input(name: string, elementType: Dtype, shape: readonly StaticDim[]): Value {
    this.#claim(name, "input");
    this.#inputs.push({ name, type: { kind: "tensor", elementType, shape } });
    const value = this.#own({ name, elementType, shape });
    this.#inputValues.push(value);
    return value;
  }

  /** A named tensor of the model: learned, or fixed and worth a name. */
  parameter(name: string, array: NdArray): Value {
    const full = this.scopedName(name);
    this.#claim(full, "parameter");
    const value = this.#array(full, array);
    this.#parameterValues.set(full, value);
    return value;
  }

  /**
   * A named tensor as a file has it: its numbers may stand in another file, and then are not known here.
   * @throws {TypeError} for element types that the runtime does not compute with
   */
  initializer(tensor: Tensor): Value {
    const { name, elementType, shape, payload } = tensor;
    if (!isDtype(elementType)) {
      throw new TypeError(
        `Cannot add parameter "${name}": it is ${elementType}, must be a numeric type of 8 bits or more`,
      );
    }
    this.#claim(name, "parameter");
    if (payload.kind === "array") return this.#array(name, payload.array);
    this.#initializers.push(tensor);
    return this.#own({ name, elementType, shape });
  }

  /** An unnamed tensor; equal small constants are shared. */
  constant(array: NdArray): Value {
    const small = array.data.length <= 64;
    // By bytes, not by value: -0 and 0 are different constants.
    const { buffer, byteOffset, byteLength } = array.data;
    const bytes = small ? new Uint8Array(buffer, byteOffset, byteLength).join() : "";
    const key = `${array.dtype}[${array.shape.join()}]${bytes}`;
    const known = small ? this.#constants.get(key) : undefined;
    if (known !== undefined) return known;
    const value = this.#array(this.#unused("const"), array);
    if (small) this.#constants.set(key, value);
    return value;
  }

  scalar(value: number, dtype: Dtype = "float32"): Value {
    const data = allocate(dtype, 1);
    data[0] = dtype === "int64" || dtype === "uint64" ? BigInt(value) : value;
    return this.constant({ dtype, shape: [], data });
  }

  ints(values: readonly number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant({ dtype: "int64", shape: [values.length], data });
  }

  /** A value that has the output's name already becomes it as it is; another goes through an Identity. */
  output(name: string, value: Value): void {
    this.#check(value, `output "${name}"`);
    const { elementType, shape } = value;
    if (this.#outputs.some((output) => output.name === name)) {
      throw new TypeError(`Cannot add output "${name}": the name is taken, must be unique`);
    }
    if (value.name !== name) {
      this.#claim(name, "output");
      this.#add({
        name: this.#unusedNodeName(`${name}/Identity`),
        opType: "Identity",
        domain: "",
        inputs: [value],
        outputs: [this.#own({ name, elementType, shape })],
        attributes: {},
      });
    }
    this.#outputs.push({ name, type: { kind: "tensor", elementType, shape } });
  }

  /** Everything made inside gets names under `name/`. */
  scope<T>(name: string, make: () => T): T {
    this.#scopes.push(name);
    try {
      return make();
    } finally {
      this.#scopes.pop();
    }
  }

  /** The full name that something called `name` gets in the present scope. */
  scopedName(name: string): string {
    return [...this.#scopes, name].join("/");
  }

  /**
   * Nodes that reach no output are left out (the engine would run them), and constants that nobody uses.
   * @param options.parameters whether parameters are part of the model, or inputs that are fed at every
   *     run, as training does; default `stored`
   * @throws {TypeError} for a graph without outputs
   */
  build(options: BuildOptions = {}): Model {
    if (this.#outputs.length === 0) {
      throw new TypeError(`Cannot build graph "${this.#name}": it has no output, must have one`);
    }
    const fed = options.parameters === "fed";
    const parameters = [...this.#parameterValues.values()];
    const nodes = liveNodes(this.#nodes, new Set(this.#outputs.map(({ name }) => name)));
    const used = new Set(nodes.flatMap((node) => usedBy(node).map(({ name }) => name)));
    return {
      irVersion: IR_VERSION,
      opsets: { ...this.#opsets },
      producer: "efference",
      producerVersion: "",
      metadata: {},
      functions: [],
      graph: {
        name: this.#name,
        inputs: fed ? [...this.#inputs, ...parameters.map(infoOf)] : [...this.#inputs],
        outputs: [...this.#outputs],
        initializers: this.#initializers.filter(({ name }) =>
          this.#parameterValues.has(name) ? !fed : used.has(name),
        ),
        nodes: nodes.map(nodeOf),
        valueInfo: this.#innerValues(nodes).map(infoOf),
      },
    };
  }

  // ---- any operator -----------------------------------------------------------------------------

  /** @throws {TypeError} if the inputs do not fit the operator, or come from another graph */
  op(opType: string, inputs: readonly (Value | undefined)[], options: OpOptions = {}): Value[] {
    const { domain = "", outputCount = 1 } = options;
    for (const input of inputs) if (input !== undefined) this.#check(input, opType);
    const attributes = Object.fromEntries(
      Object.entries(options.attributes ?? {}).map(([key, value]) => [key, attributeOf(value)]),
    );
    const stem = this.#free(options.name ?? options.outputNames?.[0] ?? this.scopedName(opType));
    const call: OpCall = { opType, domain, name: stem, inputs, attributes, outputCount };
    const types = options.outputTypes ?? inferTypes(call);
    const newer = domain === "" && NEWER_OPS.has(opType) ? NEWER_OPSET : 1;
    const opset = Math.max(newer, options.opset ?? 1);
    this.#opsets[domain] = Math.max(this.#opsets[domain] ?? 1, opset);
    const first = options.outputNames === undefined ? this.#unused(stem) : "";
    const outputs = types.map((type, i) => {
      const name = this.#outputName(options.outputNames, { first, i });
      return this.#own({ name, ...typeOnly(type) });
    });
    const name = this.#unusedNodeName(options.name ?? outputs[0]?.name ?? stem);
    const { captures = [] } = options;
    const node = { name, opType, domain, inputs: [...inputs], outputs, attributes };
    this.#add(captures.length === 0 ? node : { ...node, captures });
    return outputs;
  }

  /** The only output of a node. */
  one(opType: string, inputs: readonly (Value | undefined)[], options: OpOptions = {}): Value {
    const [first] = this.op(opType, inputs, options);
    if (first === undefined) throw new TypeError(`Cannot build ${opType}: it has no output`);
    return first;
  }

  /**
   * Lets a node give more of its optional outputs than were asked for when it was made, for instance the
   * mean of a `LayerNormalization`; what it gives already is left alone.
   * @returns all outputs of the node
   */
  moreOutputs(node: BuiltNode, types: readonly TensorType[]): readonly Value[] {
    const [anchor] = node.outputs;
    const index = anchor === undefined ? undefined : this.#producers.get(anchor);
    const have = index === undefined ? undefined : this.#nodes[index];
    if (index === undefined || have === undefined) {
      throw new TypeError(`Cannot extend node "${node.name}": it is not of graph "${this.#name}"`);
    }
    if (have.outputs.length >= types.length) return have.outputs;
    const added = types.slice(have.outputs.length).map((type, i) => {
      const output = this.#unused(`${have.name}:${have.outputs.length + i}`);
      return this.#own({ name: output, ...typeOnly(type) });
    });
    const extended = { ...have, outputs: [...have.outputs, ...added] };
    this.#nodes[index] = extended;
    for (const value of added) this.#producers.set(value, index);
    return extended.outputs;
  }

  /** Operator sets that subgraphs among the attributes need, by domain. */
  require(opsets: Readonly<Record<string, number>>): void {
    for (const [domain, version] of Object.entries(opsets)) {
      this.#opsets[domain] = Math.max(this.#opsets[domain] ?? 1, version);
    }
  }

  // ---- what is there ----------------------------------------------------------------------------

  get name(): string {
    return this.#name;
  }

  /** In topological order: a node comes after the nodes whose outputs it takes. */
  get nodes(): readonly BuiltNode[] {
    return this.#nodes;
  }

  get inputs(): readonly Value[] {
    return this.#inputValues;
  }

  /** What `parameter` declared, by full name. */
  get parameters(): ReadonlyMap<string, Value> {
    return this.#parameterValues;
  }

  /** The node that makes a value; `undefined` for inputs, parameters and constants. */
  producerOf(value: Value): BuiltNode | undefined {
    const index = this.#producers.get(value);
    return index === undefined ? undefined : this.#nodes[index];
  }

  #add(node: BuiltNode): void {
    for (const value of node.outputs) this.#producers.set(value, this.#nodes.length);
    this.#nodes.push(node);
  }

  /** Everything that nodes make, except the graph's outputs. */
  #innerValues(nodes: readonly BuiltNode[]): Value[] {
    const outputs = new Set(this.#outputs.map(({ name }) => name));
    return nodes.flatMap((node) => node.outputs.filter(({ name }) => !outputs.has(name)));
  }

  // ---- names ------------------------------------------------------------------------------------

  #array(name: string, array: NdArray): Value {
    const { dtype, shape, data } = array;
    if (!holds(dtype, data) || data.length !== elementCount(shape)) {
      throw new TypeError(
        `Cannot add parameter "${name}": it has ${data.length} values in a ${data.constructor.name}, ` +
          `must have those of ${dtype}[${shape.join(", ")}]`,
      );
    }
    this.#initializers.push({ name, elementType: dtype, shape, payload: { kind: "array", array } });
    return this.#own({ name, elementType: dtype, shape, constant: array });
  }

  #own(value: Value): Value {
    this.#mine.add(value);
    return value;
  }

  #check(value: Value, where: string): void {
    if (!this.#mine.has(value)) {
      throw new TypeError(
        `Cannot build ${where}: "${value.name}" belongs to another graph, must be a value of "${this.#name}"`,
      );
    }
  }

  /** Keeps names that subgraphs use inside from being given to anything new. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.#names.add(name);
  }

  #unused(stem: string): string {
    const name = this.#free(stem);
    this.#names.add(name);
    return name;
  }

  #free(stem: string): string {
    let name = stem;
    for (let i = 1; this.#names.has(name) || this.#nodeNames.has(name); i++) name = `${stem}_${i}`;
    return name;
  }

  #unusedNodeName(stem: string): string {
    let name = stem;
    for (let i = 1; this.#nodeNames.has(name); i++) name = `${stem}_${i}`;
    this.#nodeNames.add(name);
    return name;
  }

  #outputName(
    given: readonly string[] | undefined,
    { first, i }: { first: string; i: number },
  ): string {
    if (given === undefined) return i === 0 ? first : this.#unused(`${first}:${i}`);
    const name = given[i] ?? "";
    // An output that nobody asked for has no name in a file, but its place must be held.
    if (name === "") return this.#unused(`${given.find((other) => other !== "") ?? "unused"}:${i}`);
    this.#claim(name, "value");
    return name;
  }

  #claim(name: string, what: string): void {
    if (name === "") throw new TypeError(`Cannot add ${what}: the name is empty, must not be`);
    if (this.#names.has(name)) {
      throw new TypeError(`Cannot add ${what} "${name}": the name is taken, must be unique`);
    }
    this.#names.add(name);
  }
}

/** Those of `nodes`, in order, that the values named in `wanted` depend on. */
function liveNodes(nodes: readonly BuiltNode[], wanted: ReadonlySet<string>): BuiltNode[] {
  const needed = new Set(wanted);
  const live: BuiltNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some(({ name }) => needed.has(name))) continue;
    live.push(node);
    for (const { name } of usedBy(node)) needed.add(name);
  }
  return live.reverse();
}

/** What a node takes as inputs, and what the subgraphs among its attributes use. */
function usedBy({ inputs, captures = [] }: BuiltNode): Value[] {
  return [...inputs.filter((input) => input !== undefined), ...captures];
}

function nodeOf({ captures: _, ...node }: BuiltNode): Node {
  return {
    ...node,
    inputs: node.inputs.map((input) => input?.name ?? ""),
    outputs: node.outputs.map(({ name }) => name),
  };
}

function infoOf({ name, elementType, shape }: Value): ValueInfo {
  return { name, type: { kind: "tensor", elementType, shape } };
}

function typeOnly({ elementType, shape }: TensorType): {
  elementType: Dtype;
  shape: readonly StaticDim[];
} {
  return { elementType, shape };
}

function attributeOf(value: AttributeLike): Attribute {
  if (typeof value === "number") {
    return Number.isInteger(value) ? { kind: "int", value } : { kind: "float", value };
  }
  if (typeof value === "string") return { kind: "string", value };
  if ("kind" in value) return value;
  return { kind: "ints", value: value };
}
