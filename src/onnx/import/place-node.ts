/** One node of a model on its way into the graph: computed, deferred, inlined or placed. */
import type { NdArray } from "../../core/index.ts";
import { evaluate } from "../evaluate/evaluate.ts";
import type { Value } from "../graph-core.ts";
import type { Attribute, Graph, Model, Node } from "../ir.ts";
import type { OpCall, Operand, TensorType } from "../rules/rule.ts";
import { intAttribute } from "../rules/rule.ts";
import { hasShapeRule, inferTypes } from "../shape-rules.ts";
import { named, tensorOfConstant } from "./constant-node.ts";
import type { DeclaredTypes } from "./declared-types.ts";
import type { Environment } from "./environment.ts";
import { inlineCall } from "./inline-functions.ts";
import type { SourceNode } from "./inline-functions.ts";
import type { KnownDims } from "./known-dims.ts";
import { equalDims, knownDims } from "./known-dims.ts";
import { openTypes } from "./open-types.ts";
import { capturedBy, renameNodes, subgraphsOf } from "./rename.ts";
import { nodeLabel, upgradeNode } from "./upgrade.ts";

export interface Importing {
  readonly model: Model;
  readonly environment: Environment;
  readonly declared: DeclaredTypes;
}

/** Brings a node, and what it stands for, into the graph. */
export function placeNode(source: SourceNode, importing: Importing): void {
  const { environment, model } = importing;
  const fresh = (stem: string): string => environment.fresh(stem);
  for (const { node, opsets } of inlineCall(model, source, fresh)) {
    const typeOf = (name: string): TensorType | undefined =>
      environment.has(name) ? environment.operand(name, nodeLabel(node)) : undefined;
    for (const upgraded of upgradeNode(node, opsets[node.domain] ?? 0, { fresh, typeOf })) {
      placeOne({ node: upgraded, opsets }, importing);
    }
  }
}

function placeOne(source: SourceNode, importing: Importing): void {
  const { node } = source;
  const { environment } = importing;
  if (node.opType === "Constant" && node.domain === "") {
    const tensor = tensorOfConstant(node);
    environment.set(tensor.name, { kind: "tensor", tensor, foldable: true });
    return;
  }
  const call = callOf(node, environment);
  if (inlineBranch(source, call, importing)) return;
  const results = evaluate(call);
  if (results !== undefined) {
    for (const [i, array] of results.entries()) setConstant(environment, node.outputs[i], array);
    return;
  }
  const user = userWords(node);
  const inputDims = node.inputs.map((name) =>
    name === "" ? undefined : environment.dims(name, user),
  );
  if (isPlain(node)) {
    const dims = knownDims(call, inputDims);
    if (dims !== undefined) return defer(source, dims, { importing, call, inputDims });
    if (foldEqual(node, inputDims, environment)) return;
    const target = staticTarget(call, inputDims[1]);
    if (target !== undefined) {
      const name = environment.fresh(`${nodeLabel(node)}/shape`);
      setConstant(environment, name, target);
      const [x = ""] = node.inputs;
      const constant = { elementType: "int64", shape: target.shape, constant: target } as const;
      const fixed = { ...source, node: { ...node, inputs: [x, name] } };
      const inputs = [call.inputs[0], constant];
      return put(fixed, { importing, call: { ...call, inputs }, inputDims });
    }
  }
  put(source, { importing, call, inputDims });
}

interface Placing {
  readonly importing: Importing;
  readonly call: OpCall;
  readonly inputDims: readonly (KnownDims | undefined)[];
}

function callOf(node: Node, environment: Environment): OpCall {
  const user = userWords(node);
  return {
    opType: node.opType,
    domain: node.domain,
    name: nodeLabel(node),
    inputs: node.inputs.map((name) => (name === "" ? undefined : environment.operand(name, user))),
    attributes: node.attributes,
    outputCount: outputNames(node).length,
  };
}

function userWords(node: Node): string {
  return `${node.opType} "${nodeLabel(node)}"`;
}

/** Outputs up to the last one that has a name. */
function outputNames({ outputs }: Node): readonly string[] {
  return outputs.slice(0, outputs.findLastIndex((name) => name !== "") + 1);
}

function isPlain(node: Node): boolean {
  return node.domain === "" && outputNames(node).length === 1;
}

