/** Cells of parquet rows as what they must be. */
import type { ParquetRow } from "./parquet.ts";

/** @throws {SyntaxError} if it is no whole number */
export function wholeNumber(row: ParquetRow, column: string): number {
  const value = row[column];
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) {
    throw wrongCell(column, value, "a whole number");
  }
  return number;
}

/** @throws {SyntaxError} if it is no number */
export function anyNumber(row: ParquetRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw wrongCell(column, value, "a number");
  }
  return Number(value);
}

/** @throws {SyntaxError} if it is no text */
export function text(row: ParquetRow, column: string): string {
  return textOf(row[column], column);
}

/** @throws {SyntaxError} if it is no list of texts */
export function texts(row: ParquetRow, column: string): string[] {
  const value = row[column];
  if (!Array.isArray(value)) throw wrongCell(column, value, "a list of texts");
  return value.map((item) => textOf(item, column));
}

/** Copies a number, or a list of them however deep, to `target`. @throws {SyntaxError} if it has another length */
export function copyNumbers(row: ParquetRow, column: string, target: Float32Array): void {
  let at = 0;
  const put = (value: unknown): void => {
    if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
      if (at < target.length) target[at] = Number(value);
      at++;
    } else if (Array.isArray(value) || ArrayBuffer.isView(value)) {
      for (const item of value as Iterable<unknown>) put(item);
    } else throw wrongCell(column, value, "numbers");
  };
  put(row[column]);
  if (at !== target.length) throw wrongCell(column, `${at} numbers`, `${target.length}`);
}

/** The bytes of a Hugging Face image cell. @throws {SyntaxError} if the file only names a path */
export function imageBytes(row: ParquetRow, column: string): Uint8Array {
  const value = row[column] as { bytes?: unknown; path?: unknown } | null | undefined;
  if (value?.bytes instanceof Uint8Array) return value.bytes;
  const found = typeof value?.path === "string" ? `a path ("${value.path}")` : "nothing";
  throw new SyntaxError(`column "${column}" has ${found} for an image, must have its bytes`);
}

function textOf(value: unknown, column: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  throw wrongCell(column, value, "a text");
}

function wrongCell(column: string, value: unknown, wanted: string): SyntaxError {
  const words = ["string", "number", "bigint", "boolean"].includes(typeof value);
  const found = words ? `${value as string | number | bigint | boolean}` : `a ${typeof value}`;
  return new SyntaxError(`column "${column}" has ${found}, must have ${wanted}`);
}
