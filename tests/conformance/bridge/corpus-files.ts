import { readFileSync } from "node:fs";

export const corpusUrl = new URL("../../../sim-bridge/wire/corpus/", import.meta.url);

/** Frames as one file: u32 count, then per frame u32 length and the bytes; all little-endian. */
export function packFrames(frames: readonly Uint8Array[]): Uint8Array {
  const size = frames.reduce((sum, frame) => sum + 4 + frame.byteLength, 4);
  const packed = new Uint8Array(size);
  const view = new DataView(packed.buffer);
  view.setUint32(0, frames.length, true);
  let offset = 4;
  for (const frame of frames) {
    view.setUint32(offset, frame.byteLength, true);
    packed.set(frame, offset + 4);
    offset += 4 + frame.byteLength;
  }
  return packed;
}

/** The frames lie as they do on a socket: each a Buffer with an offset of its own. */
export function unpackFrames(packed: Uint8Array): Buffer[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const frames: Buffer[] = [];
  let offset = 4;
  for (let left = view.getUint32(0, true); left > 0; left--) {
    const length = view.getUint32(offset, true);
    frames.push(Buffer.from(packed.buffer, packed.byteOffset + offset + 4, length));
    offset += 4 + length;
  }
  if (offset !== packed.byteLength) {
    throw new SyntaxError(
      `Cannot unpack frames: ${packed.byteLength - offset} bytes are left, must be 0`,
    );
  }
  return frames;
}

export function readFrames(name: string): Buffer[] {
  return unpackFrames(readFileSync(new URL(`${name}.bin`, corpusUrl)));
}

export function readExpectation(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, corpusUrl), "utf8"));
}
