import { createHash, randomUUID } from "node:crypto";
import type { Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeNew } from "../../files/index.ts";
import type { Model, Tensor } from "../ir.ts";
import { mapTensors, tensorsOf } from "../tensors-of.ts";
import { writeModel } from "../write-model.ts";
import type { Place } from "./locate.ts";
import { byteLength, placeOf } from "./locate.ts";

export interface WriteModelOptions {
  /**
   * Tensors of this many bytes or more go to a file beside the model. Default: none where the model fits
   * one protobuf file, else those of 64 KiB and more.
   */
  readonly externalThreshold?: number;
  /** Folder of the files that the model's external tensors are in now; default that of `path`. */
  readonly from?: string;
}

/** Tensors begin at multiples of this, so that the engine can map the file into memory. */
const ALIGNMENT = 4096;
/** Protobuf cannot carry more than 2 GiB; the rest of the model needs room, too. */
const LARGEST_PROTOBUF = 1.9 * 2 ** 30;
const DEFAULT_THRESHOLD = 65536;

/**
 * Writes a model so that there is never half of one: the big tensors to one file, streamed, then the model
 * to another, each under another name until it is complete. The tensors' file is named after its content
 * (`policy.onnx.<16 hexadecimal digits>.data`), so that the model that was there stays whole until the new
 * one takes its place; after that its file of tensors is removed.
 * @throws {RangeError} if a tensor stands in a file that is missing, outside its folder or too short
 */
export async function writeModelFile(
  path: string,
  model: Model,
  options: WriteModelOptions = {},
): Promise<void> {
  const target = resolve(path);
  const folder = dirname(target);
  const threshold = options.externalThreshold ?? defaultThreshold(model);
  const temporary = join(folder, `.${basename(target)}.${randomUUID()}`);
  try {
    const moved = await writeData(`${temporary}.data`, model, {
      threshold,
      from: options.from ?? folder,
    });
    const location = `${basename(target)}.${moved.digest}.data`;
    const placed = mapTensors(model, (tensor) => {
      const place = moved.places.get(tensor);
      if (place === undefined) return tensor;
      return { ...tensor, payload: { kind: "external", location, ...place } };
    });
    await writeNew(`${temporary}.onnx`, writeModel(placed));
    if (moved.places.size > 0) await rename(`${temporary}.data`, join(folder, location));
    await rename(`${temporary}.onnx`, target);
    await removeOldData(target, location);
  } finally {
    await rm(`${temporary}.data`, { force: true });
    await rm(`${temporary}.onnx`, { force: true });
  }
}

function defaultThreshold(model: Model): number {
  let total = 0;
  for (const tensor of tensorsOf(model)) total += byteLength(tensor) ?? 0;
  return total > LARGEST_PROTOBUF ? DEFAULT_THRESHOLD : Infinity;
}

interface Moved {
  readonly places: ReadonlyMap<Tensor, { readonly offset: number; readonly length: number }>;
  /** Of everything in the file. */
  readonly digest: string;
}

async function writeData(
  path: string,
  model: Model,
  { threshold, from }: { readonly threshold: number; readonly from: string },
): Promise<Moved> {
  const places = new Map<Tensor, { offset: number; length: number }>();
  const sources: { readonly source: Uint8Array | Place; readonly offset: number }[] = [];
  let end = 0;
  for (const tensor of tensorsOf(model)) {
    const source = await sourceOf(tensor, { threshold, from });
    if (source === undefined) continue;
    const length = source instanceof Uint8Array ? source.byteLength : source.length;
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    places.set(tensor, { offset, length });
    sources.push({ source, offset });
    end = offset + length;
  }
  const hash = createHash("sha256");
  if (sources.length > 0) {
    const file = await open(path, "wx");
    try {
      const out: Output = { file, hash, at: 0 };
      for (const { source, offset } of sources) {
        await append(out, new Uint8Array(offset - out.at));
        await copy(out, source);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
  return { places, digest: hash.digest("hex").slice(0, 16) };
}

/** What goes to the tensors' file: numbers in memory that are big, and all that are in a file already. */
async function sourceOf(
  tensor: Tensor,
  { threshold, from }: { readonly threshold: number; readonly from: string },
): Promise<Uint8Array | Place | undefined> {
  const { payload } = tensor;
  if (payload.kind === "external") return placeOf(from, tensor, payload);
  if (payload.kind !== "array" || payload.array.data.byteLength < threshold) return undefined;
  const { buffer, byteOffset, byteLength: length } = payload.array.data;
  return new Uint8Array(buffer, byteOffset, length);
}

interface Output {
  readonly file: FileHandle;
  readonly hash: Hash;
  at: number;
}

async function append(out: Output, bytes: Uint8Array): Promise<void> {
  // One call writes at most 2 GiB.
  for (let from = 0; from < bytes.byteLength; from += 2 ** 26) {
    const part = bytes.subarray(from, from + 2 ** 26);
    out.hash.update(part);
    await out.file.writeFile(part);
    out.at += part.byteLength;
  }
}

async function copy(out: Output, source: Uint8Array | Place): Promise<void> {
  if (source instanceof Uint8Array) return append(out, source);
  const { file, offset, length } = source;
  if (length === 0) return;
  const stream = createReadStream(file, {
    start: offset,
    end: offset + length - 1,
    highWaterMark: 2 ** 22,
  });
  let copied = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    await append(out, chunk);
    copied += chunk.byteLength;
  }
  if (copied !== length) {
    throw new RangeError(
      `Cannot write ONNX model: ${file} ended after ${copied} of ${length} bytes, must stay as it is`,
    );
  }
}

/** Files of tensors that an earlier model under this name had. */
async function removeOldData(target: string, current: string): Promise<void> {
  const [folder, name] = [dirname(target), basename(target)];
  for (const file of await readdir(folder)) {
    const digest = file.startsWith(`${name}.`) ? file.slice(name.length + 1) : "";
    if (file !== current && /^[0-9a-f]{16}\.data$/.test(digest)) await rm(join(folder, file));
  }
}
