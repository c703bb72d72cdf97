/**
 * Our side of comparisons of models with PyTorch, in a process of its own: `_model-worker.mjs CASE THREADS`.
 * Prints one line of JSON when it is ready, then one for every line on its standard input: the milliseconds of
 * as many steps as the line says, and the peak of its memory.
 */
import { createInterface } from "node:readline";
import { grad } from "../../dist/src/autodiff/index.js";
import { METHODS, policyOf } from "../../dist/src/cli/reproduce/study.js";
import { seeded } from "../../dist/src/core/index.js";
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import * as layers from "../../dist/src/onnx/layers/index.js";
import { openLocalSession } from "../../dist/src/session/index.js";
import { RecurrentStep, TrainingStep } from "../../dist/src/train/index.js";
import * as models from "../support/models/index.mjs";

const kit = { GraphBuilder, grad, layers };
const [name, threadsText] = process.argv.slice(2);
const threads = Number(threadsText);
// Where the time goes: EFFERENCE_PROFILE=PREFIX writes a file of all nodes, and times then mean little.
const profilePrefix = process.env.EFFERENCE_PROFILE;
const session = {
  threads,
  denormalsAsZero: true,
  planMemory: false,
  ...(profilePrefix === undefined ? {} : { profilePrefix }),
};
const optimiser = { kind: "adamw", betas: [0.9, 0.95], weightDecay: 0.1, clipNorm: 1 };
const RATE = 1e-4;
const parameters = () => layers.freshParameters(seeded("weights"));

async function training(trainable, feeds, batchSize) {
  const step = await TrainingStep.open(trainable, parameters(), { batchSize, optimiser, session });
  let count = 0;
  return {
    openMs: step.openMs,
    close: () => step.close(),
    parameterCount: step.parameterCount,
    step: (batch = feeds) => step.update([{ feeds: [batch], rate: RATE, step: ++count }]),
    views: () => step.arena.views("parameter"),
  };
}

async function inference(model, feeds) {
  const opened = await openLocalSession(writeModel(model), session);
  return { openMs: opened.openMs, step: () => opened.run(feeds), close: () => opened.close() };
}

const gpt = () => training(models.gptTrainable(kit), models.gptFeeds(seeded("data"), 16), 16);
const act = () => training(models.actTrainable(kit), models.actFeeds(seeded("data"), 8), 8);

const [ENERGY_BATCH, ENERGY_STEPS] = [64, 6];
const STUDY_BATCH = 32;

/** One step downhill, its parameters fed. */
async function openDescent() {
  const g = new GraphBuilder("descent");
  const inputs = models.energyInputs(g, ENERGY_BATCH);
  const next = models.descended(kit, { g, parameters: parameters() }, inputs);
  g.output("next", next);
  return openLocalSession(writeModel(g.build({ parameters: "fed" })), session);
}

/** All steps but the last are inference; the last is differentiated. */
async function energyTruncated() {
  const feeds = models.energyFeeds(seeded("data"), ENERGY_BATCH);
  const last = await training(models.energyTrainable(kit, { steps: 1 }), feeds, ENERGY_BATCH);
  const descent = await openDescent();
  const { actions: start, observation, target } = feeds;
  return {
    openMs: last.openMs + descent.openMs,
    parameterCount: last.parameterCount,
    close: () => Promise.all([last.close(), descent.close()]),
    async step() {
      let actions = start;
      for (let i = 1; i < ENERGY_STEPS; i++) {
        const { outputs } = await descent.run({ actions, observation, ...last.views() });
        actions = outputs.next;
      }
      await last.step({ actions, observation, target });
    },
  };
}

/** Through all steps, whose chunks are kept. */
async function energyFull() {
  const feeds = models.energyFeeds(seeded("data"), ENERGY_BATCH);
  const settings = { batchSize: ENERGY_BATCH, optimiser, session };
  const through = await RecurrentStep.open(models.energyRecurrence(kit), parameters(), settings);
  let count = 0;
  return {
    openMs: through.openMs,
    close: () => through.close(),
    parameterCount: through.parameterCount,
    step: () => through.update(feeds, { steps: ENERGY_STEPS, rate: RATE, step: ++count }),
  };
}

function actForward() {
  const { image, state } = models.actFeeds(seeded("data"), 1);
  return inference(models.actGraph(kit, { batch: 1, parameters: parameters() }), { image, state });
}

function unetStep() {
  const g = new GraphBuilder("unet");
  const config = models.UNET;
  const x = g.input("x", "float32", [1, config.actionDim, config.length]);
  const condition = g.input("condition", "float32", [1, config.condition]);
  const context = { g, parameters: parameters() };
  g.output("noise", models.unet(kit, context, { x, condition, config }));
  const rng = seeded("data");
  return inference(g.build(), {
    x: models.gaussian(rng, x.shape),
    condition: models.gaussian(rng, condition.shape),
  });
}

function vitForward() {
  const { image } = models.VIT;
  const feeds = { image: models.gaussian(seeded("data"), [1, 3, image, image]) };
  return inference(models.vitGraph(kit, { parameters: parameters() }), feeds);
}

async function chunkModules() {
  const [energy, diffusion] = await Promise.all(
    ["energy", "diffusion"].map((policy) => import(`../../dist/policies/${policy}/index.js`)),
  );
  return { energy, diffusion };
}

/** Updates of a method of the study, of its larger network. */
async function studied(method) {
  const about = { network: "small", executeHorizon: 2 };
  const { trainable, draw } = models.chunkObjective(await chunkModules(), seeded("data"), {
    policy: policyOf(method, about),
    batchSize: STUDY_BATCH,
  });
  const opened = await training(trainable, draw(), STUDY_BATCH);
  return { ...opened, step: () => opened.step(draw()) };
}

/** A packaged policy that makes one decision. */
async function chunkPolicy(kind, steps, config) {
  const { energy, diffusion } = await chunkModules();
  const parts = { energy, diffusion, store: parameters() };
  const { model, feeds } = models.chunkPolicy(parts, seeded("data"), { kind, steps, config });
  const opened = await openLocalSession(model, { threads });
  return { openMs: opened.openMs, step: () => opened.run(feeds), close: () => opened.close() };
}

const chunkCases = (prefix, config) =>
  Object.fromEntries(
    models.CHUNK_POLICY_CASES.map(({ name: key, kind, steps }) => [
      `${prefix}${key}`,
      () => chunkPolicy(kind, steps, config),
    ]),
  );

const CASES = {
  ...Object.fromEntries(METHODS.map((method) => [`update-${method.name}`, () => studied(method)])),
  ...chunkCases("", models.CHUNK_POLICY),
  ...chunkCases("short-", models.SHORT_CHUNK_POLICY),
  ...chunkCases("small-", models.SMALL_CHUNK_POLICY),
  gpt,
  act,
  "energy-truncated": energyTruncated,
  "energy-full": energyFull,
  "act-forward": actForward,
  "unet-step": unetStep,
  "vit-forward": vitForward,
};

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const opened = await CASES[name]();
say({ openMs: opened.openMs, parameterCount: opened.parameterCount });
for await (const line of createInterface({ input: process.stdin })) {
  const times = [];
  for (let i = 0; i < Number(line); i++) {
    const started = performance.now();
    await opened.step();
    times.push(performance.now() - started);
  }
  say({ times, peakMib: process.resourceUsage().maxRSS / 1024 });
}
await opened.close();
