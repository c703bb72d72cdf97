/** Model-local functions: calls become the nodes of the function's body. */
import type { LocalFunction, Model, Node } from "../ir.ts";
import { renameNodes } from "./rename.ts";
import { nodeLabel } from "./upgrade.ts";

/** A node, and the operator sets by which it is to be read. */
export interface SourceNode {
  readonly node: Node;
  readonly opsets: Readonly<Record<string, number>>;
}

/**
 * A node, or the nodes of the body if it calls a local function, to any depth. A body's inner values are
 * named after the call.
 * @param fresh gives a name that nothing else has
 * @throws {SyntaxError} for a function that calls itself
 */
export function inlineCall(
  model: Model,
  source: SourceNode,
  fresh: (stem: string) => string,
): SourceNode[] {
  return expand(source, { functions: model.functions, fresh, stack: [] });
}

interface Inlining {
  readonly functions: readonly LocalFunction[];
  readonly fresh: (stem: string) => string;
  readonly stack: readonly string[];
}

function expand(source: SourceNode, inlining: Inlining): SourceNode[] {
  const { node } = source;
  const { functions, stack, fresh } = inlining;
  const called = functions.find((f) => f.domain === node.domain && f.name === node.opType);
  if (called === undefined) return [source];
  const key = `${node.domain}.${node.opType}`;
  if (stack.includes(key)) {
    const way = [...stack, key].join(" -> ");
    throw new SyntaxError(`Cannot import model: function ${way} calls itself, must not`);
  }
  const opsets = { ...source.opsets, ...called.opsets };
  return bodyOf(called, node, fresh).flatMap((inner) =>
    expand({ node: inner, opsets }, { ...inlining, stack: [...stack, key] }),
  );
}

function bodyOf(called: LocalFunction, call: Node, fresh: (stem: string) => string): Node[] {
  const prefix = nodeLabel(call);
  const names = new Map(called.inputs.map((input, i) => [input, call.inputs[i] ?? ""]));
  const passedOn: Node[] = [];
  for (const [i, output] of called.outputs.entries()) {
    const outside = call.outputs[i] ?? "";
    if (outside === "") continue;
    if (!names.has(output)) names.set(output, outside);
    else passedOn.push(identity(names.get(output) ?? "", outside));
  }
  for (const inner of called.nodes.flatMap(({ outputs }) => outputs)) {
    if (inner !== "" && !names.has(inner)) names.set(inner, fresh(`${prefix}/${inner}`));
  }
  const given = { ...called.attributeDefaults, ...call.attributes };
  const body = renameNodes(called.nodes, names, given).map((node) => ({
    ...node,
    name: node.name === "" ? "" : `${prefix}/${node.name}`,
  }));
  return [...body, ...passedOn];
}

function identity(input: string, output: string): Node {
  const head = { name: "", opType: "Identity", domain: "", attributes: {} };
  return { ...head, inputs: [input], outputs: [output] };
}
