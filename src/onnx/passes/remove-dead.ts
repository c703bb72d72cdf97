import { capturedBy } from "../import/rename.ts";
import type { Model, Node } from "../ir.ts";

/** The model without nodes, parameters and types that no output depends on. Inputs stay: they are its face. */
export function removeDead(model: Model): Model {
  const { graph } = model;
  const live = new Set(graph.outputs.map(({ name }) => name));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    nodes.push(node);
    for (const name of [...node.inputs, ...capturedBy(node)]) live.add(name);
  }
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  return {
    ...model,
    graph: {
      ...graph,
      nodes: nodes.reverse(),
      initializers: graph.initializers.filter(({ name }) => live.has(name)),
      valueInfo: graph.valueInfo.filter(({ name }) => made.has(name) || live.has(name)),
    },
  };
}
