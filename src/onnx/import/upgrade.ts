/**
 * Operators of older operator sets in the form they have in the one that the runtime writes (`OPSET`):
 * attributes that became inputs, defaults that changed, operators that were replaced. Node in, nodes out.
 */
import type { Attribute, Int, Node, Tensor } from "../ir.ts";
import type { TensorType } from "../rules/rule.ts";
import { introducedIn } from "./introduced.ts";

/** The oldest operator set whose operators are understood. */
export const OLDEST_OPSET = 9;
/** The newest one. */
export const NEWEST_OPSET = 23;

export interface UpgradeContext {
  /** A name that nothing else has. */
  readonly fresh: (stem: string) => string;
  /** Dtype and dimensions of a value; `undefined` where they are not known, as inside subgraphs. */
  readonly typeOf: (name: string) => TensorType | undefined;
}

/** Where one rewriting happens; new nodes are collected in order. */
class Rewriting {
  readonly node: Node;
  readonly context: UpgradeContext;
  readonly before: Node[] = [];

  constructor(node: Node, context: UpgradeContext) {
    this.node = node;
    this.context = context;
  }

  /** The name of a constant made from an attribute. */
  constant(tensor: Omit<Tensor, "name">): string {
    const name = this.context.fresh(`${nodeLabel(this.node)}/const`);
    const value: Attribute = { kind: "tensor", value: { ...tensor, name: "" } };
    this.before.push(bare("Constant", { outputs: [name], attributes: { value } }));
    return name;
  }

  ints(values: readonly Int[], shape: readonly number[] = [values.length]): string {
    const data = BigInt64Array.from(values, BigInt);
    const array = { dtype: "int64", shape, data } as const;
    return this.constant({ elementType: "int64", shape, payload: { kind: "array", array } });
  }

  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const array = { dtype: "float32", shape, data: Float32Array.from(values) } as const;
    return this.constant({ elementType: "float32", shape, payload: { kind: "array", array } });
  }

  /** A scalar of the dtype of a value. */
  scalarLike(value: number, like: string): string {
    const dtype = this.context.typeOf(like)?.elementType;
    if (dtype === "float32") return this.floats([value], []);
    if (dtype === "float64") {
      const array = { dtype, shape: [], data: Float64Array.of(value) } as const;
      return this.constant({ elementType: dtype, shape: [], payload: { kind: "array", array } });
    }
    return this.emit("CastLike", [this.floats([value], []), like]);
  }

  emit(opType: string, inputs: readonly string[], attributes: Node["attributes"] = {}): string {
    const output = this.context.fresh(`${nodeLabel(this.node)}/${opType}`);
    this.before.push(bare(opType, { inputs, outputs: [output], attributes }));
    return output;
  }

  intList(name: string): readonly Int[] | undefined {
    const attribute = this.node.attributes[name];
    return attribute?.kind === "ints" ? attribute.value : undefined;
  }

  int(name: string, fallback: number): number {
    const attribute = this.node.attributes[name];
    return attribute?.kind === "int" ? Number(attribute.value) : fallback;
  }

  float(name: string): number | undefined {
    const attribute = this.node.attributes[name];
    return attribute?.kind === "float" ? attribute.value : undefined;
  }

  text(name: string, fallback: string): string {
    const attribute = this.node.attributes[name];
    return attribute?.kind === "string" ? attribute.value : fallback;
  }

  /** The node itself with other inputs or attributes, without the named ones. */
  with(change: Partial<Node>, without: readonly string[] = []): Node {
    const attributes = Object.fromEntries(
      Object.entries(this.node.attributes).filter(([name]) => !without.includes(name)),
    );
    return { ...this.node, attributes, ...change };
  }

  refuse(what: string, must: string): never {
    const { opType } = this.node;
    throw new TypeError(`Cannot import ${opType} "${nodeLabel(this.node)}": ${what}, ${must}`);
  }
}

/** Gives the node's last form; nodes it needs first go to `before`. `undefined` = nothing to change. */
type Upgrade = (rewriting: Rewriting) => Node | undefined;

/** Applies to models that import an operator set below `until`. */
interface Step {
  readonly until: number;
  readonly upgrade: Upgrade;
}

const attributeToInput =
  (name: string): Upgrade =>
  (r) => {
    const values = r.intList(name);
    const [x = ""] = r.node.inputs;
    if (values === undefined) return undefined;
    return r.with({ inputs: [x, r.ints(values)] }, [name]);
  };

