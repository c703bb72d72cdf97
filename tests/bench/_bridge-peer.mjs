/**
 * The other process of the bridge benchmark: a simulator that does nothing but answer, a robot that
 * does nothing but ask, and for each a bare ZeroMQ socket that carries frames of the same sizes.
 */
import { Dealer } from "zeromq";
import { connectPolicy, serveEnvironment } from "../../dist/sim-bridge/index.js";
import { encodeMessage } from "../../dist/sim-bridge/wire/codec.js";
import { SPEC, observation, timeStep, timeSteps, timed } from "./_bridge-world.mjs";

const [, , bridgeEndpoint, rawEndpoint] = process.argv;

let step = 0;
const environment = {
  spec: SPEC,
  tasks: [{ name: "idle", suite: "bench", instruction: "", initialStates: 0 }],
  identity: { name: "bench", version: "1", versions: {} },
  async reset() {
    step = 0;
    return { first: timeStep(0), instruction: "" };
  },
  async step({ horizon }) {
    const steps = timeSteps(step + 1, horizon);
    step += horizon;
    return steps;
  },
  async close() {},
};

const framesOf = (body) => encodeMessage({ seq: 1000, inReplyTo: 1000, body });

/** Answers a chunk of n rows with the frames that the bridge would answer with. */
async function answerRaw(dealer) {
  const answers = new Map();
  for (const horizon of [1, 10]) {
    answers.set(horizon, framesOf({ kind: "stepDone", steps: timeSteps(1000, horizon) }));
  }
  await dealer.send("simulator");
  for await (const frames of dealer) await dealer.send(answers.get(frames[1].length / 28));
}

async function askAsRobot() {
  const policy = await connectPolicy(bridgeEndpoint, { spec: SPEC });
  await policy.reset({ task: "idle", instruction: "", seed: 0 });
  const raw = new Dealer({ linger: 0 });
  raw.connect(rawEndpoint);
  const question = framesOf({ kind: "decide", observation: observation(1000) });
  let asked = 0;
  process.on("message", async ({ how, count }) => {
    const ask = {
      bridge: () => policy.decide(observation(asked++)),
      raw: async () => {
        await raw.send(question);
        await raw.receive();
      },
    };
    process.send({ how, ms: await timed(count, ask[how]) });
  });
  process.send({ how: "ready" });
}

const simulator = new Dealer({ linger: 0 });
simulator.connect(rawEndpoint);
void answerRaw(simulator);
void askAsRobot();
await serveEnvironment(environment, { connect: bridgeEndpoint, forgottenAfterS: 10 });
process.exit(0);
