/**
 * A process of its own for the tests that kill one: `simulator ENDPOINT` serves a counter, `runtime
 * ENDPOINT` steps the first simulator that dials in for ever, `robot ENDPOINT` asks for decisions.
 * Prints one line per thing done, so that the test knows when to strike.
 */
import { createCounter } from "../../dist/sim-bridge/counter.js";
import { createHub, serveEnvironment } from "../../dist/sim-bridge/index.js";

const [, , role, endpoint] = process.argv;
const say = (line) => process.stdout.write(`${line}\n`);
const want = {
  images: "all",
  imagesAt: "last",
  poses: false,
  privileged: false,
  depth: false,
  segmentation: false,
};

async function simulate() {
  const env = createCounter({ maxSteps: 1_000_000, onStep: (count) => say(`step ${count}`) });
  const end = await serveEnvironment(env, {
    connect: endpoint,
    heartbeatS: 0.2,
    forgottenAfterS: 2,
  });
  say(`ended ${end.kind}`);
}

async function run() {
  const hub = await createHub({ endpoint, heartbeatS: 0.2 });
  say(`listening ${hub.endpoint}`);
  const env = await hub.nextSimulator();
  await env.reset({ task: "count", seed: 1, want });
  for (let i = 1; ; i++) {
    await env.step({ data: new Float32Array(2), horizon: 1, actionDim: 2 }, want);
    say(`stepped ${i}`);
  }
}

await { simulator: simulate, runtime: run }[role]();
process.exit(0);
