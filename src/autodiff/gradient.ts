/** Gradients of whole models: model in, bigger model out. */
import type { Model, StaticDim, Value } from "../onnx/index.ts";
import { declareOutputs, importGraph } from "../onnx/index.ts";
import { grad } from "./grad.ts";

export interface GradientOptions {
  /** Name of the output, or of an inner value, that is differentiated; a scalar or one element. */
  readonly loss: string;
  /** Inputs, or parameters, which become inputs; each gets an output `grad/<name>`. */
  readonly wrt: readonly string[];
  /** Shapes of inputs whose dimensions the model leaves open. */
  readonly inputs?: Readonly<Record<string, readonly StaticDim[]>>;
  /** The model's outputs that the result keeps; default all. */
  readonly outputs?: readonly string[];
}

/** Name of the output that has the gradient with respect to `name`. */
export function gradientName(name: string): string {
  return `grad/${name}`;
}

/**
 * A model that computes what `model` does and the gradient of its loss. Parameters named in `wrt` become
 * inputs after the model's own, so that an optimiser can feed them; their numbers stay in `model`.
 * @throws {UnsupportedOpError} naming operator, node and path to the loss
 * @throws {RangeError} for a name that the model does not have
 */
export function gradient(model: Model, options: GradientOptions): Model {
  const { loss, wrt, inputs = {} } = options;
  const given = new Set(model.graph.initializers.map(({ name }) => name));
  const trainable = wrt.filter((name) => given.has(name));
  const imported = importGraph(model, { trainable, inputs });
  const { graph } = imported;
  const find = (name: string): Value =>
    imported.outputs.get(name) ??
    imported.values.get(name) ??
    refuse(`the model has no value "${name}"`, "must be an output, an input or a parameter");
  const targets = wrt.map(find);
  const gradients = grad(graph, find(loss), targets);
  declareOutputs(imported, options.outputs ?? imported.outputs.keys());
  for (const [i, name] of wrt.entries()) {
    const value = gradients[i];
    if (value !== undefined) graph.output(gradientName(name), value);
  }
  return graph.build();
}

function refuse(what: string, must: string): never {
  throw new RangeError(`Cannot differentiate model: ${what}, ${must}`);
}
