/** Thoughts of a policy that went downhill to a given chunk: made of arithmetic alone. */
import type { Thought } from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";

const ACTION_DIM = 4;
const STEPS = 5;

/** Candidates that begin at noise and halve their distance to the chunk with every step; the energy is its square. */
export function descentThoughts(chunk: Float32Array): Thought[] {
  const rng = seeded("descent").split(Math.round(1e6 * (chunk[0] ?? 0) + 1e9));
  const noise = Array.from(chunk, () => 1.5 * rng.normal());
  const at = (left: number): number[] => Array.from(chunk, (a, i) => a + left * (noise[i]! - a));
  const left = Array.from({ length: STEPS + 1 }, (_, k) => (k === STEPS ? 0 : 0.5 ** k));
  const line = Array.from({ length: 33 }, (_, i) => -0.25 + (1.5 * i) / 32);
  const side = Array.from({ length: 17 }, (_, i) => (i - 8) / 8);
  return [
    {
      ...{ kind: "refinement", tag: "descent" },
      ...{ horizon: chunk.length / ACTION_DIM, actionDim: ACTION_DIM },
      steps: left.map((_, k) => k),
      chunks: left.map(at),
      values: {
        energy: left.slice(0, -1).map((x) => x * x),
        slope: left.slice(0, -1).map((x) => 2 * x),
      },
    },
    {
      ...{ kind: "slice", tag: "energy on the line" },
      axes: [{ name: "first candidate 0, chosen chunk 1", at: line }],
      values: line.map((t) => (1 - t) ** 2),
      path: left.map((x) => [1 - x]),
    },
    {
      ...{ kind: "slice", tag: "energy around the chosen chunk" },
      axes: [
        { name: "first direction", at: side },
        { name: "second", at: side },
      ],
      values: side.flatMap((y) => side.map((x) => x * x + 3 * y * y)),
      path: left.map((x) => [x, x * (1 - x)]),
    },
  ];
}
