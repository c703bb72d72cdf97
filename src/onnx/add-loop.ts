/** Loops inside a graph under construction, by ONNX's `Loop`. */
import type { GraphBuilder } from "./builder.ts";
import type { Value } from "./graph-core.ts";
import type { Graph, Model, Node, ValueInfo } from "./ir.ts";
import { renameNodes } from "./loop-steps.ts";
import type { StaticDim, TensorType } from "./rules/rule.ts";

export interface LoopPlan {
  /** Name of the loop; what is inside gets names under it. */
  readonly name: string;
  /** One step. Its parameters become part of the loop's body, once. */
  readonly step: Model;
  /** How many steps at most: `int64[]`. */
  readonly most: Value;
  /** Output of the step, `bool[]`: whether there is another. Default: `most` steps are done. */
  readonly goOn?: string;
  /** By input of the step: what it is at first, and the output that it is at the next step. */
  readonly carry: Readonly<Record<string, { readonly start: Value; readonly next: string }>>;
  /** By input of the step: what it is at each, stacked `[steps, ...]`. */
  readonly perStep?: Readonly<Record<string, Value>>;
  /** By input of the step: what it is at all of them. */
  readonly given?: Readonly<Record<string, Value>>;
  /** Outputs wanted of every step that is done, stacked. How many is a name unless `most` is known and all are done. */
  readonly collect?: readonly string[];
}

export interface AddedLoop {
  /** By input of the step: the value after the last. */
  readonly carried: Readonly<Record<string, Value>>;
  /** By output of the step: `[steps done, ...]`. */
  readonly collected: Readonly<Record<string, Value>>;
}

const NODE = { domain: "", attributes: {} } as const;

/**
 * Runs a step over and over, each on what the last one made, and ends early where the step says so. Unlike
 * `loopSteps`, which makes a model of a model, this is one node among others, and computes what is the same at
 * every step outside.
 *
 * @throws {TypeError} if an input of the step is not given, or is given something else than it takes
 */
export function addLoop(g: GraphBuilder, plan: LoopPlan): AddedLoop {
  const { step, carry, perStep = {}, given = {}, collect = [] } = plan;
  const { graph } = step;
  assertInputs(plan);
  g.require(step.opsets);
  const scope = g.scopedName(plan.name);
  const inside = (name: string): string =>
    name === "" ? "" : (given[name]?.name ?? `${scope}/${name}`);
  const body = bodyOf(plan, { scope, inside });
  const outer = [...Object.values(given), ...Object.values(perStep)];
  const entries = Object.entries(carry);
  const count = plan.goOn === undefined ? plan.most.constant?.data[0] : undefined;
  const done = count === undefined ? `${scope}/steps` : Number(count);
  const stacked = collect.map((name): TensorType => {
    const { elementType, shape } = typeOf(graph.outputs, name, "output");
    return { elementType, shape: [done, ...shape] };
  });
  const outputs = g.op("Loop", [plan.most, undefined, ...entries.map(([, { start }]) => start)], {
    name: scope,
    attributes: { body: { kind: "graph", value: body } },
    captures: outer,
    outputCount: entries.length + collect.length,
    outputTypes: [...entries.map(([, { start }]) => start), ...stacked],
  });
  g.reserve(innerNames(body));
  const named = (names: readonly string[], from: number): Record<string, Value> =>
    Object.fromEntries(names.map((name, i) => [name, outputs[from + i] as Value]));
  return {
    carried: named(Object.keys(carry), 0),
    collected: named(collect, entries.length),
  };
}

interface Naming {
  readonly scope: string;
  readonly inside: (name: string) => string;
}

function bodyOf(plan: LoopPlan, { scope, inside }: Naming): Graph {
  const { step, carry, perStep = {}, goOn, collect = [] } = plan;
  const { graph } = step;
  const [iteration, going] = [`${scope}:iteration`, `${scope}:going`];
  const wanted = [...Object.values(carry).map(({ next }) => next), ...collect];
  // Every output of a body must be a value of its own, whoever else takes it.
  const out = (i: number): string => `${scope}:out${i}`;
  const taken = Object.entries(perStep).map(([name, { name: from }]): Node => ({
    ...NODE,
    name: `${scope}:take/${name}`,
    opType: "Gather",
    inputs: [from, iteration],
    outputs: [inside(name)],
    attributes: { axis: { kind: "int", value: 0 } },
  }));
  return {
    name: scope,
    inputs: [
      info(iteration, { elementType: "int64", shape: [] }),
      info(going, { elementType: "bool", shape: [] }),
      ...Object.keys(carry).map((name) => info(inside(name), typeOf(graph.inputs, name, "input"))),
    ],
    outputs: [
      info(`${scope}:on`, { elementType: "bool", shape: [] }),
      ...wanted.map((name, i) => info(out(i), typeOf(graph.outputs, name, "output"))),
    ],
    initializers: graph.initializers.map((tensor) => ({ ...tensor, name: inside(tensor.name) })),
    nodes: [
      ...taken,
      ...renameNodes(graph.nodes, inside).map((node) => ({ ...node, name: inside(node.name) })),
      identity(goOn === undefined ? going : inside(goOn), `${scope}:on`),
      ...wanted.map((name, i) => identity(inside(name), out(i))),
    ],
    valueInfo: [],
  };
}

function identity(input: string, output: string): Node {
  return { ...NODE, name: output, opType: "Identity", inputs: [input], outputs: [output] };
}

function info(name: string, { elementType, shape }: TensorType): ValueInfo {
  return { name, type: { kind: "tensor", elementType, shape } };
}

function typeOf(infos: readonly ValueInfo[], name: string, what: string): TensorType {
  const type = infos.find((each) => each.name === name)?.type;
  if (type?.kind !== "tensor" || type.shape === null) {
    const known = infos.map((each) => each.name).join(", ");
    throw new TypeError(`Cannot loop: the step has no ${what} "${name}", must be one of ${known}`);
  }
  return {
    elementType: type.elementType as TensorType["elementType"],
    shape: type.shape as StaticDim[],
  };
}

function assertInputs({ step: { graph }, carry, perStep = {}, given = {} }: LoopPlan): void {
  const own = new Set(graph.initializers.map(({ name }) => name));
  for (const { name } of graph.inputs) {
    if (own.has(name)) continue;
    const { start } = carry[name] ?? {};
    const stack = perStep[name];
    const value: TensorType | undefined =
      start ?? given[name] ?? (stack && { ...stack, shape: stack.shape.slice(1) });
    const wanted = typeOf(graph.inputs, name, "input");
    if (value !== undefined && alike(value, wanted)) continue;
    throw new TypeError(
      `Cannot loop: input "${name}" of the step is ${value === undefined ? "not given" : words(value)}, must be ${words(wanted)}`,
    );
  }
  for (const [name, { start, next }] of Object.entries(carry)) {
    typeOf(graph.inputs, name, "input");
    const made = typeOf(graph.outputs, next, "output");
    if (alike(made, start)) continue;
    throw new TypeError(
      `Cannot loop: output "${next}" of the step is ${words(made)}, must be ${words(start)} as "${name}" is`,
    );
  }
}

function alike(a: TensorType, b: TensorType): boolean {
  return a.elementType === b.elementType && a.shape.join() === b.shape.join();
}

function words({ elementType, shape }: TensorType): string {
  return `${elementType}[${shape.join(", ")}]`;
}

function innerNames({ nodes, initializers, inputs }: Graph): string[] {
  return [...initializers, ...inputs]
    .map(({ name }) => name)
    .concat(nodes.flatMap((n) => n.outputs));
}
