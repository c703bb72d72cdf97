import { listCudaParts, missingCudaProvider } from "./cuda.ts";

/** Where a graph can run. */
export type Device = "cpu" | "webgpu" | "cuda";

export const DEVICES: readonly Device[] = ["cpu", "webgpu", "cuda"];

/**
 * The only engine providers that may be asked for. onnxruntime-node knows more names and drops those
 * it cannot serve (`dml`, `xnnpack`, `coreml`) with a warning, which would be a silent fall back to CPU.
 */
export function providerOf(device: string): string {
  if (!DEVICES.some((known) => known === device)) {
    throw new RangeError(
      `Cannot open session: device is ${JSON.stringify(device)}, must be one of ${DEVICES.join(", ")}`,
    );
  }
  return device;
}

/** What a device certainly lacks, as far as it can be seen without trying it; `undefined` = nothing. */
export function missingForDevice(device: Device): string | undefined {
  if (device !== "cuda") return undefined;
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `there is no CUDA build for ${process.platform}-${process.arch}`;
  }
  const missing = missingCudaProvider();
  return missing.length === 0 ? undefined : `${missing.join(" and ")} are not installed`;
}

/** What a person can do about a device that does not work. */
export function deviceAdvice(device: Device): string {
  switch (device) {
    case "cpu":
      return "reinstall onnxruntime-node";
    case "webgpu":
      return (
        "must be a machine with a WebGPU adapter: on Linux install the Vulkan loader (Debian: libvulkan1) " +
        "and your card's Vulkan driver (mesa-vulkan-drivers 25 or newer also renders in software), " +
        'or use device "cpu"'
      );
    case "cuda":
      return (
        `must be a machine with ${cudaNeeds()} ` +
        '("efference doctor --gpu" says how to get each), or use device "cpu"'
      );
  }
}

function cudaNeeds(): string {
  const lacking = listCudaParts().filter(({ usable }) => !usable);
  if (lacking.length === 0) return "a card that CUDA can use";
  return lacking.map(({ name, found }) => `${name} (${found})`).join(", ");
}
