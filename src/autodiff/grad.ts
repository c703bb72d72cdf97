import type { BuiltNode, GraphBuilder, Value } from "../onnx/index.ts";
import { jointSlopes } from "./rules/activation.ts";
import { closedFormOf } from "./rules/closed-form.ts";
import type { VjpRoots, VjpRule } from "./rules/rule.ts";
import { fullLike, isFloat, STOP_GRADIENT, times } from "./rules/rule.ts";
import { recompute, segmentOf } from "./segments.ts";
import { UnsupportedOpError } from "./unsupported-op-error.ts";
import { vjpRuleOf } from "./vjp-rules.ts";

/**
 * Adds to a graph under construction the nodes that compute d(loss)/d(wrt).
 * @param loss a scalar, or a tensor of one element
 * @returns in the order and shape of `wrt`; zeros where the loss does not depend on it
 * @throws {UnsupportedOpError} naming operator, node and path to the loss
 * @throws {TypeError} if `loss` is no scalar, or anything to differentiate is no float
 */
export function grad(g: GraphBuilder, loss: Value, wrt: readonly Value[]): Value[] {
  if (loss.shape.some((dim) => dim !== 1)) {
    throw new TypeError(
      `Cannot differentiate "${loss.name}": it is ${loss.elementType}[${loss.shape.join(", ")}], ` +
        "must be a scalar (vjp takes cotangents for anything else)",
    );
  }
  return vjp(g, { outputs: [loss], seeds: [fullLike(g, loss, 1)] }, wrt);
}

/**
 * The same for d(sum of `seeds * outputs`)/d(wrt): one reverse sweep over the nodes that connect them
 * (reverse-mode differentiation; Griewank & Walther 2008, ch. 3). What is added is ordinary graph, so that
 * the gradient of a gradient is `grad` applied twice.
 */
export function vjp(g: GraphBuilder, roots: VjpRoots, wrt: readonly Value[]): Value[] {
  assertFloats([...roots.outputs, ...wrt]);
  const cotangents = new Map<Value, Value>();
  for (const [i, of] of roots.outputs.entries()) {
    const by = roots.seeds[i];
    if (by !== undefined) accumulate(g, cotangents, { of, by });
  }
  const nodes = [...g.nodes];
  const moving = dependents(nodes, wrt);
  const moved = nodes.filter(({ outputs }) => outputs.some((value) => moving.has(value)));
  const slopes = roots.joinSlopes === true ? g.scope("grad", () => jointSlopes(g, moved)) : NONE;
  const state = { nodes: [...nodes].reverse(), cotangents, moving, slopes };
  const tied = new Set<Value>();
  for (const group of groups(nodes).reverse()) {
    const asked = group.nodes.flatMap(({ outputs }) => outputs).filter((v) => moving.has(v));
    const by = asked.map((value) => cotangents.get(value)).find((value) => value !== undefined);
    if (by === undefined) continue;
    if (group.segment === undefined) sweepAll(g, group.nodes, state);
    else sweepAgain(g, group.nodes, { ...state, after: [by, ...finished(wrt, cotangents, tied)] });
  }
  return wrt.map((value) => cotangents.get(value) ?? fullLike(g, value, 0));
}

/**
 * Gradients asked for that were computed since the last time. Before more is computed again they must be done:
 * nothing else waits for them, so the engine would leave them to the end, and keep what they are made of.
 */
function finished(
  wrt: readonly Value[],
  cotangents: ReadonlyMap<Value, Value>,
  tied: Set<Value>,
): Value[] {
  const have = wrt.map((value) => cotangents.get(value)).filter((value) => value !== undefined);
  const fresh = have.filter((value) => !tied.has(value));
  for (const value of fresh) tied.add(value);
  return fresh;
}

/** Runs of nodes of one segment, and of none. */
function groups(
  nodes: readonly BuiltNode[],
): { segment: string | undefined; nodes: BuiltNode[] }[] {
  const result: { segment: string | undefined; nodes: BuiltNode[] }[] = [];
  for (const node of nodes) {
    const segment = segmentOf(node);
    const last = result.at(-1);
    if (last !== undefined && last.segment === segment) last.nodes.push(node);
    else result.push({ segment, nodes: [node] });
  }
  return result;
}

function sweepAll(g: GraphBuilder, nodes: readonly BuiltNode[], state: Sweep): void {
  const { cotangents, moving } = state;
  for (const node of [...nodes].reverse()) {
    if (stops(node)) continue;
    if (!node.outputs.some((value) => cotangents.has(value) && moving.has(value))) continue;
    if (!sweepClosed(g, node.outputs, state)) sweep(g, node, state);
  }
}

/** Goes straight to what a value is a function of, where that is known. @returns whether it is */
function sweepClosed(g: GraphBuilder, [value]: readonly Value[], state: Sweep): boolean {
  const { cotangents, moving } = state;
  const form = closedFormOf(value);
  const by = value === undefined ? undefined : cotangents.get(value);
  if (form === undefined || by === undefined || !moving.has(form.of)) return false;
  const result = g.scope("grad", () => times(g, by, form.slope(g)));
  accumulate(g, cotangents, { of: form.of, by: result });
  return true;
}

