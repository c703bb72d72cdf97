/** Where on the disk a tensor's numbers are, and that they are all there. */
import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { elementCount } from "../../core/index.ts";
import { bytesPerElement, isDtype } from "../element-type.ts";
import { assertExternalLocation } from "../external-data.ts";
import type { Tensor, TensorPayload } from "../ir.ts";

export type ExternalPayload = TensorPayload & { readonly kind: "external" };

/** A run of bytes in a file. */
export interface Place {
  /** Real path. */
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * @param folder the model's
 * @throws {SyntaxError} if the location is no plain relative path
 * @throws {RangeError} if the file is missing, outside the folder or too short, or its length contradicts the shape
 */
export async function placeOf(
  folder: string,
  tensor: Tensor,
  payload: ExternalPayload,
): Promise<Place> {
  const { location, offset } = payload;
  const refuse = (what: string, must: string): never => {
    throw new RangeError(
      `Cannot read tensor "${tensor.name}" from ${JSON.stringify(location)} of ${folder}: ${what}, ${must}`,
    );
  };
  assertExternalLocation(location, tensor.name);
  const root = await realpath(folder);
  const file = await realpath(join(root, location)).catch(() =>
    refuse("the file is missing", "must be beside the model"),
  );
  if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) {
    refuse("the file is outside the folder", "must be inside");
  }
  const { size } = await stat(file);
  const length = payload.length ?? size - offset;
  if (length < 0 || offset + length > size) {
    refuse(`the file has ${size} bytes`, `must have ${offset + Math.max(0, length)}`);
  }
  const wanted = byteLength(tensor);
  if (wanted !== undefined && length !== wanted) {
    refuse(`its length is ${length} bytes`, `must be ${wanted}`);
  }
  return { file, offset, length };
}

/** Bytes of a tensor's numbers; `undefined` for element types of no whole bytes. */
export function byteLength({ elementType, shape }: Tensor): number | undefined {
  if (!isDtype(elementType)) return undefined;
  return elementCount(shape) * bytesPerElement(elementType);
}