function setConstant(environment: Environment, name: string | undefined, array: NdArray): void {
  if (name === undefined || name === "") return;
  environment.set(name, { kind: "tensor", tensor: named(name, array), foldable: true });
}

/** Numbers become a constant; names wait until somebody needs them as a tensor. */
function defer(source: SourceNode, dims: KnownDims, placing: Placing): void {
  const { environment } = placing.importing;
  const name = source.node.outputs[0] ?? "";
  if (dims.dims.every((dim) => typeof dim === "number")) {
    const data = BigInt64Array.from(dims.dims, BigInt);
    const shape = dims.scalar ? [] : [data.length];
    setConstant(environment, name, { dtype: "int64", shape, data });
    return;
  }
  const shape = dims.scalar ? [] : [dims.dims.length];
  const make = (): Value => {
    put(source, placing);
    return environment.value(name, userWords(source.node));
  };
  environment.set(name, { kind: "deferred", type: { elementType: "int64", shape }, dims, make });
}

/** Exporters ask which entries of a shape are -1; a named dimension never is. */
function foldEqual(
  node: Node,
  [a, b]: readonly (KnownDims | undefined)[],
  environment: Environment,
): boolean {
  if (node.opType !== "Equal" || a === undefined || b === undefined) return false;
  const equal = equalDims(a, b);
  if (equal === undefined) return false;
  const shape = equal.scalar ? [] : [equal.dims.length];
  const data = Uint8Array.from(equal.dims, Number);
  setConstant(environment, node.outputs[0], { dtype: "bool", shape, data });
  return true;
}

/** The target of a `Reshape` to named dimensions without the names: copied (0), or what is left over (-1). */
function staticTarget(call: OpCall, target: KnownDims | undefined): NdArray | undefined {
  const x = call.inputs[0];
  if (call.opType !== "Reshape" || x === undefined || target === undefined) return undefined;
  if (call.inputs[1]?.constant !== undefined || target.dims.includes(0)) return undefined;
  const numbers = target.dims.map((dim, i) =>
    typeof dim === "number" ? dim : x.shape[i] === dim ? 0 : -1,
  );
  if (numbers.filter((dim) => dim === -1).length > 1) return undefined;
  if (intAttribute(call, "allowzero", 0) === 1 && numbers.includes(0)) return undefined;
  return { dtype: "int64", shape: [numbers.length], data: BigInt64Array.from(numbers, BigInt) };
}

/** An `If` whose condition is known is the branch that it takes. */
function inlineBranch({ node, opsets }: SourceNode, call: OpCall, importing: Importing): boolean {
  const condition = call.inputs[0]?.constant;
  if (node.opType !== "If" || node.domain !== "" || condition === undefined) return false;
  const branch = node.attributes[condition.data[0] === 1 ? "then_branch" : "else_branch"];
  if (branch?.kind !== "graph") return false;
  const { environment } = importing;
  const { initializers, nodes, outputs } = branch.value;
  const names = new Map<string, string>();
  const inner = [...initializers.map(({ name }) => name), ...nodes.flatMap((n) => n.outputs)];
  for (const name of inner) {
    if (name !== "") names.set(name, environment.fresh(`${nodeLabel(node)}/${name}`));
  }
  for (const tensor of initializers) {
    const name = names.get(tensor.name) ?? tensor.name;
    environment.set(name, { kind: "tensor", tensor: { ...tensor, name }, foldable: true });
  }
  for (const renamed of renameNodes(nodes, names)) placeNode({ node: renamed, opsets }, importing);
  for (const [i, { name }] of outputs.entries()) {
    const outside = node.outputs[i] ?? "";
    if (outside !== "") environment.alias(names.get(name) ?? name, outside, userWords(node));
  }
  return true;
}

/** Adds the node itself. */
function put({ node, opsets }: SourceNode, placing: Placing): void {
  const { environment, model } = placing.importing;
  const user = userWords(node);
  const captures = [...capturedBy(node)].filter((name) => environment.has(name));
  const values = captures.map((name) => environment.value(name, user));
  const names = new Map(captures.map((name, i) => [name, values[i]?.name ?? name]));
  const [renamed = node] = renameNodes([node], names);
  const attributes = upgradeSubgraphs(renamed, { node: renamed, opsets }, { model, environment });
  const outputs = outputNames(node);
  const types = typesOf(node, placing);
  const inputs = node.inputs.map((name) =>
    name === "" ? undefined : environment.value(name, user),
  );
  const made = environment.graph.op(node.opType, inputs, {
    attributes,
    domain: node.domain,
    outputTypes: types,
    name: nodeLabel(node),
    outputNames: outputs,
    opset: node.domain === "" ? 1 : (opsets[node.domain] ?? 1),
    captures: values,
  });
  for (const [i, value] of made.entries()) {
    const name = outputs[i] ?? "";
    if (name !== "") environment.set(name, { kind: "value", value });
  }
}

