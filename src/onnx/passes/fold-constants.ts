import type { ImportOptions } from "../import/import-graph.ts";
import { declareOutputs, importGraph } from "../import/import-graph.ts";
import type { Model } from "../ir.ts";
import { removeDead } from "./remove-dead.ts";

/**
 * The model with everything computed that is known now: shape arithmetic of static (or fixed, or named)
 * dimensions, constant conditions, integer constants. Weights are never computed with, so their names and
 * gradients stay. Functions are inlined, and operators come in the form of `OPSET`.
 * @throws {TypeError} where the model cannot be imported
 */
export function foldConstants(model: Model, options: Pick<ImportOptions, "inputs"> = {}): Model {
  const imported = importGraph(model, options);
  declareOutputs(imported);
  const { producer, producerVersion, metadata } = model;
  return removeDead({ ...imported.graph.build(), producer, producerVersion, metadata });
}
