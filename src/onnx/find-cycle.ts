import type { Graph, Node } from "./ir.ts";

/**
 * Nodes that wait for each other, first and last the same, by name; `undefined` if there are none. Walks
 * without recursion: a graph may be deeper than the stack.
 */
export function findCycle(graph: Graph): string[] | undefined {
  const makers = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) makers.set(output, node);
  const done = new Set<Node>();
  for (const start of graph.nodes) {
    const path: { readonly node: Node; next: number }[] = [{ node: start, next: 0 }];
    const open = new Set([start]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (input === undefined || done.has(top.node)) {
        done.add(top.node);
        open.delete(top.node);
        path.pop();
        continue;
      }
      const maker = input === "" ? undefined : makers.get(input);
      if (maker === undefined || done.has(maker)) continue;
      if (open.has(maker)) {
        const from = path.findIndex(({ node }) => node === maker);
        // Backwards, because a node points at what it waits for.
        return [
          maker,
          ...path
            .slice(from)
            .map(({ node }) => node)
            .reverse(),
        ].map(nameOf);
      }
      open.add(maker);
      path.push({ node: maker, next: 0 });
    }
  }
  return undefined;
}

function nameOf({ name, outputs, opType }: Node): string {
  return name === "" ? (outputs[0] ?? opType) : name;
}