/** By our rule; by named dimensions or the file's word where the rule needs numbers that are computed. */
function typesOf(node: Node, { importing, call, inputDims }: Placing): readonly TensorType[] {
  const outputs = outputNames(node);
  const declared = outputs.map((name, i) =>
    name === "" ? call.inputs[i] : importing.declared.typeOf(name),
  );
  const word = declared.every((type) => type !== undefined) ? declared : undefined;
  if (!hasShapeRule(call)) return word ?? openTypes(call, inputDims) ?? inferTypes(call);
  try {
    const types = inferTypes(knowable(node, call, importing.environment));
    const missing = outputs.length - types.length;
    if (missing <= 0) return types.slice(0, outputs.length);
    return word ?? refuseOutputs(node, types.length);
  } catch (error) {
    const open = isOpen(call) ? (openTypes(call, inputDims) ?? word) : undefined;
    if (open === undefined) throw error;
    return open;
  }
}

function refuseOutputs(node: Node, known: number): never {
  throw new TypeError(
    `Cannot import ${userWords(node)}: the types of ${known} outputs are known, ` +
      `must be those of ${outputNames(node).length} (or declared in the file)`,
  );
}

/** The call with the numbers of parameters, too, which rules may look at though nothing is computed from them. */
function knowable(node: Node, call: OpCall, environment: Environment): OpCall {
  const inputs = node.inputs.map((name, i): Operand | undefined => {
    const operand = call.inputs[i];
    const meaning = name === "" ? undefined : environment.get(name, nodeLabel(node));
    if (operand === undefined || meaning === undefined) return operand;
    const known = meaning.kind === "value" ? meaning.was : meaning;
    const payload = known?.kind === "tensor" ? known.tensor.payload : undefined;
    return payload?.kind === "array" ? { ...operand, constant: payload.array } : operand;
  });
  return { ...call, inputs };
}

/** Operators whose first input is numbers that the result's shape depends on; else it is data. */
const SHAPED_BY_FIRST: ReadonlySet<string> = new Set(["ConstantOfShape", "Range"]);

/** Whether something that a rule may need is known at run time only. */
function isOpen({ opType, inputs }: OpCall): boolean {
  const first = SHAPED_BY_FIRST.has(opType) ? 0 : 1;
  return inputs.some(
    (input, i) =>
      input !== undefined &&
      (input.shape.some((dim) => typeof dim === "string") ||
        (i >= first && input.elementType === "int64" && input.constant === undefined)),
  );
}

/** Subgraphs that stay subgraphs, with their nodes in the newer form. */
function upgradeSubgraphs(
  node: Node,
  source: SourceNode,
  importing: Pick<Importing, "model" | "environment">,
): Record<string, Attribute> {
  if (subgraphsOf(node).length === 0) return { ...node.attributes };
  const { model, environment } = importing;
  const fresh = (stem: string): string => environment.fresh(stem);
  const typeOf = (): undefined => undefined;
  const upgraded = (graph: Graph): Graph => ({
    ...graph,
    valueInfo: [],
    nodes: graph.nodes
      .flatMap((inner) => inlineCall(model, { node: inner, opsets: source.opsets }, fresh))
      .flatMap((inner) =>
        upgradeNode(inner.node, inner.opsets[inner.node.domain] ?? 0, { fresh, typeOf }).map(
          (last) => ({ ...last, attributes: upgradeSubgraphs(last, inner, importing) }),
        ),
      ),
  });
  return Object.fromEntries(
    Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
      if (attribute.kind === "graph")
        return [name, { kind: "graph", value: upgraded(attribute.value) }];
      if (attribute.kind !== "graphs") return [name, attribute];
      return [name, { kind: "graphs", value: attribute.value.map(upgraded) }];
    }),
  );
}
