import type { ModelProblem } from "./check-model.ts";
import type { ElementType } from "./element-type.ts";
import type { Graph, Node } from "./ir.ts";

/** Operators all of whose inputs have one dtype. */
const ONE_DTYPE: ReadonlySet<string> = new Set([
  ..."Add Sub Mul Div Mod Min Max Sum Mean Concat MatMul Gemm Conv ConvTranspose PRelu".split(" "),
  ..."Equal Less LessOrEqual Greater GreaterOrEqual Clip".split(" "),
]);

/** Nodes whose inputs are declared with dtypes that do not go together. Nothing is inferred. */
export function checkDtypes(graph: Graph): ModelProblem[] {
  const types = new Map<string, ElementType>();
  for (const { name, type } of [...graph.inputs, ...graph.valueInfo]) {
    if (type.kind === "tensor") types.set(name, type.elementType);
  }
  for (const { name, elementType } of graph.initializers) types.set(name, elementType);
  return graph.nodes.flatMap((node) => mixedInputs(node, types));
}

function mixedInputs(node: Node, types: ReadonlyMap<string, ElementType>): ModelProblem[] {
  if (node.domain !== "" || !ONE_DTYPE.has(node.opType)) return [];
  const known = node.inputs.filter((name) => types.has(name));
  const [first = ""] = known;
  const other = known.find((name) => types.get(name) !== types.get(first));
  if (other === undefined) return [];
  const where = `node "${node.name === "" ? (node.outputs[0] ?? "") : node.name}" (${node.opType})`;
  const is = `on "${first}", which is ${types.get(first)}, and "${other}", which is ${types.get(other)}`;
  return [{ where, is, mustBe: "on one dtype" }];
}
