import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { envelopeReader } from "../../../../sim-bridge/wire/envelope-reader.ts";
import { envelopeType } from "../../../../sim-bridge/wire/schema.ts";

interface Outcome {
  readonly json?: unknown;
  readonly refused?: boolean;
}

/** What a reader makes of the bytes; errors count as equal, whatever their text. */
function outcome(read: () => unknown): Outcome {
  try {
    const object = envelopeType.toObject(read() as never, { longs: String, bytes: String });
    return { json: object };
  } catch {
    return { refused: true };
  }
}

const both = (bytes: Uint8Array): [Outcome, Outcome] => [
  outcome(() => envelopeType.decode(envelopeReader(bytes))),
  outcome(() => envelopeType.decode(bytes)),
];

describe("envelopeReader()", () => {
  it("reads every uint64 as protobufjs does, from one byte to ten", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(63), (value, shift) => {
        const seq = value >> BigInt(shift);
        const halves = { low: Number(seq & 0xffffffffn), high: Number(seq >> 32n) };
        const bytes = envelopeType.encode({ seq: halves }).finish();
        const [ours, theirs] = both(bytes);
        expect(ours).toEqual(theirs);
        expect((ours.json as { seq?: string }).seq ?? "0").toBe(String(seq));
      }),
      { seed: 3 },
    );
  });

  it("never mixes strings up, whichever came before", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 70 }),
      fc.string({ unit: "grapheme", maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 40 }), (texts) => {
        const images = texts.map((name, index) => ({ name, index }));
        const bytes = envelopeType.encode({ decide: { observation: { images } } }).finish();
        const [ours, theirs] = both(bytes);
        expect(ours).toEqual(theirs);
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it("accepts and refuses what protobufjs does, also of random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const [ours, theirs] = both(bytes);
        expect(ours).toEqual(theirs);
      }),
      { seed: 5, numRuns: 3000 },
    );
  });

  it("refuses what is not UTF-8, also after its like was accepted", () => {
    const closing = (...text: number[]): Uint8Array =>
      Uint8Array.of(0xa2, 0x01, text.length + 2, 0x0a, text.length, ...text);
    expect(() => envelopeType.decode(envelopeReader(closing(0x61, 0x62, 0x61)))).not.toThrow();
    // First, middle and last byte, by which the cache finds its slot, can all agree.
    expect(() => envelopeType.decode(envelopeReader(closing(0x61, 0xc3, 0x62, 0x61)))).toThrow();
    expect(() => envelopeType.decode(envelopeReader(closing(0xff, 0xfe)))).toThrow();
  });
});
