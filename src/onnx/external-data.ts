/** Tensors whose numbers stand in another file: where, and that the place is inside the folder. */
import type { Model, TensorPayload } from "./ir.ts";
import type { EntryProto } from "./schema.ts";
import { tensorsOf } from "./tensors-of.ts";

/**
 * Refuses a location that could leave the model's folder. A model is data from anywhere; without this
 * check it could make the runtime read any file of the machine.
 * @throws {SyntaxError} unless it is a relative path of plain segments with `/` between them
 */
export function assertExternalLocation(location: string, tensor: string): void {
  const segments = location.split("/");
  const plain =
    location !== "" &&
    !/[\\:\0]/.test(location) &&
    segments.every((segment) => segment !== "" && segment !== "." && segment !== "..");
  if (!plain) {
    throw new SyntaxError(
      `Cannot read ONNX model: tensor "${tensor}" is stored at ${JSON.stringify(location)}, ` +
        "must be a relative path inside the model's folder",
    );
  }
}

/** `TensorProto.external_data` as a payload. */
export function readExternal(tensor: string, entries: readonly EntryProto[]): TensorPayload {
  const get = (key: string): string | undefined => entries.find((e) => e.key === key)?.value;
  const location = get("location") ?? "";
  assertExternalLocation(location, tensor);
  const integer = (key: string): number | null => {
    const value = get(key);
    if (value === undefined) return null;
    if (!/^\d{1,15}$/.test(value)) {
      throw new SyntaxError(
        `Cannot read ONNX model: ${key} of tensor "${tensor}" is ${JSON.stringify(value)}, must be an integer`,
      );
    }
    return Number(value);
  };
  return { kind: "external", location, offset: integer("offset") ?? 0, length: integer("length") };
}

/** Every file the model's tensors are stored in, relative to the model, sorted, each once. */
export function externalFiles(model: Model): string[] {
  const files = new Set<string>();
  for (const { payload } of tensorsOf(model)) {
    if (payload.kind === "external") files.add(payload.location);
  }
  return [...files].sort();
}
