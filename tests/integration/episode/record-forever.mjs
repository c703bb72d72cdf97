/**
 * Records a made-up episode until it is killed: `node record-forever.mjs FILE`. Prints the number of steps
 * that are certainly in the file after every flush. Imports the built tree.
 */
import { createEpisodeWriter } from "../../../dist/src/episode/node.js";

const path = process.argv[2];
const spec = {
  observation: {
    images: [{ name: "front", height: 32, width: 32, channels: 3 }],
    proprio: [],
    texts: [],
  },
  action: { components: [{ name: "move", format: "raw", dtype: "float32", shape: [2] }] },
  controlFreqHz: 50,
  maxSteps: 1e6,
  privileged: false,
  snapshot: false,
};
const policySpec = {
  name: "none",
  observation: "any",
  action: "any",
  predictHorizon: 1,
  privileged: false,
};
const writer = await createEpisodeWriter(path, {
  episodeId: "killed",
  runId: "r",
  task: "t",
  suite: "s",
  instruction: "",
  seed: 1,
  attempt: 1,
  policy: { name: "none", spec: policySpec },
  environment: { name: "e", version: "1", versions: {} },
  spec,
  startedNs: 1_000_000_000_000_000_000n,
  versions: {},
});

for (let step = 0; ; step++) {
  const data = new Uint8Array(32 * 32 * 3).map((_, i) => (i * step) & 0xff);
  await writer.step({
    timeStep: {
      kind: step === 0 ? "first" : "mid",
      reward: step,
      terminated: false,
      truncated: false,
      busyNs: 0n,
      observation: {
        images: { front: { dtype: "uint8", shape: [32, 32, 3], data } },
        proprio: {},
        texts: {},
        instruction: "",
        step,
        stampNs: BigInt(step) * 20_000_000n,
      },
    },
    action: step === 0 ? undefined : Float32Array.of(step, 0),
  });
  if (step % 10 === 9) {
    await writer.flush();
    process.stdout.write(`${step + 1}\n`);
  }
}
