import { describe, expect, it } from "vitest";
import { RecordBuilder } from "../../src/episode/mcap/builder.ts";

/**
 * Symptom: recordings of real episodes failed with "Offset is outside the bounds of the DataView".
 * Cause: the view was read before the buffer grew, so a number that caused growth went to the old view.
 */
describe("RecordBuilder", () => {
  it.each(["u8", "u16", "u32", "u64"] as const)("grows when %s is what fills it up", (method) => {
    const builder = new RecordBuilder(8);
    builder.raw(new Uint8Array(8).fill(7));
    builder[method](1);
    const width = { u8: 1, u16: 2, u32: 4, u64: 8 }[method];
    expect([...builder.bytes]).toEqual([
      ...new Array<number>(8).fill(7),
      1,
      ...new Array<number>(width - 1).fill(0),
    ]);
  });
});
