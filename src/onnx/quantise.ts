import type { NdArray } from "../core/index.ts";
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from "./ir.ts";
import { quantiseBlocks } from "./quantise-blocks.ts";

export interface QuantiseOptions {
  readonly bits: 4 | 8;
  /**
   * Whether each block has a zero point of its own, which halves the error of blocks whose numbers lie on
   * one side of 0 and costs a byte (half a byte) per block. Default false: codes are symmetric about 0.
   */
  readonly zeroPoints?: boolean;
  /**
   * Numbers that share a scale. Default 32 with 4 bits; with 8 the largest of these that the matrix fills, because the
   * engine's kernel reads 8-bit codes half as fast again in blocks of 128 as in blocks of 32 (`npm run bench -- infer
   * decode`), for 1.2 times the error where weights are normally distributed.
   */
  readonly block?: QuantisedBlock;
  /** Weights, or nodes by name, that stay in float32 (output heads and the first layers lose most). */
  readonly keep?: readonly string[];
}

export type QuantisedBlock = (typeof BLOCKS)[number];

export interface QuantisedWeight {
  readonly name: string;
  /** Inputs and outputs of the product. */
  readonly shape: readonly [inputs: number, outputs: number];
  readonly floatBytes: number;
  /** Codes, scales and zero points. */
  readonly bytes: number;
  /** Numbers that share a scale. */
  readonly block: number;
  /** Largest difference between a weight and its decoded code. */
  readonly maxError: number;
}

export interface Quantised {
  readonly model: Model;
  readonly weights: readonly QuantisedWeight[];
}

/** Block sizes, largest first. */
const BLOCKS = [128, 64, 32] as const;
const SMALLEST_BLOCK = 32;
const DOMAIN = "com.microsoft";

/**
 * Replaces the constant float32 matrices of `MatMul` and `Gemm` by codes of 4 or 8 bits with a scale per
 * block of numbers (`com.microsoft.MatMulNBits`, accuracy level 4: the engine also rounds the other operand to
 * 8 bits and multiplies integers; without that 8-bit codes are slower than floats). For inference with few
 * rows, where reading the weights is what takes the time. Round to nearest; nothing is calibrated.
 *
 * A product stays as it is if its matrix is computed, not of rank 2, transposed by the left (`transA`) or
 * kept, or if it stands in a graph inside the graph.
 * @throws {RangeError} for another `bits` or `block`, for a name in `keep` that is none, or if there is nothing to do
 * @throws {TypeError} if a matrix lies in another file; such a model must be loaded whole first
 */
export function quantise(model: Model, options: QuantiseOptions): Quantised {
  const { bits, keep = [] } = options;
  // Checked for callers without types.
  if (![4, 8].includes(bits)) {
    throw new RangeError(`Cannot quantise: bits is ${bits}, must be 4 or 8`);
  }
  const { block } = options;
  if (block !== undefined && !BLOCKS.includes(block)) {
    throw new RangeError(`Cannot quantise: block is ${block}, must be 32, 64 or 128`);
  }
  const { graph } = model;
  assertNames(graph, keep);
  const rewriter = new Rewriter(graph, options);
  const nodes = graph.nodes.flatMap((node) => rewriter.rewrite(node));
  if (rewriter.weights.length === 0) {
    throw new RangeError(
      "Cannot quantise: no MatMul or Gemm has a constant float32 matrix that is not kept, must have one",
    );
  }
  const used = usedNames(nodes, graph.outputs);
  const initializers = [...graph.initializers, ...rewriter.tensors];
  return {
    model: {
      ...model,
      opsets: { ...model.opsets, [DOMAIN]: model.opsets[DOMAIN] ?? 1 },
      graph: { ...graph, nodes, initializers: initializers.filter(({ name }) => used.has(name)) },
    },
    weights: rewriter.weights,
  };
}

