import type { CameraRendererOptions } from "./types.ts";

/** @throws {RangeError} naming the option that is other than it must be */
export function checkOptions(options: CameraRendererOptions): void {
  const { width, height, samples = 4 } = options;
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1 || value > 8192) {
      throw new RangeError(
        `Cannot create camera renderer: ${name} is ${value}, it must be an integer from 1 to 8192`,
      );
    }
  }
  if (samples !== 1 && samples !== 4) {
    throw new RangeError(
      `Cannot create camera renderer: samples is ${String(samples)}, it must be 1 or 4`,
    );
  }
  const { fidelity = "fast" } = options;
  if (fidelity !== "fast" && fidelity !== "exact") {
    throw new RangeError(
      `Cannot create camera renderer: fidelity is ${String(fidelity)}, it must be "fast" or "exact"`,
    );
  }
  const { poseStep } = options;
  if (poseStep !== undefined && !(poseStep > 0 && poseStep < 1)) {
    throw new RangeError(
      `Cannot create camera renderer: poseStep is ${poseStep}, it must lie between 0 and 1`,
    );
  }
}
