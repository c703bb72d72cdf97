/** Energy policies with weights that were never trained, for a world's cameras and senses: what they cost, not what they can. */
import { elementCount, seeded } from "../../dist/src/core/index.js";
import { freshParameters } from "../../dist/src/onnx/layers/index.js";
import { writePolicyPackage } from "../../dist/src/package/index.js";
import { energyTrainable, parseEnergyConfig } from "../../dist/policies/energy/index.js";

/** Columns of numbers that fill [-1, 1]. */
function columns({ shape }) {
  const all = (value) => new Float64Array(elementCount(shape)).fill(value);
  const [mean, std, min, max, q01, q99] = [0, 0.5, -1, 1, -1, 1].map(all);
  return { count: 9, mean, std, min, max, q01, q99 };
}

/** What training would know of data that the world has made. */
function dataOf({ observation, action, controlFreqHz }) {
  const { images, proprio } = observation;
  const width = action.components.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return {
    spec: { images, proprio, action, controlFreqHz },
    images,
    view: {},
    statistics: {
      proprio: Object.fromEntries(proprio.map((component) => [component.name, columns(component)])),
      action: columns({ shape: [width] }),
    },
    instructions: [""],
  };
}

/**
 * Writes the package of an energy policy that sees all of the world's cameras.
 * @param {string} folder to be made
 * @param {object} options the world's `spec`, and the keys of `policy` to be set
 * @returns how many numbers it would learn
 */
export async function writeUntrainedEnergy(folder, { spec, policy }) {
  const cameras = spec.observation.images.map(({ name }) => name);
  const config = parseEnergyConfig({ kind: "energy", cameras, ...policy });
  const trainable = energyTrainable(config, dataOf(spec));
  const { g } = trainable.lossGraph({
    batchSize: 1,
    parameters: freshParameters(seeded("weights")),
  });
  const parameters = Object.fromEntries(
    [...g.parameters].map(([name, { constant }]) => [name, constant]),
  );
  await writePolicyPackage(folder, trainable.toPackage(parameters, {}));
  return Object.values(parameters).reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