/** Until 13 `axis` cut the input into a matrix; since then it names the one axis. */
const coercedSoftmax: Upgrade = (r) => {
  const axis = r.int("axis", 1);
  const [x = ""] = r.node.inputs;
  const rank = r.context.typeOf(x)?.shape.length;
  const last: Attribute = { kind: "int", value: -1 };
  if (axis === -1 || axis + 1 === rank) return r.with({ attributes: { axis: last } });
  const matrix = r.emit("Flatten", [x], { axis: { kind: "int", value: axis } });
  const result = r.emit(r.node.opType, [matrix], { axis: last });
  return r.with({ opType: "Reshape", inputs: [result, r.emit("Shape", [x])], attributes: {} });
};

const clip: Upgrade = (r) => {
  const [x = ""] = r.node.inputs;
  const [low, high] = [r.float("min"), r.float("max")];
  const min = low === undefined ? "" : r.scalarLike(low, x);
  const inputs = high === undefined ? [x, min] : [x, min, r.scalarLike(high, x)];
  return r.with({ inputs, attributes: {} });
};

const pad: Upgrade = (r) => {
  const [x = ""] = r.node.inputs;
  const pads = r.intList("pads") ?? r.refuse("it has no pads", "must have");
  const value = r.scalarLike(r.float("value") ?? 0, x);
  return r.with({ inputs: [x, r.ints(pads), value] }, ["pads", "value"]);
};

const slice: Upgrade = (r) => {
  const [x = ""] = r.node.inputs;
  const [starts, ends, axes] = [r.intList("starts"), r.intList("ends"), r.intList("axes")];
  if (starts === undefined || ends === undefined) return undefined;
  const places = axes ?? starts.map((_, i) => i);
  return r.with({ inputs: [x, r.ints(starts), r.ints(ends), r.ints(places)], attributes: {} });
};

/**
 * Sizes became an input (13); left out, they are equal up to the last (18: `num_outputs`). Where the
 * dimension is known they are written out, which is the one form that rules need to know.
 */
const split: Upgrade = (r) => {
  const [x = "", sizes = ""] = r.node.inputs;
  const given = r.intList("split");
  if (given !== undefined) return r.with({ inputs: [x, r.ints(given)] }, ["split"]);
  if (sizes !== "") return undefined;
  const count = r.int("num_outputs", r.node.outputs.length);
  const shape = r.context.typeOf(x)?.shape;
  const axis = r.int("axis", 0);
  const dim = shape?.[axis < 0 ? axis + shape.length : axis];
  if (typeof dim !== "number") {
    return r.with({
      attributes: { ...r.node.attributes, num_outputs: { kind: "int", value: count } },
    });
  }
  const size = Math.ceil(dim / count);
  const written = Array.from({ length: count }, (_, i) => Math.min(size, dim - i * size));
  return r.with({ inputs: [x, r.ints(written)] }, ["num_outputs"]);
};

const topK: Upgrade = (r) => {
  const [x = "", k] = r.node.inputs;
  return k === undefined ? r.with({ inputs: [x, r.ints([r.int("k", 1)])] }, ["k"]) : undefined;
};

/** A model that is run passes everything; training ones say so by an input that is true. */
const dropout: Upgrade = (r) => {
  const [x = "", , training] = r.node.inputs;
  if (training !== undefined && training !== "") return undefined;
  const [y = "", mask = ""] = r.node.outputs;
  if (mask !== "") return undefined;
  return r.with({ opType: "Identity", inputs: [x], outputs: [y], attributes: {} });
};

/** Since 11 `Resize` says how coordinates go over; before, it was asymmetric and rounded down. */
const resize: Upgrade = (r) => {
  const [x = "", scales] = r.node.inputs;
  const factors = scales ?? r.floats(attributeFloats(r.node, "scales"));
  const attributes: Record<string, Attribute> = {
    mode: { kind: "string", value: r.text("mode", "nearest") },
    coordinate_transformation_mode: { kind: "string", value: "asymmetric" },
    nearest_mode: { kind: "string", value: "floor" },
  };
  return r.with({ opType: "Resize", inputs: [x, "", factors], attributes });
};

function attributeFloats({ attributes }: Node, name: string): readonly number[] {
  const attribute = attributes[name];
  return attribute?.kind === "floats" ? attribute.value : [];
}

const gridSample: Upgrade = (r) => {
  const mode = r.text("mode", "bilinear");
  const renamed: Record<string, string> = { bilinear: "linear", bicubic: "cubic" };
  const value = renamed[mode] ?? mode;
  return r.with({ attributes: { ...r.node.attributes, mode: { kind: "string", value } } });
};