/** Sweeps a second computation of `segment`, whose cotangents are those of the first. */
function sweepAgain(
  g: GraphBuilder,
  segment: readonly BuiltNode[],
  state: Sweep & { readonly after: readonly Value[] },
): void {
  const { cotangents } = state;
  const twin = g.scope("grad", () => recompute(g, segment, state.after));
  const moving = new Set(state.moving);
  const inside = new Set(segment.flatMap(({ outputs }) => outputs));
  for (const [value, standIn] of twin.of) {
    if (state.moving.has(value)) moving.add(standIn);
    const by = inside.has(value) ? cotangents.get(value) : undefined;
    if (by !== undefined) cotangents.set(standIn, by);
  }
  sweepAll(g, twin.nodes, { nodes: state.nodes, cotangents, moving, slopes: NONE });
  for (const [value, standIn] of twin.of) {
    const by = cotangents.get(standIn);
    if (by === undefined) continue;
    if (inside.has(value)) cotangents.set(value, by);
    else accumulate(g, cotangents, { of: value, by });
  }
}

interface Sweep {
  /** In reverse order. */
  readonly nodes: readonly BuiltNode[];
  readonly cotangents: Map<Value, Value>;
  /** Everything that changes when one of `wrt` does. */
  readonly moving: ReadonlySet<Value>;
  /** Of activations, where they were computed beforehand. */
  readonly slopes: ReadonlyMap<BuiltNode, Value>;
}

const NONE: Sweep["slopes"] = new Map();

function sweep(g: GraphBuilder, node: BuiltNode, state: Sweep): void {
  const { nodes, cotangents, moving, slopes } = state;
  const rule: VjpRule | undefined = vjpRuleOf(node);
  if (rule === undefined) throw new UnsupportedOpError(node, pathToRoot(nodes, node, cotangents));
  const needs = node.inputs.map(
    (input) => input !== undefined && moving.has(input) && isFloat(input.elementType),
  );
  if ((node.captures ?? []).some((value) => moving.has(value))) {
    // What a subgraph uses by name has no place among the inputs, where a rule could answer for it.
    throw new UnsupportedOpError(node, pathToRoot(nodes, node, cotangents));
  }
  if (!needs.includes(true)) return;
  const call = {
    node,
    inputs: node.inputs,
    outputs: node.outputs,
    cotangents: node.outputs.map((value) => cotangents.get(value)),
    needs,
    slope: slopes.get(node),
    vjp: (roots: VjpRoots, wrt: readonly Value[]) => vjp(g, roots, wrt),
  };
  const results = g.scope("grad", () => rule(g, call));
  for (const [i, result] of results.entries()) {
    const input = node.inputs[i];
    if (result !== undefined && input !== undefined && needs[i] === true) {
      accumulate(g, cotangents, { of: input, by: result });
    }
  }
}

function accumulate(
  g: GraphBuilder,
  cotangents: Map<Value, Value>,
  { of, by }: { of: Value; by: Value },
): void {
  if (of.shape.join() !== by.shape.join() || of.elementType !== by.elementType) {
    throw new TypeError(
      `Cannot differentiate: the gradient of "${of.name}" is ${by.elementType}[${by.shape.join(", ")}], ` +
        `must be ${of.elementType}[${of.shape.join(", ")}]`,
    );
  }
  const have = cotangents.get(of);
  cotangents.set(of, have === undefined ? by : g.scope("grad", () => g.add(have, by)));
}

function dependents(nodes: readonly BuiltNode[], wrt: readonly Value[]): Set<Value> {
  const moving = new Set(wrt);
  for (const node of nodes) {
    if (stops(node)) continue;
    if ([...node.inputs, ...(node.captures ?? [])].some((v) => v !== undefined && moving.has(v))) {
      for (const output of node.outputs) moving.add(output);
    }
  }
  return moving;
}

function stops({ name }: BuiltNode): boolean {
  return name.split("/").at(-2) === STOP_GRADIENT;
}

function assertFloats(values: readonly Value[]): void {
  for (const value of values) {
    if (!isFloat(value.elementType)) {
      throw new TypeError(
        `Cannot differentiate "${value.name}": it is ${value.elementType}, must be a floating-point tensor`,
      );
    }
  }
}

/** Names of the nodes by which a node's outputs reach something that is differentiated. */
function pathToRoot(
  nodes: readonly BuiltNode[],
  from: BuiltNode,
  cotangents: ReadonlyMap<Value, Value>,
): string[] {
  const path = [from.name];
  const forward = [...nodes].reverse();
  let frontier = new Set(from.outputs);
  for (const node of forward.slice(forward.indexOf(from) + 1)) {
    const onTheWay = node.inputs.some((input) => input !== undefined && frontier.has(input));
    if (!onTheWay || !node.outputs.some((value) => cotangents.has(value))) continue;
    path.push(node.name);
    frontier = new Set(node.outputs);
  }
  return path;
}
