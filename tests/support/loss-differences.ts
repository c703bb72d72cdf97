/** The gradient of a loss against central differences, both in float64 where the engine can. */
import { grad } from "../../src/autodiff/index.ts";
import type { NdArray } from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import type { BuiltNode, Graph, Model, Node, Value, ValueInfo } from "../../src/onnx/index.ts";
import type { ParameterStore } from "../../src/onnx/layers/index.ts";
import { openSession } from "../../src/session/index.ts";
import type { LossGraph } from "../../src/train/index.ts";

const STEP = { float64: 3e-5, float32: 3e-4 } as const;
const STENCIL = [
  [1, 8],
  [-1, -8],
  [2, -1],
  [-2, 1],
] as const;

const asFloat64 = (array: NdArray): NdArray =>
  array.dtype === "float32"
    ? { ...array, dtype: "float64", data: Float64Array.from(array.data, Number) }
    : array;

/** Above "basic" the engine folds float64 scales into float32 attributes. */
const EXACT = { optimization: "basic" } as const;

const isStop = ({ name }: BuiltNode): boolean => name.split("/").at(-2) === "stop_gradient";

const infoOf = ({ name, elementType, shape }: Value): ValueInfo => ({
  name,
  type: { kind: "tensor", elementType, shape },
});

function withOutputs(model: Model, values: readonly Value[]): Model {
  const { graph } = model;
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, ...values.map(infoOf)] } };
}

/** These values are fed instead of computed. */
function withInputs(model: Model, values: readonly Value[]): Model {
  const names = new Set(values.map(({ name }) => name));
  const { graph } = model;
  const nodes = graph.nodes.filter(({ outputs }) => !outputs.some((name) => names.has(name)));
  const used = new Set(
    [...nodes]
      .reverse()
      .filter(reaching(graph))
      .flatMap(({ inputs }) => inputs),
  );
  const fed = values.filter(({ name }) => used.has(name));
  const live = nodes.filter((node) => node.opType !== "Loop");
  const inputs = graph.inputs.filter(({ name }) => live.some((node) => node.inputs.includes(name)));
  return { ...model, graph: { ...graph, inputs: [...inputs, ...fed.map(infoOf)], nodes: live } };
}

/** Keeps the nodes that outputs depend on, when they come in reverse order. */
function reaching({ outputs }: Graph): (node: Node) => boolean {
  const needed = new Set(outputs.map(({ name }) => name));
  return (node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  };
}

/** The same numbers as float64, so that a graph of them computes in it. */
function inFloat64(store: ParameterStore): ParameterStore {
  return { get: (...request) => asFloat64(store.get(...request)) };
}

/**
 * Largest difference between gradient and differences along `directions` drawn directions in the space of all
 * parameters, relative to the largest of them.
 */
export async function lossGradientError(
  makeLoss: (parameters: ParameterStore) => LossGraph,
  at: {
    readonly parameters: ParameterStore;
    readonly feeds: Readonly<Record<string, NdArray>>;
    readonly directions?: number;
    /** `float32` for convolutions, which the engine has no float64 kernel for; then about 1e-3 is the best. */
    readonly dtype?: "float64" | "float32";
  },
): Promise<{ readonly error: number; readonly largest: number }> {
  const { dtype = "float64" } = at;
  const exact = dtype === "float64";
  const cast = exact ? asFloat64 : (array: NdArray): NdArray => array;
  const { g, objectives } = makeLoss(exact ? inFloat64(at.parameters) : at.parameters);
  const [loss] = Object.values(objectives);
  const names = [...g.parameters.keys()];
  const slopes = grad(g, loss!, [...g.parameters.values()]);
  g.output("loss", loss!);
  for (const [i, name] of names.entries()) g.output(`grad/${name}`, slopes[i]!);
  const model = g.build({ parameters: "fed" });
  const live = new Set(model.graph.nodes.map(({ name }) => name));
  const stops = g.nodes.filter((node) => isStop(node) && live.has(node.name));
  const stopped = stops.flatMap(({ outputs }) => outputs);
  await using at0 = await openSession(writeModel(withOutputs(model, stopped)), EXACT);
  await using session = await openSession(writeModel(withInputs(model, stopped)), EXACT);
  const feeds = Object.fromEntries(
    Object.entries(at.feeds).map(([name, array]) => [name, cast(array)]),
  );
  const weights = Object.fromEntries(
    [...g.parameters].map(([name, { constant }]) => [name, cast(constant!)]),
  );
  // Where gradients stop, differences must not see a change either.
  const fixed =
    stopped.length === 0
      ? {}
      : (await at0.run({ ...feeds, ...weights }, { outputs: stopped.map(({ name }) => name) }))
          .outputs;
  const run = async (moved: Record<string, NdArray>, outputs: string[]) => {
    const known = session.inputs.map(({ name }) => name);
    const all = Object.entries({ ...feeds, ...fixed, ...moved });
    const fed = Object.fromEntries(all.filter(([name]) => known.includes(name)));
    return (await session.run(fed, { outputs })).outputs;
  };
  const gradients = await run(
    weights,
    names.map((name) => `grad/${name}`),
  );
  let [error, largest] = [0, 0];
  for (let d = 0; d < (at.directions ?? 4); d++) {
    const rng = seeded("directions").split(d);
    const direction = Object.fromEntries(
      names.map((name) => [
        name,
        Float64Array.from({ length: weights[name]!.data.length }, () => rng.normal()),
      ]),
    );
    let analytic = 0;
    for (const name of names) {
      gradients[`grad/${name}`]!.data.forEach((value, i) => {
        analytic += Number(value) * direction[name]![i]!;
      });
    }
    let numeric = 0;
    for (const [steps, weight] of STENCIL) {
      const moved = Object.fromEntries(
        names.map((name) => {
          const data = (weights[name]!.data as Float64Array).map(
            (w, i) => w + steps * STEP[dtype] * direction[name]![i]!,
          );
          return [name, { ...weights[name]!, data }];
        }),
      );
      numeric += weight * Number((await run(moved, ["loss"]))["loss"]!.data[0]);
    }
    numeric /= 12 * STEP[dtype];
    error = Math.max(error, Math.abs(numeric - analytic));
    largest = Math.max(largest, Math.abs(numeric));
  }
  return { error: error / largest, largest };
}
