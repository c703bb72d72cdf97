import type { NdArray } from "../../src/core/index.ts";
import { actionDim, elementCount } from "../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../src/onnx/index.ts";
import type { ParameterStore } from "../../src/onnx/layers/index.ts";
import { linear, storedParameters } from "../../src/onnx/layers/index.ts";
import { chunkManifest } from "../../src/package/index.ts";
import type { Trainable, TrainingData } from "../../src/train/index.ts";

const HORIZON = 4;

export function linearPolicy({ spec }: TrainingData): Trainable {
  const inputs = spec.proprio.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const outputs = actionDim(spec.action);
  const predict = (g: GraphBuilder, parameters: ParameterStore, batch: number) => {
    const proprio = g.input("proprio", "float32", [batch, inputs]);
    const layer = { g, parameters };
    const rows = linear(layer, proprio, { name: "head", width: HORIZON * outputs });
    return g.reshape(rows, [batch, HORIZON, outputs]);
  };
  return {
    name: "linear",
    needs: { cameras: [], predictHorizon: HORIZON },
    lossGraph({ batchSize, parameters }) {
      const g = new GraphBuilder("linear");
      const predicted = predict(g, parameters, batchSize);
      const wanted = g.input("actions", "float32", [batchSize, HORIZON, outputs]);
      const mask = g.input("action_mask", "float32", [batchSize, HORIZON]);
      const error = g.mul(g.reduceMean(g.abs(g.sub(predicted, wanted)), [2]), mask);
      const action = g.div(g.reduceSum(error, [0, 1]), g.reduceSum(mask, [0, 1]));
      return { g, objectives: { action } };
    },
    feeds: ({ proprio, actions, actionMask }): Record<string, NdArray> => ({
      proprio,
      actions,
      action_mask: actionMask,
    }),
    toPackage(parameters, provenance) {
      const g = new GraphBuilder("linear");
      g.output("action", predict(g, storedParameters(parameters), 1));
      const { proprio, action, controlFreqHz } = spec;
      const policy = {
        name: "linear",
        observation: { images: [], proprio, texts: [] },
        action,
        predictHorizon: HORIZON,
        privileged: false,
        controlFreqHz,
      };
      return {
        files: { "model.onnx": writeModel(g.build()) },
        manifest: chunkManifest({
          spec: policy,
          classPath: "linear",
          inputs: [{ input: "proprio", from: "proprio", components: proprio.map((c) => c.name) }],
          own: { provenance },
        }),
      };
    },
  };
}
