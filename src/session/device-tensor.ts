import type { Dtype } from "../core/index.ts";
import { isDtype } from "../onnx/index.ts";
import type { ElementType } from "../onnx/index.ts";
import type { Device } from "./devices.ts";
import type { EngineTensor } from "./engine-api.ts";

/**
 * Numbers that stay in a device's memory: an output kept there by one run, to be fed to another. On `cpu`
 * that memory is the host's. Its numbers are read by `LocalSession.download` alone.
 */
export interface DeviceTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly device: Device;
  /** Frees the memory now instead of at some garbage collection. Idempotent; the tensor is of no use after. */
  dispose(): void;
}

class KeptTensor implements DeviceTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly device: Device;
  #tensor: EngineTensor | undefined;

  constructor(tensor: EngineTensor, device: Device) {
    if (!isDtype(tensor.type as ElementType)) {
      throw new TypeError(`Cannot keep a tensor of type ${tensor.type}, must be a numeric one`);
    }
    this.dtype = tensor.type as Dtype;
    this.shape = [...tensor.dims];
    this.device = device;
    this.#tensor = tensor;
  }

  tensor(): EngineTensor {
    if (this.#tensor === undefined) {
      throw new TypeError("Cannot use device tensor: it is disposed, must be alive");
    }
    return this.#tensor;
  }

  dispose(): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

export function keep(tensor: EngineTensor, device: Device): DeviceTensor {
  return new KeptTensor(tensor, device);
}

export function isDeviceTensor(value: unknown): value is DeviceTensor {
  return value instanceof KeptTensor;
}

/** @throws {TypeError} if it is disposed, made elsewhere or on another device */
export function engineTensorOf(kept: DeviceTensor, device: Device): EngineTensor {
  if (!(kept instanceof KeptTensor)) {
    throw new TypeError("Cannot use device tensor: it is another object, must come from a session");
  }
  if (kept.device !== device) {
    throw new TypeError(`Cannot use device tensor: it is on ${kept.device}, must be on ${device}`);
  }
  return kept.tensor();
}
