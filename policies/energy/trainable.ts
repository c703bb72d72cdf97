/** What training needs of an energy policy: the loss of a batch, and the package that trained parameters make. */
import type { Imitated } from "../../src/imitation/index.ts";
import { imitatedOf, imitationTrainable, packageOf } from "../../src/imitation/index.ts";
import type { ParameterStore } from "../../src/onnx/layers/index.ts";
import { storedParameters } from "../../src/onnx/layers/index.ts";
import type { PackageContent } from "../../src/package/index.ts";
import type { Provenance, Trainable, TrainingData } from "../../src/train/index.ts";
import type { EnergyConfig } from "./config.ts";
import type { AddedEnergy } from "./descend.ts";
import { actingGraph } from "./descend.ts";
import { energyFeeds } from "./draws.ts";
import { LANDSCAPE_OUTPUTS } from "./landscape.ts";
import { energyLoss } from "./objective.ts";

/**
 * A transformer that gives a chunk of actions an energy in view of an observation; chunks are made by going downhill
 * from noise. After EBT-Policy (arXiv 2510.27545); `README.md` says what differs.
 */
export function energyTrainable(config: EnergyConfig, data: TrainingData): Trainable {
  const imitated = imitatedOf("energy", config, data);
  return imitationTrainable(imitated, {
    lossGraph: (request) => energyLoss(imitated, config, request),
    draw: (chunks, rng) => energyFeeds(config, chunks, rng),
    toPackage: (parameters, provenance) =>
      energyPackage(imitated, config, { parameters: storedParameters(parameters), provenance }),
  });
}

export interface EnergyPackageRequest {
  readonly parameters: ParameterStore;
  readonly provenance: Provenance;
  readonly extra?: AddedEnergy;
}

const { line: LINE, plane: PLANE } = LANDSCAPE_OUTPUTS;

const LANDSCAPE_THOUGHTS = [
  {
    kind: "slice",
    tag: "energy on the line from the first candidate",
    axes: [{ name: "first candidate 0, chosen chunk 1", output: LINE.at }],
    values: LINE.energy,
    start: LINE.start,
    path: LINE.path,
  },
  {
    kind: "slice",
    tag: "energy around the chosen chunk",
    axes: [
      { name: "first direction of the descent", output: PLANE.first },
      { name: "second", output: PLANE.second },
    ],
    values: PLANE.energy,
    start: PLANE.start,
    path: PLANE.path,
  },
];

/** One graph that observes and descends, with what it thought on the way. */
export function energyPackage(
  imitated: Imitated,
  config: EnergyConfig,
  { parameters, provenance, extra }: EnergyPackageRequest,
): PackageContent {
  const { infer, horizon } = config;
  const shape = [infer.samples, horizon, imitated.actionDim];
  const request = { imitated, config, parameters, ...(extra === undefined ? {} : { extra }) };
  const scalars = ["energy", "moved", "slope", "steps"];
  const tags = infer.samples > 1 ? [...scalars, "disagreement"] : scalars;
  return packageOf(imitated, {
    g: actingGraph(request),
    inputs: [
      { input: "start", from: "noise", shape },
      ...(infer.noise === 0
        ? []
        : [{ input: "noise", from: "noise" as const, shape: [infer.steps, ...shape] }]),
    ],
    own: {
      thoughts: [
        ...tags.map((tag) => ({ kind: "scalar", tag, output: tag })),
        {
          kind: "refinement",
          tag: "descent",
          chunks: "descent/chunk",
          start: "descent/start",
          values: { energy: "descent/energy", slope: "descent/slope" },
        },
        ...(infer.landscape === undefined ? [] : LANDSCAPE_THOUGHTS),
      ],
      policy: config,
    },
    provenance,
  });
}
