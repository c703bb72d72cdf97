import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readActions } from "../../../src/cli/read-actions.ts";

const folder = mkdtempSync(join(tmpdir(), "efference-actions-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(bytes: Uint8Array): string {
  const path = join(folder, `${Math.random()}`);
  writeFileSync(path, bytes);
  return path;
}
function npy(header: string, data: Uint8Array): Uint8Array {
  const padded = header.padEnd(118, " ") + "\n";
  const head = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, padded.length, 0];
  return Uint8Array.from([...head, ...new TextEncoder().encode(padded), ...data]);
}
const bytesOf = (array: Float32Array | Float64Array): Uint8Array => new Uint8Array(array.buffer);
const header = (kind: string, shape: string): string =>
  `{'descr': '${kind}', 'fortran_order': False, 'shape': ${shape}, }`;

describe("readActions()", () => {
  const rows = Float64Array.from({ length: 14 }, (_, i) => i / 10);
  const wanted = Float32Array.from(rows);

  it("reads bare float64, and .npy of float64 and float32", async () => {
    expect(await readActions(file(bytesOf(rows)), 7)).toEqual(wanted);
    expect(await readActions(file(npy(header("<f8", "(2, 7)"), bytesOf(rows))), 7)).toEqual(wanted);
    const single = npy(header("<f4", "(2, 7)"), bytesOf(wanted));
    expect(await readActions(file(single), 7)).toEqual(wanted);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["another width", bytesOf(rows.slice(0, 8)), /8 numbers, must be rows of 7/],
    ["nothing", new Uint8Array(0), /0 numbers, must be rows of 7/],
    ["half a number", new Uint8Array(12), /12 bytes, must be float64/],
    [
      "a number that is none",
      bytesOf(rows.map((x, i) => (i === 9 ? NaN : x))),
      /row 1, number 2 .* is NaN/,
    ],
    [
      "integers",
      npy(header("<i8", "(2, 7)"), bytesOf(rows)),
      /must be a matrix of float32 or float64/,
    ],
    ["a cut-off file", npy(header("<f8", "(3, 7)"), bytesOf(rows)), /must have 21 numbers/],
  ])("refuses %s", async (_, bytes, words) => {
    await expect(readActions(file(bytes), 7)).rejects.toThrow(words);
  });

  it("refuses a file that is not there", async () => {
    await expect(readActions(join(folder, "none"), 7)).rejects.toThrow(/is not there/);
  });
});
