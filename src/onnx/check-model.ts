import { elementCount } from "../core/index.ts";
import { checkDtypes } from "./check-dtypes.ts";
import { findCycle } from "./find-cycle.ts";
import type { Graph, Model, Node, ValueInfo } from "./ir.ts";

/** One thing that is wrong with a model, and where. */
export interface ModelProblem {
  /** For instance `node "encoder/MatMul_2"`. */
  readonly where: string;
  readonly is: string;
  readonly mustBe: string;
}

/**
 * Structural problems of a model: names that are missing, doubled or used before they are made, nodes that
 * wait for each other, opsets that are not imported, tensors that contradict their shapes, operators on
 * mixed dtypes where the file declares them. An empty list means none. Operators are not looked into further
 * (`importGraph` infers types, and the engine when it opens the model), so models from anywhere can be checked.
 */
export function checkModel(model: Model): ModelProblem[] {
  const problems: ModelProblem[] = [];
  if (Object.keys(model.opsets).length === 0) {
    problems.push({
      where: "model",
      is: "importing no operator set",
      mustBe: "importing at least one",
    });
  }
  if (model.graph.outputs.length === 0) {
    problems.push({
      where: `graph "${model.graph.name}"`,
      is: "without outputs",
      mustBe: "with one",
    });
  }
  const local = new Set(model.functions.map((f) => `${f.domain}::${f.name}`));
  checkGraph(model.graph, { model, local, outer: new Set(), problems });
  return problems;
}

/** @throws {SyntaxError} naming every problem */
export function assertModel(model: Model): void {
  const problems = checkModel(model);
  if (problems.length === 0) return;
  const words = problems.map(({ where, is, mustBe }) => `${where} is ${is}, must be ${mustBe}`);
  throw new SyntaxError(`Cannot use ONNX model: ${words.join("; ")}`);
}

interface Scope {
  readonly model: Model;
  readonly local: ReadonlySet<string>;
  /** Values that a subgraph may use from the graphs around it. */
  readonly outer: ReadonlySet<string>;
  readonly problems: ModelProblem[];
}

function checkGraph(graph: Graph, scope: Scope): void {
  const { problems } = scope;
  const made = new Set<string>();
  const declare = (name: string, where: string): void => {
    if (name === "") problems.push({ where, is: "without a name", mustBe: "named" });
    else if (made.has(name)) problems.push({ where, is: "made twice", mustBe: "made once" });
    made.add(name);
  };
  for (const { name } of graph.inputs) declare(name, `input "${name}"`);
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  for (const tensor of graph.initializers) {
    // Before IR version 4 every parameter is an input, too; there it is the input's default.
    if (!inputs.has(tensor.name)) declare(tensor.name, `parameter "${tensor.name}"`);
    const { payload } = tensor;
    if (payload.kind === "array" && payload.array.data.length !== elementCount(tensor.shape)) {
      problems.push({
        where: `parameter "${tensor.name}"`,
        is: `${payload.array.data.length} values`,
        mustBe: `${tensor.elementType}[${tensor.shape.join(", ")}]`,
      });
    }
  }
  for (const node of graph.nodes) {
    checkNode(node, { ...scope, outer: new Set([...scope.outer, ...made]) });
    for (const output of node.outputs) if (output !== "") declare(output, `value "${output}"`);
  }
  const cycle = findCycle(graph);
  if (cycle !== undefined) {
    const is = `cyclic: ${cycle.map((name) => `"${name}"`).join(" -> ")}`;
    problems.push({ where: `graph "${graph.name}"`, is, mustBe: "without a way back" });
  }
  problems.push(...checkDtypes(graph));
  checkOutputs(graph.outputs, made, problems);
}

function checkOutputs(
  outputs: readonly ValueInfo[],
  made: ReadonlySet<string>,
  problems: ModelProblem[],
): void {
  const seen = new Set<string>();
  for (const { name } of outputs) {
    const where = `output "${name}"`;
    if (!made.has(name)) problems.push({ where, is: "made by no node", mustBe: "made by one" });
    if (seen.has(name)) problems.push({ where, is: "listed twice", mustBe: "listed once" });
    seen.add(name);
  }
}

function checkNode(node: Node, scope: Scope): void {
  const { model, local, outer, problems } = scope;
  const where = `node "${node.name === "" ? (node.outputs[0] ?? "") : node.name}" (${node.opType})`;
  if (node.opType === "") problems.push({ where, is: "without an operator", mustBe: "of one" });
  if (!Object.hasOwn(model.opsets, node.domain) && !local.has(`${node.domain}::${node.opType}`)) {
    const domain = node.domain === "" ? "ai.onnx" : node.domain;
    problems.push({
      where,
      is: `of domain ${domain}, which is not imported`,
      mustBe: "of an imported one",
    });
  }
  for (const input of node.inputs) {
    if (input !== "" && !outer.has(input)) {
      problems.push({
        where,
        is: `using "${input}" before it is made`,
        mustBe: "after what it uses",
      });
    }
  }
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.kind === "graph") checkGraph(attribute.value, scope);
    if (attribute.kind === "graphs") for (const inner of attribute.value) checkGraph(inner, scope);
  }
}
