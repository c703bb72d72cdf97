/** A package in a few lines: what runs, in which order, and what it takes and gives. */
import { readFile, stat } from "node:fs/promises";
import { messageOf } from "../core/index.ts";
import type { ValueInfo } from "../onnx/index.ts";
import { readModel } from "../onnx/index.ts";
import { stepNames } from "./component.ts";
import { resolveInside } from "./paths.ts";
import type { PolicyPackage } from "./read-package.ts";
import type { RunnerPlan } from "./runner.ts";
import { planRunner } from "./runner.ts";

export interface PackageDescription {
  /** What happens at a decision; or why nothing can, with `runnable` false. */
  readonly runner: string;
  readonly runnable: boolean;
  readonly preprocessors: readonly string[];
  readonly postprocessors: readonly string[];
  readonly graphs: readonly GraphDescription[];
}

export interface GraphDescription {
  readonly role: string;
  readonly path: string;
  /** Of the file itself, without external data. */
  readonly bytes: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * @throws {SyntaxError} if a graph that the runner names cannot be read
 */
export async function describePackage({
  folder,
  manifest,
}: PolicyPackage): Promise<PackageDescription> {
  const { preprocessors, postprocessors } = manifest.model;
  const names = {
    preprocessors: stepNames(preprocessors),
    postprocessors: stepNames(postprocessors),
  };
  let plan: RunnerPlan;
  try {
    plan = planRunner(manifest);
  } catch (error) {
    return { runner: messageOf(error), runnable: false, ...names, graphs: [] };
  }
  const graphs: GraphDescription[] = [];
  for (const [role, path] of rolesOf(plan)) graphs.push(await describeGraph(folder, role, path));
  return { runner: runnerWords(plan), runnable: true, ...names, graphs };
}

function rolesOf(plan: RunnerPlan): readonly (readonly [role: string, path: string])[] {
  if (plan.kind === "loop") {
    const encoder = plan.encoder === undefined ? [] : [["encoder", plan.encoder] as const];
    return [...encoder, ["step", plan.step] as const];
  }
  if (plan.graphs.length === 1) return plan.graphs.map((path) => ["graph", path] as const);
  return plan.graphs.map((path, i) => [`stage ${i + 1}`, path] as const);
}

function runnerWords(plan: RunnerPlan): string {
  if (plan.kind === "pass") {
    return plan.graphs.length === 1 ? "one run of one graph" : "one run of each graph, in order";
  }
  const { encoder, scheduler, count, horizon, actionDim } = plan;
  const first = encoder === undefined ? "" : "the encoder once, then ";
  return `${first}${count} ${scheduler} steps on float32[1, ${horizon}, ${actionDim}]`;
}

async function describeGraph(
  folder: string,
  role: string,
  path: string,
): Promise<GraphDescription> {
  const file = await resolveInside(folder, path);
  const { graph } = readModel(await readFile(file));
  const weights = new Set(graph.initializers.map(({ name }) => name));
  return {
    role,
    path,
    bytes: (await stat(file)).size,
    inputs: graph.inputs.filter(({ name }) => !weights.has(name)).map(portWords),
    outputs: graph.outputs.map(portWords),
  };
}

function portWords({ name, type }: ValueInfo): string {
  if (type.kind !== "tensor") return `${name} ${type.kind}`;
  const dims = type.shape === null ? "?" : type.shape.map((dim) => dim ?? "?").join(", ");
  return `${name} ${type.elementType}[${dims}]`;
}
