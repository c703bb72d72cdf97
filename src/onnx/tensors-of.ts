/** Every tensor of a model, wherever it stands: parameters, attributes, subgraphs, functions. */
import type { Attribute, Graph, Model, Node, Tensor } from "./ir.ts";

export function tensorsOf(model: Model): Tensor[] {
  const tensors: Tensor[] = [];
  mapTensors(model, (tensor) => {
    tensors.push(tensor);
    return tensor;
  });
  return tensors;
}

/** The model with every tensor replaced, in a fixed order. */
export function mapTensors(model: Model, change: (tensor: Tensor) => Tensor): Model {
  const inGraph = (graph: Graph): Graph => ({
    ...graph,
    initializers: graph.initializers.map(change),
    nodes: graph.nodes.map(inNode),
  });
  const inNode = (node: Node): Node => ({ ...node, attributes: inAttributes(node.attributes) });
  const inAttributes = (attributes: Node["attributes"]): Record<string, Attribute> =>
    Object.fromEntries(
      Object.entries(attributes).map(([name, attribute]) => [name, inAttribute(attribute)]),
    );
  const inAttribute = (attribute: Attribute): Attribute => {
    switch (attribute.kind) {
      case "tensor":
        return { kind: "tensor", value: change(attribute.value) };
      case "tensors":
        return { kind: "tensors", value: attribute.value.map(change) };
      case "graph":
        return { kind: "graph", value: inGraph(attribute.value) };
      case "graphs":
        return { kind: "graphs", value: attribute.value.map(inGraph) };
      default:
        return attribute;
    }
  };
  const functions = model.functions.map((f) => ({
    ...f,
    attributeDefaults: inAttributes(f.attributeDefaults),
    nodes: f.nodes.map(inNode),
  }));
  return { ...model, functions, graph: inGraph(model.graph) };
}