/** Before 21 scale and bias were one number per group instead of one per channel. */
const groupNormalization: Upgrade = (r) => {
  const [x = "", scale = "", bias = ""] = r.node.inputs;
  const channels = r.context.typeOf(x)?.shape[1];
  const groups = r.int("num_groups", 1);
  if (typeof channels !== "number") {
    return r.refuse("the number of channels is not known", "must be");
  }
  const spread = (perGroup: string): string => {
    const column = r.emit("Unsqueeze", [perGroup, r.ints([1])]);
    const rows = r.emit("Expand", [column, r.ints([groups, channels / groups])]);
    return r.emit("Reshape", [rows, r.ints([channels])]);
  };
  return r.with({ inputs: [x, spread(scale), spread(bias)] });
};

/** The default of `coordinate_transformation_mode` changed. */
const roiAlign: Upgrade = (r) => {
  const value = r.text("coordinate_transformation_mode", "output_half_pixel");
  const coordinate_transformation_mode: Attribute = { kind: "string", value };
  return r.with({ attributes: { ...r.node.attributes, coordinate_transformation_mode } });
};

const dft: Upgrade = (r) => {
  const [x = "", length = ""] = r.node.inputs;
  return r.with({ inputs: [x, length, r.ints([r.int("axis", 1)], [])] }, ["axis"]);
};

/** Of the outputs of training, which 14 took away, nothing may be used. */
const batchNormalization: Upgrade = (r) => {
  const { outputs } = r.node;
  if (outputs.slice(1).some((name) => name !== "")) {
    r.refuse("it is in training mode", "must be exported for inference");
  }
  return r.with({ outputs: outputs.slice(0, 1) }, ["spatial"]);
};

const scatter: Upgrade = (r) => r.with({ opType: "ScatterElements" });

function steps(names: string, until: number, upgrade: Upgrade): [string, Step][] {
  return names.split(" ").map((name) => [name, { until, upgrade }]);
}

const axesToInput = attributeToInput("axes");
const STEPS: ReadonlyMap<string, Step> = new Map([
  ...steps("Squeeze Unsqueeze ReduceSum", 13, axesToInput),
  ...steps("ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare", 18, axesToInput),
  ...steps("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp", 18, axesToInput),
  ...steps("Softmax LogSoftmax Hardmax", 13, coercedSoftmax),
  ...steps("Clip", 11, clip),
  ...steps("Pad", 11, pad),
  ...steps("Slice", 10, slice),
  ...steps("Split", Infinity, split),
  ...steps("TopK", 10, topK),
  ...steps("Dropout", Infinity, dropout),
  ...steps("Resize", 11, resize),
  ...steps("Upsample", Infinity, resize),
  ...steps("GridSample", 20, gridSample),
  ...steps("GroupNormalization", 21, groupNormalization),
  ...steps("RoiAlign", 16, roiAlign),
  ...steps("DFT", 20, dft),
  ...steps("BatchNormalization", 14, batchNormalization),
  ...steps("Scatter", Infinity, scatter),
]);

/**
 * A node of operator set `version` as nodes of `OPSET`, in order; the last one has the node's outputs.
 * @throws {TypeError} where the newer operator cannot say the same, or the set has no such operator
 */
export function upgradeNode(node: Node, version: number, context: UpgradeContext): Node[] {
  const step = node.domain === "" ? STEPS.get(node.opType) : undefined;
  if (node.domain === "" && introducedIn(node.opType) > version) {
    throw new TypeError(
      `Cannot import ${node.opType} "${nodeLabel(node)}": the model uses operator set ${version}, ` +
        `must be ${introducedIn(node.opType)} or newer to have it`,
    );
  }
  if (step === undefined || version >= step.until) return [node];
  const rewriting = new Rewriting(node, context);
  const last = step.upgrade(rewriting);
  return [...rewriting.before, last ?? node];
}

/** The last operator set in which an operator had another form; `undefined` if it had none since `OLDEST_OPSET`. */
export function olderFormUntil(opType: string): number | undefined {
  const step = STEPS.get(opType);
  return step === undefined || step.until === Infinity ? undefined : step.until - 1;
}

/** What messages and new names call a node. */
export function nodeLabel(node: Node): string {
  return node.name === "" ? (node.outputs.find((name) => name !== "") ?? node.opType) : node.name;
}

function bare(opType: string, parts: Partial<Node>): Node {
  return { name: "", opType, domain: "", inputs: [], outputs: [], attributes: {}, ...parts };
}
