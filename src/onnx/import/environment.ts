/** What the names of a model stand for while it is imported. */
import type { NdArray } from "../../core/index.ts";
import type { GraphBuilder } from "../builder.ts";
import { isDtype } from "../element-type.ts";
import type { Value } from "../graph-core.ts";
import type { Tensor } from "../ir.ts";
import type { Operand } from "../rules/rule.ts";
import type { KnownDims } from "./known-dims.ts";
import { dimsOfArray } from "./known-dims.ts";

/** A name's meaning. Tensors and shape arithmetic join the graph when something there needs them. */
export type Meaning =
  /** `was`: what it meant before it joined the graph, which is still true. */
  { readonly kind: "value"; readonly value: Value; readonly was?: Latent } | Latent;

/** What is known without being in the graph. */
export type Latent =
  /** `foldable`: fixed for good, so that results may be computed from it now. */
  | { readonly kind: "tensor"; readonly tensor: Tensor; readonly foldable: boolean }
  | {
      readonly kind: "deferred";
      readonly type: Operand;
      readonly dims: KnownDims;
      readonly make: () => Value;
    };

/** Names, meanings, and the graph in which they become values. */
export class Environment {
  readonly graph: GraphBuilder;
  readonly #meanings = new Map<string, Meaning>();
  readonly #values = new Map<string, Value>();
  readonly #taken: Set<string>;

  /** @param taken every name of the model */
  constructor(graph: GraphBuilder, taken: Set<string>) {
    this.graph = graph;
    this.#taken = taken;
  }

  /** What is in the graph, by its name in the model. */
  get values(): ReadonlyMap<string, Value> {
    return this.#values;
  }

  fresh(stem: string): string {
    let name = stem;
    for (let i = 1; this.#taken.has(name); i++) name = `${stem}_${i}`;
    this.#taken.add(name);
    return name;
  }

  has(name: string): boolean {
    return this.#meanings.has(name);
  }

  set(name: string, meaning: Meaning): void {
    this.#meanings.set(name, meaning);
    if (meaning.kind === "value") this.#values.set(name, meaning.value);
  }

  get(name: string, user: string): Meaning {
    const meaning = this.#meanings.get(name);
    if (meaning === undefined) {
      throw new SyntaxError(
        `Cannot import ${user}: "${name}" is made by no node before it, must be (checkModel lists all such)`,
      );
    }
    return meaning;
  }

  /** `another` name for what a name means. */
  alias(name: string, another: string, user: string): void {
    this.set(another, this.get(name, user));
  }

  /** The type of what a name means, with its numbers where results may be computed from them. */
  operand(name: string, user: string): Operand {
    const meaning = this.get(name, user);
    if (meaning.kind === "value") {
      return meaning.was === undefined ? typeOnly(meaning.value) : latentOperand(meaning.was);
    }
    return latentOperand(meaning);
  }

  dims(name: string, user: string): KnownDims | undefined {
    const meaning = this.get(name, user);
    const known = meaning.kind === "value" ? meaning.was : meaning;
    if (known?.kind === "deferred") return known.dims;
    const constant = known === undefined ? undefined : operandOf(known).constant;
    return constant === undefined ? undefined : dimsOfArray(constant);
  }

  /** What a name means, as a value of the graph. */
  value(name: string, user: string): Value {
    const meaning = this.get(name, user);
    if (meaning.kind === "value") return meaning.value;
    const value =
      meaning.kind === "deferred" ? meaning.make() : this.graph.initializer(meaning.tensor);
    this.set(name, { kind: "value", value, was: meaning });
    return value;
  }
}

function typeOnly({ elementType, shape }: Value): Operand {
  return { elementType, shape };
}

function latentOperand(latent: Latent): Operand {
  return latent.kind === "deferred" ? latent.type : operandOf(latent);
}

function operandOf({ tensor, foldable }: Latent & { kind: "tensor" }): Operand {
  const { elementType, shape, payload, name } = tensor;
  if (!isDtype(elementType)) {
    throw new TypeError(`Cannot import tensor "${name}": it is ${elementType}, must be numeric`);
  }
  const array: NdArray | undefined = payload.kind === "array" ? payload.array : undefined;
  return foldable && array !== undefined
    ? { elementType, shape, constant: array }
    : { elementType, shape };
}
