import { renameNodes, subgraphsOf } from "../import/rename.ts";
import type { Attribute, Graph, Model, Node, Tensor } from "../ir.ts";

/** Operators whose results differ from call to call. */
const RANDOM_OPS: ReadonlySet<string> = new Set([
  ..."RandomNormal RandomNormalLike RandomUniform RandomUniformLike".split(" "),
  ..."Multinomial Bernoulli Dropout".split(" "),
]);

/** Bytes up to which constants are compared. */
const SMALL = 4096;

/**
 * The model with equal computations done once: nodes of one operator, with equal attributes, on the same
 * values. Constants are shared where they are integers, truth values or scalars; two weights that happen to
 * be equal stay two weights. What becomes superfluous is gone.
 */
export function shareEqual(model: Model): Model {
  const { graph } = model;
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const renamed = new Map<string, string>();
  const initializers = sharedConstants(graph, renamed);
  const firsts = new Map<string, Node>();
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const [node = original] = renameNodes([original], renamed);
    const key = keyOf(node);
    const first = key === undefined ? undefined : firsts.get(key);
    if (key !== undefined && first === undefined) firsts.set(key, node);
    if (first === undefined) nodes.push(node);
    else nodes.push(...replaced(node, first, { outputs, renamed }));
  }
  const gone = new Set(renamed.keys());
  const valueInfo = graph.valueInfo.filter(({ name }) => !gone.has(name));
  return { ...model, graph: { ...graph, initializers, nodes, valueInfo } };
}

function sharedConstants(graph: Graph, renamed: Map<string, string>): Tensor[] {
  // What is fed from outside, or is an output, must keep its name.
  const fixed = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const firsts = new Map<string, string>();
  return graph.initializers.filter((tensor) => {
    const key = fixed.has(tensor.name) ? undefined : constantKey(tensor);
    if (key === undefined) return true;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, tensor.name);
    else renamed.set(tensor.name, first);
    return first === undefined;
  });
}

function constantKey({ elementType, shape, payload }: Tensor): string | undefined {
  const weight = /float/.test(elementType) && shape.length > 0;
  if (weight || payload.kind !== "array") return undefined;
  const { buffer, byteOffset, byteLength } = payload.array.data;
  if (byteLength > SMALL) return undefined;
  // By bytes, not by value: -0 and 0 are different constants.
  return `${elementType}[${shape.join()}]${new Uint8Array(buffer, byteOffset, byteLength).join()}`;
}

/** Nothing where only other nodes used the results; an Identity for each that is an output of the graph. */
function replaced(
  node: Node,
  first: Node,
  to: { readonly outputs: ReadonlySet<string>; readonly renamed: Map<string, string> },
): Node[] {
  const identities: Node[] = [];
  for (const [i, name] of node.outputs.entries()) {
    const source = first.outputs[i] ?? "";
    if (name === "") continue;
    if (!to.outputs.has(name)) to.renamed.set(name, source);
    else {
      const head = { name: `${name}/Identity`, opType: "Identity", domain: "", attributes: {} };
      identities.push({ ...head, inputs: [source], outputs: [name] });
    }
  }
  return identities;
}

/** Equal for nodes that compute the same; `undefined` for those that must not be shared. */
function keyOf(node: Node): string | undefined {
  if (RANDOM_OPS.has(node.opType) || subgraphsOf(node).length > 0) return undefined;
  const attributes = Object.entries(node.attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, attribute]) => [name, attributeKey(attribute)]);
  // An output that one call has and the other leaves out could not be replaced.
  const made = node.outputs.map((name) => name !== "");
  const words = [node.domain, node.opType, node.inputs, made, attributes];
  return attributes.some(([, key]) => key === undefined) ? undefined : JSON.stringify(words);
}

function attributeKey(attribute: Attribute): string | undefined {
  if (attribute.kind === "tensor") {
    const { elementType, shape, payload } = attribute.value;
    if (payload.kind !== "array") return undefined;
    const { buffer, byteOffset, byteLength } = payload.array.data;
    if (byteLength > SMALL) return undefined;
    return `${elementType}[${shape.join()}]${new Uint8Array(buffer, byteOffset, byteLength).join()}`;
  }
  if (attribute.kind === "tensors") return undefined;
  return JSON.stringify(attribute, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : value,
  );
}
