/** What a typical manipulation world shows: two cameras of 224 x 224 and eight numbers of itself. */
const SIZE = 224;

export const ACTION_DIM = 7;

const image = (name) => ({ name, height: SIZE, width: SIZE, channels: 3 });

export const SPEC = {
  observation: {
    images: [image("front"), image("wrist")],
    proprio: [{ name: "state", format: "raw", dtype: "float32", shape: [8], unit: "1" }],
    texts: [],
  },
  action: {
    components: [
      {
        name: "action",
        format: "raw",
        dtype: "float32",
        shape: [ACTION_DIM],
        low: [-1],
        high: [1],
      },
    ],
  },
  controlFreqHz: 20,
  maxSteps: 4_000_000_000,
  privileged: false,
  snapshot: false,
};

const pixels = () => ({
  dtype: "uint8",
  shape: [SIZE, SIZE, 3],
  data: Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => i * 31),
});
const images = { front: pixels(), wrist: pixels() };

export function observation(step, withImages = true) {
  const data = new Float32Array(8).fill(step % 1000);
  return {
    images: withImages ? images : {},
    proprio: { state: { dtype: "float32", shape: [8], data } },
    texts: {},
    instruction: "put the red cube on the plate",
    step,
    stampNs: BigInt(step) * 50_000_000n,
  };
}

export function timeStep(step, withImages = true) {
  return {
    kind: step === 0 ? "first" : "mid",
    observation: observation(step, withImages),
    reward: 0,
    terminated: false,
    truncated: false,
    success: false,
    busyNs: 0n,
  };
}

/** The steps from `first` on that executing `count` actions makes; the last bears the images. */
export function timeSteps(first, count) {
  return Array.from({ length: count }, (_, i) => timeStep(first + i, i === count - 1));
}

export function actions(horizon) {
  return { data: new Float32Array(horizon * ACTION_DIM), horizon, actionDim: ACTION_DIM };
}

/** Milliseconds of each of `count` calls, one after the other. */
export async function timed(count, call) {
  const ms = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await call();
    ms.push(performance.now() - start);
  }
  return ms;
}
