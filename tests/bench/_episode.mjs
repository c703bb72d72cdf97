/** What made-up episodes have in common that are written to be measured: two cameras' pictures, and a header. */
import { seeded } from "../../dist/src/core/index.js";

export const CAMERAS = ["front", "wrist"];

/**
 * A made-up camera's picture, `uint8[size, size, 3]`, about as hard to compress as a rendered table top: smooth shading,
 * edges, and a texture. Sensor noise would make every format large alike.
 */
export function frame(size, step, camera = 0) {
  const data = new Uint8Array(size * size * 3);
  const rng = seeded(1);
  const grain = Uint8Array.from({ length: 4096 }, () => rng.int(7));
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const inside = Math.hypot(x - size * 0.3 - step, y - size * 0.5 - 9 * camera) < size * 0.12;
      const wood = y > size * 0.4 ? grain[(x * 3 + y * 57) & 4095] : 0;
      data[at++] = (inside ? 190 : (120 + (40 * x) / size) | 0) + wood;
      data[at++] = (inside ? 40 : (100 + (50 * y) / size) | 0) + wood;
      data[at++] = (inside ? 35 : 90) + wood;
    }
  }
  return { dtype: "uint8", shape: [size, size, 3], data };
}

/** The header of an episode whose cameras have `size` pixels a side and whose action is seven numbers. */
export function headerOf(episodeId, { size, proprio, controlFreqHz, maxSteps }) {
  const policy = {
    name: "bench",
    observation: "any",
    action: "any",
    predictHorizon: 16,
    privileged: false,
  };
  return {
    episodeId,
    runId: "bench",
    task: "bench",
    suite: "bench",
    instruction: "lift the red cube",
    seed: 1,
    attempt: 1,
    policy: { name: "bench", spec: policy },
    environment: { name: "bench", version: "1", versions: {} },
    spec: {
      observation: {
        images: CAMERAS.map((name) => ({ name, height: size, width: size, channels: 3 })),
        proprio,
        texts: [],
      },
      action: { components: [{ name: "move", format: "raw", dtype: "float32", shape: [7] }] },
      controlFreqHz,
      maxSteps,
      privileged: false,
      snapshot: false,
    },
    startedNs: 1_760_000_000_000_000_000n,
    versions: {},
  };
}
