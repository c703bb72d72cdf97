import type { Dtype, NdArray, TypedArray } from "../core/index.ts";
import { messageOf } from "../core/index.ts";
import { GraphBuilder, writeModel } from "../onnx/index.ts";
import type { Device } from "./devices.ts";
import { engineOptions } from "./engine-options.ts";
import type { EngineSession, EngineTensor } from "./engine-api.ts";
import { loadEngine } from "./engine.ts";

/**
 * Brings tensors from the device to the host by running graphs that do nothing: the engine's own way,
 * `getData()`, ends the process. One graph per dtype and rank, made when first needed.
 */
export class Downloader {
  readonly #device: Device;
  readonly #sessions = new Map<string, Promise<EngineSession>>();

  constructor(device: Device) {
    this.#device = device;
  }

  async download(tensor: EngineTensor): Promise<NdArray> {
    if (tensor.location === "cpu") return arrayOf(tensor);
    const key = `${tensor.type}/${tensor.dims.length}`;
    const opened = this.#sessions.get(key) ?? this.#open(tensor);
    this.#sessions.set(key, opened);
    try {
      const { out } = await (await opened).run({ in: tensor }, { out: null });
      if (out === undefined) throw new Error("the engine gave no output");
      return arrayOf(out);
    } catch (error) {
      throw new Error(`Cannot download a tensor from ${this.#device}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const session of opened) {
      if (session.status === "fulfilled") await session.value.release();
    }
  }

  #open({ type, dims }: EngineTensor): Promise<EngineSession> {
    const g = new GraphBuilder("download");
    const shape = dims.map((_, axis) => `d${axis}`);
    g.output("out", g.input("in", type as Dtype, shape));
    const options = engineOptions({ device: this.#device });
    return loadEngine().InferenceSession.create(writeModel(g.build()), options);
  }
}

function arrayOf({ type, dims, data }: EngineTensor): NdArray {
  return {
    dtype: type as Dtype,
    shape: [...dims],
    data: type === "float16" ? halfBits(data) : data,
  };
}

/** Newer versions of Node make 16-bit floats an array type of their own; here they are their bits. */
function halfBits(data: TypedArray): Uint16Array {
  if (data instanceof Uint16Array) return data;
  const { buffer, byteOffset, byteLength } = data as ArrayBufferView;
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}
