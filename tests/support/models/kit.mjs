/**
 * What the models here are written with. They are used from source by tests and from the build by benchmarks,
 * so they import neither: whoever uses them hands in the modules.
 */

/**
 * A loss in the form that `TrainingStep` takes. Its inputs are fed as they are; it makes no package.
 * @param {object} kit modules; see `index.d.mts`
 * @param {{ name: string, loss: (context: object, batch: number) => object }} model
 */
export function lossTrainable({ GraphBuilder }, { name, loss }) {
  return {
    name,
    needs: { cameras: [], predictHorizon: 1 },
    lossGraph({ batchSize, parameters }) {
      const g = new GraphBuilder(name);
      return { g, objectives: { error: loss({ g, parameters }, batchSize) } };
    },
    feeds: () => ({}),
    toPackage() {
      throw new Error(
        `Cannot make a package of "${name}": it is a model for tests, must be a policy`,
      );
    },
  };
}

/** `float32` numbers from a standard normal distribution. */
export function gaussian(rng, shape) {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = rng.normal();
  return { dtype: "float32", shape, data };
}

/** Mean of the squared differences. */
export function meanSquare(g, a, b) {
  const difference = g.sub(a, b);
  const axes = difference.shape.map((_, axis) => axis);
  return g.reduceMean(g.mul(difference, difference), axes);
}
