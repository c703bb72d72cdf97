/** Plays one episode of the tabletop and prints a hash of everything it saw. */
import { createHash } from "node:crypto";
import { seeded } from "../../../dist/src/core/index.js";
import { createTabletop } from "../../../dist/sim-bridge/sims/tabletop/index.js";

const [, , task, seed, warmUpTask] = process.argv;
const want = {
  images: "all",
  imagesAt: "every",
  poses: true,
  privileged: true,
  depth: false,
  segmentation: true,
};
const rng = seeded(Number(seed));
const chunk = {
  data: Float32Array.from({ length: 7 * 20 }, () => 2 * rng.uniform() - 1),
  horizon: 20,
  actionDim: 7,
};
const environment = await createTabletop();
// Another episode before it must leave no trace.
if (warmUpTask !== undefined) {
  await environment.reset({ task: warmUpTask, seed: 99, want });
  await environment.step(chunk, want);
}
const { first } = await environment.reset({ task, seed: Number(seed), want });
const steps = [first, ...(await environment.step(chunk, want))];
const hash = createHash("sha256");
for (const { observation, poses, reward, kind } of steps) {
  const { images, segmentation, proprio, privileged, step } = observation;
  hash.update(JSON.stringify([kind, reward, step, privileged]));
  hash.update(new Uint8Array(poses.buffer));
  for (const part of [images, segmentation, proprio]) {
    for (const { data } of Object.values(part)) {
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  }
}
await environment.close();
process.stdout.write(`${steps.length} ${hash.digest("hex")}`);
