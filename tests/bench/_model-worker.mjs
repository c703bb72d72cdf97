/**
 * Our side of comparisons of models with PyTorch, in a process of its own: `_model-worker.mjs CASE THREADS`.
 * Prints one line of JSON when it is ready, then one for every line on its standard input: the milliseconds of
 * as many steps as the line says, and the peak of its memory.
 */
import { createInterface } from "node:readline";
import { grad, vjp } from "../../dist/src/autodiff/index.js";
import { seeded } from "../../dist/src/core/index.js";
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import * as layers from "../../dist/src/onnx/layers/index.js";
import { openLocalSession } from "../../dist/src/session/index.js";
import {
  createOptimiser,
  layoutFor,
  ParameterArena,
  TrainingStep,
} from "../../dist/src/train/index.js";
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

/** The product of a cotangent of a step's result with the step's Jacobian: by chunk and by parameters. */
async function openStepVjp() {
  const g = new GraphBuilder("step_vjp");
  const inputs = models.energyInputs(g, ENERGY_BATCH);
  const seed = g.input("seed", "float32", inputs.actions.shape);
  const next = models.descended(kit, { g, parameters: parameters() }, inputs);
  const learned = [...g.parameters];
  const wanted = [inputs.actions, ...learned.map(([, value]) => value)];
  const [dActions, ...slopes] = vjp(g, { outputs: [next], seeds: [seed] }, wanted);
  g.output("grad/actions", dActions);
  for (const [i, [parameter]] of learned.entries()) g.output(`grad/${parameter}`, slopes[i]);
  const opened = await openLocalSession(writeModel(g.build({ parameters: "fed" })), session);
  return { opened, learned };
}

/**
 * Through all steps: the chunks of a descent are kept, then one graph goes back over them, so that graph and
 * memory do not grow with the number of steps.
 */
async function energyFull() {
  const { actions, observation, target } = models.energyFeeds(seeded("data"), ENERGY_BATCH);
  const descent = await openDescent();
  const back = await openStepVjp();
  const infos = back.learned.map(([key, { shape }]) => ({ name: key, shape }));
  const arena = new ParameterArena(layoutFor(optimiser, infos, { accumulate: true }));
  arena.load(
    "parameter",
    Object.fromEntries(back.learned.map(([key, { constant }]) => [key, constant])),
  );
  const updater = createOptimiser(optimiser, arena);
  updater.init();
  const weights = arena.views("parameter");
  const into = Object.fromEntries(
    Object.entries(arena.views("gradient")).map(([key, view]) => [`grad/${key}`, view]),
  );
  let count = 0;
  return {
    openMs: descent.openMs + back.opened.openMs,
    close: () => Promise.all([descent.close(), back.opened.close()]),
    parameterCount: infos.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    async step() {
      const kept = [actions];
      for (let i = 0; i < ENERGY_STEPS; i++) {
        const feeds = { actions: kept.at(-1), observation, ...weights };
        kept.push((await descent.run(feeds)).outputs.next);
      }
      const end = kept.pop().data;
      // Times the number of steps, because the optimiser takes the mean over what is accumulated.
      const factor = (2 * ENERGY_STEPS) / end.length;
      const data = end.map((value, i) => factor * (value - target.data[i]));
      let seed = { dtype: "float32", shape: target.shape, data };
      while (kept.length > 0) {
        const feeds = { actions: kept.pop(), observation, seed, ...weights };
        seed = (await back.opened.run(feeds, { into })).outputs["grad/actions"];
        updater.accumulate();
      }
      updater.step({ rate: RATE, step: ++count });
    },
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

const CASES = {
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
