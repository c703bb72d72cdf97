import { kernelModule } from "./module.ts";

/** Addresses and lengths are in bytes, multiples of 16; kernels.wat has the maths. */
export interface Kernels {
  /** In float64, the order of summation given by the length alone. */
  readonly sumOfSquares: (x: number, bytes: number) => number;
  readonly scale: (x: number, bytes: number, factor: number) => void;
  readonly accumulate: (sum: number, x: number, bytes: number) => void;
  readonly average: (...args: [mean: number, x: number, bytes: number, weight: number]) => void;
  readonly adamW: (
    ...args: [p: number, g: number, m: number, v: number, bytes: number, ...AdamWScalars]
  ) => void;
  readonly sgd: (...args: [p: number, g: number, bytes: number, ...CommonScalars]) => void;
  readonly momentum: MomentumKernel;
  readonly nesterov: MomentumKernel;
  readonly lion: (
    ...args: [p: number, g: number, m: number, bytes: number, ...LionScalars]
  ) => void;
}

type MomentumKernel = (
  ...args: [p: number, g: number, b: number, bytes: number, ...MomentumScalars]
) => void;

/** All are rounded to float32 on the way in. */
type CommonScalars = [clip: number, alpha: number, decay: number];
type MomentumScalars = [clip: number, momentum: number, alpha: number, decay: number];
type LionScalars = [clip: number, c1: number, c2: number, alpha: number, decay: number];
type AdamWScalars = [
  clip: number,
  c1: number,
  c2: number,
  alpha: number,
  eps: number,
  decay: number,
];

/** Kernels that work in the given memory. Single-threaded, and the same bits on every machine. */
export function createKernels(memory: WebAssembly.Memory): Kernels {
  const { exports } = new WebAssembly.Instance(kernelModule(), { arena: { memory } });
  return exports as unknown as Kernels;
}
