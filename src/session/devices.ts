import { existsSync } from "node:fs";
import { join } from "node:path";
import { engineFolder } from "./engine.ts";

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

const CUDA_LIBRARIES = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"];

/** What a device lacks that can be seen without trying it; `undefined` = nothing. */
export function missingForDevice(device: Device): string | undefined {
  if (device !== "cuda") return undefined;
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `there is no CUDA build for ${process.platform}-${process.arch}`;
  }
  const missing = CUDA_LIBRARIES.filter((file) => !existsSync(join(engineFolder(), file)));
  return missing.length === 0 ? undefined : `${missing.join(" and ")} are not installed`;
}

/** What a person can do about a device that does not work. */
export function deviceAdvice(device: Device): string {
  switch (device) {
    case "cpu":
      return "reinstall onnxruntime-node";
    case "webgpu":
      return (
        "must be a machine with a WebGPU adapter: on Linux install the Vulkan loader (libvulkan1) and a " +
        'driver (mesa-vulkan-drivers 25 or newer for software rendering), or use device "cpu"'
      );
    case "cuda":
      return (
        `must be a machine with CUDA 12, cuDNN 9 and ${CUDA_LIBRARIES.join(" and ")} in ` +
        `${engineFolder()} (onnxruntime-node's install script fetches them unless it is told to skip ` +
        'them), or use device "cpu"'
      );
  }
}
