/**
 * TensorBoard's event files: records of `length, crc(length), data, crc(data)`, each datum a serialised
 * `tensorflow.Event` (github.com/tensorflow/tensorboard, `event.proto`, `summary.proto`; masked CRC-32C as
 * in TFRecord). Only scalars are written.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** Scalars as TensorBoard shows them. One file per start of a run, as it expects. */
export interface EventWriter {
  readonly path: string;
  scalars(step: number, values: Readonly<Record<string, number>>): void;
  close(): void;
}

/** @param wallS seconds since the epoch; the clock in use, replaceable for tests */
export function openEventWriter(
  folder: string,
  wallS: () => number = () => Date.now() / 1000,
): EventWriter {
  const started = wallS();
  const stamp = String(Math.floor(started)).padStart(10, "0");
  const name = `events.out.tfevents.${stamp}.${hostname()}.${process.pid}`;
  const { path, file } = openFresh(join(folder, name));
  writeSync(file, record(fileVersion(started)));
  return {
    path,
    scalars(step, values) {
      writeSync(file, record(scalarEvent(wallS(), step, values)));
    },
    close: () => closeSync(file),
  };
}

/** Two starts within a second must not share a file: the version may stand at its beginning only. */
function openFresh(base: string): { readonly path: string; readonly file: number } {
  for (let n = 0; ; n++) {
    const path = `${base}.${n}`;
    try {
      return { path, file: openSync(path, "wx") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** `Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }` */
function fileVersion(wallS: number): Buffer {
  return Buffer.concat([double(1, wallS), bytes(3, Buffer.from("brain.Event:2"))]);
}

/** `Summary { repeated Value value = 1; }`, `Value { string tag = 1; float simple_value = 2; }` */
export function scalarEvent(
  wallS: number,
  step: number,
  values: Readonly<Record<string, number>>,
): Buffer {
  const summary = Object.entries(values).map(([tag, value]) =>
    bytes(1, Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)])),
  );
  return Buffer.concat([double(1, wallS), varintField(2, step), bytes(5, Buffer.concat(summary))]);
}

/** One TFRecord. */
export function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, masked(length), data, masked(data)]);
}

function masked(data: Buffer): Buffer {
  const crc = crc32c(data);
  const rotated = ((crc >>> 15) | (crc << 17)) >>> 0;
  const out = Buffer.alloc(4);
  out.writeUInt32LE((rotated + 0xa282ead8) >>> 0);
  return out;
}

/** Castagnoli's polynomial, reflected. */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = (c & 1) === 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});

export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...out, rest]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function double(field: number, value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeDoubleLE(value);
  return Buffer.concat([varint(field * 8 + 1), out]);
}

function float(field: number, value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeFloatLE(value);
  return Buffer.concat([varint(field * 8 + 5), out]);
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}