/** A product `alpha * a @ w + beta * c`, whichever operator it is written with. */
interface Product {
  readonly weight: Tensor;
  readonly array: NdArray;
  /** The matrix is stored `[outputs, inputs]`. */
  readonly transposed: boolean;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: string;
}

interface Codes {
  readonly inputs: readonly string[];
  readonly shape: readonly [number, number];
  readonly block: number;
}

class Rewriter {
  readonly tensors: Tensor[] = [];
  readonly weights: QuantisedWeight[] = [];
  readonly #options: QuantiseOptions;
  readonly #initializers: ReadonlyMap<string, Tensor>;
  readonly #overridable: ReadonlySet<string>;
  readonly #names: Set<string>;
  readonly #made = new Map<string, Codes>();

  constructor(graph: Graph, options: QuantiseOptions) {
    this.#options = options;
    this.#initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
    // An initializer that is an input too is only a default.
    this.#overridable = new Set(graph.inputs.map(({ name }) => name));
    this.#names = new Set([
      ...graph.inputs.map(({ name }) => name),
      ...this.#initializers.keys(),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ]);
  }

  rewrite(node: Node): readonly Node[] {
    const product = this.#productOf(node);
    if (product === undefined) return [node];
    const [a = ""] = node.inputs;
    const [output = ""] = node.outputs;
    const codes = this.#codesOf(product);
    const [K, N] = codes.shape;
    const sum = product.bias === "" ? undefined : this.#unused(`${output}/product`);
    const ints = { K, N, bits: this.#options.bits, block_size: codes.block, accuracy_level: 4 };
    const attributes = Object.fromEntries(
      Object.entries(ints).map(([key, value]): [string, Attribute] => [
        key,
        { kind: "int", value },
      ]),
    );
    const core: Node = {
      name: node.name,
      opType: "MatMulNBits",
      domain: DOMAIN,
      inputs: [a, ...codes.inputs],
      outputs: [sum ?? output],
      attributes,
    };
    return sum === undefined ? [core] : [core, ...this.#addBias(product, { sum, output })];
  }

  #addBias({ bias, beta }: Product, names: { sum: string; output: string }): Node[] {
    const plain = { domain: "", attributes: {} } as const;
    const { sum, output } = names;
    if (beta === 1) {
      return [
        { ...plain, name: `${output}/bias`, opType: "Add", inputs: [sum, bias], outputs: [output] },
      ];
    }
    const [factor, scaled] = [this.#unused(`${output}/beta`), this.#unused(`${output}/scaled`)];
    this.#add(factor, { dtype: "float32", shape: [], data: Float32Array.of(beta) });
    return [
      { ...plain, name: scaled, opType: "Mul", inputs: [bias, factor], outputs: [scaled] },
      { ...plain, name: `${output}/bias`, opType: "Add", inputs: [sum, scaled], outputs: [output] },
    ];
  }

  #productOf(node: Node): Product | undefined {
    const { keep = [] } = this.#options;
    const [, matrix = "", bias = ""] = node.inputs;
    const isGemm = node.opType === "Gemm";
    if (node.domain !== "" || (!isGemm && node.opType !== "MatMul")) return undefined;
    const weight = this.#initializers.get(matrix);
    if (weight?.elementType !== "float32" || weight.shape.length !== 2) return undefined;
    if (this.#overridable.has(matrix) || keep.includes(matrix) || keep.includes(node.name))
      return undefined;
    if (isGemm && numberOf(node, "transA", 0) === 1) return undefined;
    return {
      weight,
      array: arrayOf(weight),
      transposed: isGemm && numberOf(node, "transB", 0) === 1,
      alpha: isGemm ? numberOf(node, "alpha", 1) : 1,
      beta: isGemm ? numberOf(node, "beta", 1) : 1,
      bias: isGemm ? bias : "",
    };
  }

  /** Codes, scales and zero points as parameters; products that share a matrix share them. */
  #codesOf({ weight, array, transposed, alpha }: Product): Codes {
    const key = `${weight.name}/${transposed}/${alpha}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const { bits, zeroPoints = false } = this.#options;
    const block = this.#blockOf(array, transposed);
    const blocks = quantiseBlocks(array, { bits, zeroPoints, transposed, block });
    const scales = alpha === 1 ? blocks.scales : blocks.scales.map((scale) => scale * alpha);
    const { inputs: K, outputs: N, blocksPerOutput } = blocks;
    const stem = `${weight.name}/${bits}bit`;
    const bytes = (block * bits) / 8;
    const inputs = [
      this.#parameter(`${stem}/codes`, {
        dtype: "uint8",
        shape: [N, blocksPerOutput, bytes],
        data: blocks.codes,
      }),
      this.#parameter(`${stem}/scales`, {
        dtype: "float32",
        shape: [N, blocksPerOutput],
        data: scales,
      }),
    ];
    const { zeros } = blocks;
    if (zeros !== undefined) {
      const shape = [N, zeros.length / N];
      inputs.push(this.#parameter(`${stem}/zeros`, { dtype: "uint8", shape, data: zeros }));
    }
    this.weights.push({
      name: weight.name,
      shape: [K, N],
      floatBytes: 4 * K * N,
      bytes: blocks.codes.length + 4 * scales.length + (zeros?.length ?? 0),
      block,
      maxError: blocks.maxError,
    });
    const codes: Codes = { inputs, shape: [K, N], block };
    this.#made.set(key, codes);
    return codes;
  }

  #blockOf({ shape: [rows = 0, columns = 0] }: NdArray, transposed: boolean): QuantisedBlock {
    const { bits, block } = this.#options;
    if (block !== undefined) return block;
    if (bits === 4) return SMALLEST_BLOCK;
    const inputs = transposed ? columns : rows;
    return BLOCKS.find((size) => size <= inputs) ?? SMALLEST_BLOCK;
  }

  #parameter(stem: string, array: NdArray): string {
    const name = this.#unused(stem);
    this.#add(name, array);
    return name;
  }

  #add(name: string, array: NdArray): void {
    const { dtype, shape } = array;
    this.tensors.push({ name, elementType: dtype, shape, payload: { kind: "array", array } });
  }

  #unused(stem: string): string {
    let name = stem;
    for (let i = 1; this.#names.has(name); i++) name = `${stem}_${i}`;
    this.#names.add(name);
    return name;
  }
}

function arrayOf({ name, payload }: Tensor): NdArray {
  if (payload.kind === "array") return payload.array;
  const where = payload.kind === "external" ? `in the file ${payload.location}` : payload.kind;
  throw new TypeError(`Cannot quantise: weight "${name}" is ${where}, must be in the model`);
}

function numberOf(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.kind === "int" || attribute?.kind === "float"
    ? Number(attribute.value)
    : fallback;
}

function assertNames(graph: Graph, keep: readonly string[]): void {
  const known = new Set([...graph.initializers, ...graph.nodes].map(({ name }) => name));
  const unknown = keep.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new RangeError(
    `Cannot quantise: keep has "${unknown}", must be names of weights or nodes of the model`,
  );
}

/** Every name that nodes, those of inner graphs included, or outputs use. */
function usedNames(nodes: readonly Node[], outputs: readonly ValueInfo[]): Set<string> {
  const used = new Set(outputs.map(({ name }) => name));
  const visit = (all: readonly Node[]): void => {
    for (const node of all) {
      for (const input of node.inputs) used.add(input);
      for (const attribute of Object.values(node.attributes)) {
        const graphs =
          attribute.kind === "graph"
            ? [attribute.value]
            : attribute.kind === "graphs"
              ? attribute.value
              : [];
        for (const inner of graphs) {
          visit(inner.nodes);
          for (const { name } of inner.outputs) used.add(name);
        }
      }
    }
  };
  visit(nodes);
  return used;
}
