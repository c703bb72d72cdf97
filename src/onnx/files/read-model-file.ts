import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { NdArray } from "../../core/index.ts";
import { isDtype, typedView } from "../element-type.ts";
import type { Model, Tensor } from "../ir.ts";
import { readModel } from "../read-model.ts";
import { mapTensors, tensorsOf } from "../tensors-of.ts";
import { placeOf } from "./locate.ts";

/**
 * Reads a model whose tensors may stand in files beside it. These are checked (there, inside the folder,
 * long enough for the shape) and not read: their payloads stay references, with the length filled in.
 * @throws {SyntaxError} if the file is no ONNX model, or a location leaves the folder
 * @throws {RangeError} if a tensor's file is missing, outside the folder or too short
 */
export async function readModelFile(path: string): Promise<Model> {
  const model = readModel(await readFile(path));
  const lengths = new Map<Tensor, number>();
  for (const tensor of tensorsOf(model)) {
    if (tensor.payload.kind !== "external") continue;
    const { length } = await placeOf(dirname(path), tensor, tensor.payload);
    lengths.set(tensor, length);
  }
  return mapTensors(model, (tensor) => {
    const length = lengths.get(tensor);
    const { payload } = tensor;
    if (length === undefined || payload.kind !== "external") return tensor;
    return { ...tensor, payload: { ...payload, length } };
  });
}

/**
 * The numbers of one tensor, read from its file if they stand in one.
 * @param folder the model's
 * @throws {TypeError} for element types that the runtime does not compute with
 * @throws {RangeError} if the file is missing, outside the folder or too short
 */
export async function readTensor(folder: string, tensor: Tensor): Promise<NdArray> {
  const { elementType, shape, payload, name } = tensor;
  if (payload.kind === "array") return payload.array;
  if (payload.kind !== "external" || !isDtype(elementType)) {
    throw new TypeError(`Cannot read tensor "${name}": it is ${elementType}, must be numeric`);
  }
  const { file, offset, length } = await placeOf(folder, tensor, payload);
  const bytes = new Uint8Array(length);
  const handle = await open(file);
  try {
    // One call reads at most 2 GiB.
    for (let at = 0; at < length;) {
      const wanted = Math.min(length - at, 2 ** 30);
      const { bytesRead } = await handle.read(bytes, at, wanted, offset + at);
      if (bytesRead === 0) {
        throw new RangeError(
          `Cannot read tensor "${name}" from ${file}: it ends after ${offset + at} bytes, must have ${offset + length}`,
        );
      }
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return { dtype: elementType, shape, data: typedView(elementType, bytes) };
}
