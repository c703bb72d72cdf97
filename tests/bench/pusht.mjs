/**
 * PushT: control steps per second, against gym-pusht in the same run: EFFERENCE_PYTHON names a Python that has it
 * (`pip install gym-pusht==0.1.8 pymunk==6.11.1`). Without it there is no ratio, and the output says so.
 */
import { execFileSync } from "node:child_process";
import { WANT_NOTHING } from "../../dist/src/core/index.js";
import { createPushT } from "../../dist/sim-bridge/sims/pusht/index.js";

const STEPS = 3000;

/** Targets around the T, the same on both sides. */
function target(step) {
  return [256 + 180 * Math.cos(step * 0.13), 256 + 180 * Math.sin(step * 0.07)];
}

async function measure(images) {
  const env = createPushT();
  const want = { ...WANT_NOTHING, images, imagesAt: "every" };
  const startMs = performance.now();
  for (let done = 0, seed = 0; done < STEPS; seed++) {
    await env.reset({ task: "push_t", seed, want });
    for (let isLast = false; !isLast && done < STEPS; done++) {
      const chunk = { data: Float32Array.from(target(done)), horizon: 1, actionDim: 2 };
      const [step] = await env.step(chunk, want);
      isLast = step.kind === "last";
    }
  }
  return (STEPS * 1000) / (performance.now() - startMs);
}

const PEER = `
import math, sys, time, numpy, gymnasium, gym_pusht
steps = int(sys.argv[1])
env = gymnasium.make("gym_pusht/PushT-v0")
env.reset(seed=0)
start = time.perf_counter()
for step in range(steps):
    action = numpy.array([256 + 180 * math.cos(step * 0.13), 256 + 180 * math.sin(step * 0.07)], numpy.float32)
    _, _, terminated, truncated, _ = env.step(action)
    if terminated or truncated:
        env.reset(seed=step)
print(steps / (time.perf_counter() - start))
`;

function measurePeer() {
  const python = process.env.EFFERENCE_PYTHON;
  if (python === undefined || python === "") return undefined;
  try {
    const env = { ...process.env, SDL_VIDEODRIVER: "dummy" };
    const output = execFileSync(python, ["-c", PEER, String(STEPS)], { env, encoding: "utf8" });
    return Number(output.trim().split("\n").at(-1));
  } catch (error) {
    process.stderr.write(`gym-pusht was not measured: ${error.message.split("\n")[0]}\n`);
    return undefined;
  }
}

export default {
  title: "PushT: control steps per second, one thread",
  async run(print) {
    await measure("none");
    const states = await measure("none");
    const images = await measure("all");
    const peer = measurePeer();
    const ratio =
      peer === undefined
        ? "no gym-pusht to compare with: EFFERENCE_PYTHON must name a Python that has it"
        : `${(states / peer).toFixed(1)} x gym-pusht (${peer.toFixed(0)}/s)`;
    print(`states        ${states.toFixed(0)}/s, ${ratio}`);
    print(`with images   ${images.toFixed(0)}/s, ${(images / states).toFixed(2)} of states alone`);
    return { states, images, ...(peer !== undefined && { peer, ratio: states / peer }) };
  },
};
