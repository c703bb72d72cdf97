import type { Attribute, Dim, Graph, Model, Node, Tensor, ValueInfo, ValueType } from "./ir.ts";

export interface LoopOptions {
  /** Steps of one run, K, at least 1; or the name of a new input `int64[]` that says how many in each run. */
  readonly steps: number | string;
  /** What a step hands to the next: its output, and the input it becomes. */
  readonly carry: readonly (readonly [output: string, input: string])[];
  /** Inputs that are others in every step: the new model takes them stacked, `[K, ...]`. */
  readonly perStep?: readonly string[];
  /** Outputs wanted of every step: the new model gives them stacked, `[K, ...]`. */
  readonly collect?: readonly string[];
}

/**
 * Makes K steps of a graph into one run, by ONNX's `Loop`: for devices that keep no state between runs, so
 * that the state travels once per K steps. The new model has the step's inputs under their names (those in
 * `carry` hold the state before the first step), and as outputs the carried ones (the state after the last
 * step) and the collected ones. Outputs in neither list are left out.
 *
 * The body is the step's own nodes and constants, so the engine computes the same bits as in K runs.
 * @throws {RangeError} for `steps` below 1 or of an input's name, or names that are not the model's, or used twice
 * @throws {TypeError} if a carried output is not of its input's type
 */
export function loopSteps(model: Model, options: LoopOptions): Model {
  const { steps, carry, perStep = [], collect = [] } = options;
  assertOptions(model.graph, options);
  const inner = renaming(model.graph, { carry, perStep });
  const [iteration, going] = ["loop/iteration", "loop/going"];
  const counted = typeof steps === "number";
  const count = counted ? "loop/count" : steps;
  const gathers = perStep.map((name): Node => ({
    ...NODE,
    name: `loop/take/${name}`,
    opType: "Gather",
    inputs: [name, iteration],
    outputs: [inner(name)],
    attributes: { axis: { kind: "int", value: 0 } },
  }));
  const carried = carry.map(([output]) => identity(inner(output), `loop/next/${output}`));
  const collected = collect.map((output) => identity(inner(output), `loop/each/${output}`));
  const still = identity(going, "loop/goes_on");
  const { graph } = model;
  const body: Graph = {
    name: `${graph.name}/step`,
    inputs: [
      tensorInfo(iteration, "int64", []),
      tensorInfo(going, "bool", []),
      ...carry.map(([, input]) => ({ ...infoOf(graph.inputs, input), name: inner(input) })),
    ],
    outputs: [
      tensorInfo("loop/goes_on", "bool", []),
      ...carry.map(([output]) => renamed(infoOf(graph.outputs, output), `loop/next/${output}`)),
      ...collect.map((output) => renamed(infoOf(graph.outputs, output), `loop/each/${output}`)),
    ],
    initializers: graph.initializers.map((tensor) => ({ ...tensor, name: inner(tensor.name) })),
    nodes: [...gathers, ...renameNodes(graph.nodes, inner), still, ...carried, ...collected],
    valueInfo: [],
  };
  const loop: Node = {
    ...NODE,
    name: "loop",
    opType: "Loop",
    inputs: [count, "", ...carry.map(([, input]) => input)],
    outputs: [...carry.map(([output]) => output), ...collect],
    attributes: { body: { kind: "graph", value: body } },
  };
  return {
    ...model,
    graph: {
      name: counted ? `${graph.name}/${steps}_steps` : `${graph.name}/steps`,
      inputs: [
        ...graph.inputs
          .filter(({ name }) => !graph.initializers.some((tensor) => tensor.name === name))
          .map((info) => (perStep.includes(info.name) ? stacked(info, steps) : info)),
        ...(counted ? [] : [tensorInfo(count, "int64", [])]),
      ],
      outputs: [
        ...carry.map(([output, input]) => renamed(infoOf(graph.inputs, input), output)),
        ...collect.map((output) => stacked(infoOf(graph.outputs, output), steps)),
      ],
      initializers: counted ? [countTensor(count, steps)] : [],
      nodes: [loop],
      valueInfo: [],
    },
  };
}

const NODE = { domain: "", attributes: {} } as const;

function identity(input: string, output: string): Node {
  return { ...NODE, name: output, opType: "Identity", inputs: [input], outputs: [output] };
}

function countTensor(name: string, steps: number): Tensor {
  const array = { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) } as const;
  return { name, elementType: "int64", shape: [], payload: { kind: "array", array } };
}

function tensorInfo(name: string, elementType: "int64" | "bool", shape: readonly Dim[]): ValueInfo {
  return { name, type: { kind: "tensor", elementType, shape } };
}

