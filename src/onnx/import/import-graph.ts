/** Models from anywhere as graphs under construction, typed by our own rules. */
import { GraphBuilder } from "../builder.ts";
import { isDtype } from "../element-type.ts";
import type { Value } from "../graph-core.ts";
import type { Graph, Model, Tensor } from "../ir.ts";
import { DeclaredTypes } from "./declared-types.ts";
import type { InputShapes } from "./declared-types.ts";
import { Environment } from "./environment.ts";
import { placeNode } from "./place-node.ts";
import { namesIn, subgraphsOf } from "./rename.ts";
import { NEWEST_OPSET, OLDEST_OPSET } from "./upgrade.ts";

export interface ImportOptions {
  /**
   * Parameters that become inputs, so that training can feed them; `"all"` = every floating-point one that
   * is no scalar. Nothing is computed from these while importing.
   */
  readonly trainable?: readonly string[] | "all";
  /** Shapes of inputs whose dimensions the file leaves open; a name that is fixed once is fixed everywhere. */
  readonly inputs?: InputShapes;
}

export interface ImportedGraph {
  /** Has inputs, parameters and nodes; no outputs yet, so that more can be added first. */
  readonly graph: GraphBuilder;
  /** The model's inputs, without the promoted parameters. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** What the model's outputs are. `declareOutputs` makes them the graph's. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** The promoted parameters, as inputs. */
  readonly trainable: ReadonlyMap<string, Value>;
  /** The numbers that the promoted parameters have in the model. */
  readonly initial: ReadonlyMap<string, Tensor>;
  /** Everything that has come into the graph, by its name in the model. */
  readonly values: ReadonlyMap<string, Value>;
}

/**
 * Rebuilds a model inside a `GraphBuilder`, so that it can be differentiated, rewritten and extended.
 * Operators of the operator sets 9 to 23 come in the form of `OPSET`; model-local functions are inlined;
 * shape arithmetic is computed (`evaluate`), also where dimensions are known by name only. Names are kept.
 * Types are inferred by our shape rules; where there is none, or it needs numbers that are computed, what
 * the file declares holds.
 * @throws {TypeError} naming operator and node, where a type is unknown or the inputs do not fit
 * @throws {RangeError} for an unknown operator set or domain, parameter, or input
 */
export function importGraph(model: Model, options: ImportOptions = {}): ImportedGraph {
  assertOpsets(model);
  const graph = new GraphBuilder(model.graph.name === "" ? "imported" : model.graph.name);
  const declared = new DeclaredTypes(model, options.inputs ?? {});
  const inner = new Set(model.graph.nodes.flatMap(subgraphsOf).flatMap(allNames));
  graph.reserve([...inner].filter((name) => !namesIn(model.graph).includes(name)));
  const environment = new Environment(graph, new Set([...inner, ...namesIn(model.graph)]));
  const promoted = trainableTensors(model.graph, options.trainable ?? []);
  const inputs = declareInputs(model.graph, { environment, declared });
  const trainable = new Map<string, Value>();
  for (const { name, elementType, shape } of promoted.values()) {
    if (!isDtype(elementType)) continue;
    const value = graph.input(name, elementType, shape);
    trainable.set(name, value);
    environment.set(name, { kind: "value", value });
  }
  for (const tensor of model.graph.initializers) {
    if (promoted.has(tensor.name)) continue;
    // A weight that is fixed here may be trained in the graph that is made from this one.
    const foldable = !isFloating(tensor);
    environment.set(tensor.name, { kind: "tensor", tensor, foldable });
  }
  for (const node of model.graph.nodes) {
    placeNode({ node, opsets: model.opsets }, { model, environment, declared });
  }
  const outputs = new Map(
    model.graph.outputs.map(({ name }) => [name, environment.value(name, `output "${name}"`)]),
  );
  return { graph, inputs, outputs, trainable, initial: promoted, values: environment.values };
}

/** Makes the model's outputs, or the named ones of them, outputs of the graph. */
export function declareOutputs(
  { graph, outputs }: Pick<ImportedGraph, "graph" | "outputs">,
  names: Iterable<string> = outputs.keys(),
): void {
  for (const name of names) {
    const value = outputs.get(name);
    if (value === undefined) {
      const known = [...outputs.keys()].join(", ");
      throw new RangeError(`Cannot add output "${name}": the model has ${known}, must be one`);
    }
    graph.output(name, value);
  }
}

/** Domains that the engine has operators of. */
const DOMAINS: ReadonlySet<string> = new Set(["", "ai.onnx.ml", "com.microsoft"]);

function assertOpsets(model: Model): void {
  const version = model.opsets[""];
  if (version !== undefined && (version < OLDEST_OPSET || version > NEWEST_OPSET)) {
    throw new RangeError(
      `Cannot import model: it uses operator set ${version}, must be ${OLDEST_OPSET} to ${NEWEST_OPSET}`,
    );
  }
  const local = new Set(model.functions.map(({ domain }) => domain));
  for (const { domain, opType, name } of model.graph.nodes) {
    if (DOMAINS.has(domain) || local.has(domain)) continue;
    throw new RangeError(
      `Cannot import ${opType} "${name}": its domain is ${domain}, must be one of ` +
        "ai.onnx, ai.onnx.ml, com.microsoft or have functions in the model",
    );
  }
}

function allNames(graph: Graph): string[] {
  return [...namesIn(graph), ...graph.nodes.flatMap(subgraphsOf).flatMap(allNames)];
}

interface Declaring {
  readonly environment: Environment;
  readonly declared: DeclaredTypes;
}

function declareInputs(graph: Graph, { environment, declared }: Declaring): Map<string, Value> {
  const defaults = new Set(graph.initializers.map(({ name }) => name));
  const result = new Map<string, Value>();
  for (const { name } of graph.inputs) {
    // An input with a default is a parameter, as all were before IR version 4.
    if (defaults.has(name)) continue;
    const type = declared.typeOf(name);
    if (type === undefined) {
      throw new TypeError(
        `Cannot import input "${name}": its type is not known, must be a numeric tensor of known rank`,
      );
    }
    const value = environment.graph.input(name, type.elementType, type.shape);
    environment.set(name, { kind: "value", value });
    result.set(name, value);
  }
  return result;
}

function isFloating({ elementType }: Tensor): boolean {
  return elementType.startsWith("float") || elementType === "bfloat16";
}

function trainableTensors(
  { initializers }: Graph,
  wanted: readonly string[] | "all",
): Map<string, Tensor> {
  if (wanted === "all") {
    const chosen = initializers.filter((tensor) => isFloating(tensor) && tensor.shape.length > 0);
    return new Map(chosen.map((tensor) => [tensor.name, tensor]));
  }
  const byName = new Map(initializers.map((tensor) => [tensor.name, tensor]));
  return new Map(
    wanted.map((name) => {
      const tensor = byName.get(name);
      if (tensor === undefined || !isFloating(tensor)) {
        throw new RangeError(
          `Cannot train "${name}": it is ${tensor?.elementType ?? "no parameter of the model"}, ` +
            "must be a floating-point parameter",
        );
      }
      return [name, tensor];
    }),
  );
}
