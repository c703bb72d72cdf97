/** Copies of nodes under other names, which is what inlining a function or a branch is made of. */
import type { Attribute, Graph, Node } from "../ir.ts";

/** What references to a function's attributes stand for; `undefined` = outside a function. */
type Arguments = Readonly<Record<string, Attribute>> | undefined;

/** New names by old; what is not in it keeps its name. */
export type Renaming = ReadonlyMap<string, string>;

/** Nodes whose values have other names, inside their subgraphs too, and whose references are resolved. */
export function renameNodes(nodes: readonly Node[], names: Renaming, given?: Arguments): Node[] {
  const to = (name: string): string => names.get(name) ?? name;
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(to),
    outputs: node.outputs.map(to),
    attributes: renameAttributes(node.attributes, names, given),
  }));
}

function renameAttributes(
  attributes: Node["attributes"],
  names: Renaming,
  given: Arguments,
): Record<string, Attribute> {
  const result: Record<string, Attribute> = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.kind === "reference" && given !== undefined) {
      // An attribute that the caller left out and that has no default is absent in the body, too.
      const value = given[attribute.value];
      if (value !== undefined) result[name] = value;
    } else if (attribute.kind === "graph") {
      result[name] = { kind: "graph", value: renameCaptured(attribute.value, names, given) };
    } else if (attribute.kind === "graphs") {
      const value = attribute.value.map((graph) => renameCaptured(graph, names, given));
      result[name] = { kind: "graphs", value };
    } else {
      result[name] = attribute;
    }
  }
  return result;
}

/** Renames what a subgraph uses from outside; a name that it makes itself hides the outer one. */
function renameCaptured(graph: Graph, names: Renaming, given: Arguments): Graph {
  const own = new Set(namesIn(graph));
  const outer = new Map([...names].filter(([name]) => !own.has(name)));
  return { ...graph, nodes: renameNodes(graph.nodes, outer, given) };
}

/** Every value that a graph itself makes or declares, without those of its subgraphs. */
export function namesIn(graph: Graph): string[] {
  return [
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ];
}

/** The graphs among a node's attributes. */
export function subgraphsOf(node: Node): Graph[] {
  return Object.values(node.attributes).flatMap((attribute) =>
    attribute.kind === "graph"
      ? [attribute.value]
      : attribute.kind === "graphs"
        ? attribute.value
        : [],
  );
}

/** What a node's subgraphs use of the graph around it. */
export function capturedBy(node: Node): Set<string> {
  const captured = new Set<string>();
  for (const graph of subgraphsOf(node)) {
    const own = new Set(namesIn(graph));
    const use = (name: string): void => {
      if (name !== "" && !own.has(name)) captured.add(name);
    };
    for (const inner of graph.nodes) {
      inner.inputs.forEach(use);
      capturedBy(inner).forEach(use);
    }
    for (const { name } of graph.outputs) use(name);
  }
  return captured;
}