function renamed(info: ValueInfo, name: string): ValueInfo {
  return { ...info, name };
}

function stacked({ name, type }: ValueInfo, steps: Dim): ValueInfo {
  if (type.kind !== "tensor" || type.shape === null) return { name, type };
  return { name, type: { ...type, shape: [steps, ...type.shape] } };
}

function infoOf(infos: readonly ValueInfo[], name: string): ValueInfo {
  const info = infos.find((each) => each.name === name);
  if (info === undefined) {
    const known = infos.map((each) => `"${each.name}"`).join(", ");
    throw new RangeError(`Cannot loop steps: there is no "${name}", must be one of ${known}`);
  }
  return info;
}

/**
 * New names for what the body makes or is given. A name inside a body must not be one of the graph
 * around it, so everything but the inputs that are the same in every step moves to `step/`.
 */
function renaming(
  graph: Graph,
  options: Required<Pick<LoopOptions, "carry" | "perStep">>,
): (name: string) => string {
  const own = new Set(graph.initializers.map(({ name }) => name));
  const changing = new Set([...options.perStep, ...options.carry.map(([, input]) => input)]);
  const shared = new Set(
    graph.inputs.map(({ name }) => name).filter((name) => !own.has(name) && !changing.has(name)),
  );
  return (name) => (name === "" || shared.has(name) ? name : `step/${name}`);
}

export function renameNodes(nodes: readonly Node[], rename: (name: string) => string): Node[] {
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([key, value]) => [key, renameInside(value, rename)]),
    ),
  }));
}

function renameInside(attribute: Attribute, rename: (name: string) => string): Attribute {
  switch (attribute.kind) {
    case "graph":
      return { kind: "graph", value: renameGraph(attribute.value, rename) };
    case "graphs":
      return { kind: "graphs", value: attribute.value.map((graph) => renameGraph(graph, rename)) };
    default:
      return attribute;
  }
}

function renameGraph(graph: Graph, rename: (name: string) => string): Graph {
  const named = <T extends { readonly name: string }>(each: T): T => ({
    ...each,
    name: rename(each.name),
  });
  return {
    name: graph.name,
    inputs: graph.inputs.map(named),
    outputs: graph.outputs.map(named),
    initializers: graph.initializers.map(named),
    nodes: renameNodes(graph.nodes, rename),
    valueInfo: graph.valueInfo.map(named),
  };
}

function assertOptions(graph: Graph, options: LoopOptions): void {
  const { steps, carry, perStep = [], collect = [] } = options;
  if (typeof steps === "string") assertNew(graph, steps);
  else if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(`Cannot loop steps: steps is ${steps}, must be an integer of 1 or more`);
  }
  if (carry.length + collect.length === 0) {
    throw new RangeError("Cannot loop steps: nothing is carried or collected, must be something");
  }
  assertOnce([...carry.map(([, input]) => input), ...perStep], "input");
  assertOnce([...carry.map(([output]) => output), ...collect], "output");
  for (const name of perStep) infoOf(graph.inputs, name);
  for (const name of collect) infoOf(graph.outputs, name);
  for (const [output, input] of carry) {
    const [from, to] = [infoOf(graph.outputs, output), infoOf(graph.inputs, input)];
    if (!agree(from.type, to.type)) {
      throw new TypeError(
        `Cannot loop steps: output "${output}" is ${words(from.type)}, must be ${words(to.type)} as input "${input}" is`,
      );
    }
  }
}

function assertNew({ inputs }: Graph, name: string): void {
  if (name !== "" && !inputs.some((input) => input.name === name)) return;
  throw new RangeError(
    `Cannot loop steps: the input "${name}" is to say how many, must have a name of its own`,
  );
}

function assertOnce(names: readonly string[], what: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new RangeError(
    `Cannot loop steps: ${what} "${twice}" is named twice, must be in one list and once`,
  );
}

function agree(a: ValueType, b: ValueType): boolean {
  if (a.kind !== "tensor" || b.kind !== "tensor") return false;
  if (a.elementType !== b.elementType) return false;
  if (a.shape === null || b.shape === null) return true;
  const { shape } = b;
  return (
    a.shape.length === shape.length &&
    a.shape.every((dim, i) => {
      const other = shape[i];
      return typeof dim !== "number" || typeof other !== "number" || dim === other;
    })
  );
}

function words(type: ValueType): string {
  if (type.kind !== "tensor") return `a ${type.kind}`;
  return `${type.elementType}[${type.shape?.map((dim) => dim ?? "?").join(", ") ?? "..."}]`;
}
