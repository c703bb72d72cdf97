import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readInitStates } from "../../../../../sim-bridge/sims/libero/init-states.ts";
import { readPickledArray } from "../../../../../sim-bridge/sims/libero/pickle.ts";
import { readZip } from "../../../../../sim-bridge/sims/libero/zip.ts";
import { pickledMatrix, prunedInit, zipped } from "../../../../support/torch-zip.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Bytes of every value, so that those above 127 come in two when written as a text. */
const numbers = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(i) * 10 ** ((i % 9) - 4));

describe("readInitStates()", () => {
  it("gives the rows that were written, bit for bit", async () => {
    const data = numbers(3 * 5);
    const states = await readInitStates(prunedInit(3, 5, data));
    expect(states.count).toBe(3);
    for (const row of [0, 1, 2]) {
      expect(states.row(row)).toEqual(data.subarray(5 * row, 5 * row + 5));
    }
  });

  it("reads deflated entries", async () => {
    const data = numbers(100);
    const file = zipped({ "archive/data.pkl": pickledMatrix(10, 10, data) }, { deflate: true });
    expect((await readInitStates(file)).row(9)).toEqual(data.subarray(90));
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["no zip", ascii("hello"), /there is no end of a directory/],
    ["no pickle", zipped({ "archive/version": ascii("3") }), /0 data.pkl, must have one/],
    ["a vector", zipped({ "a/data.pkl": pickledMatrix(1, 1, numbers(1)) }), /\[1, 1\], must be/],
  ])("refuses %s", async (_, bytes, words) => {
    await expect(readInitStates(bytes)).rejects.toThrow(words);
  });

  it("ends with a SyntaxError or an array, whatever the bytes", async () => {
    const whole = prunedInit(2, 3, numbers(6));
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(whole.length), async (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        await readInitStates(bytes).catch((error: unknown) => {
          expect(error).toBeInstanceOf(SyntaxError);
        });
      }),
      { numRuns: 400 },
    );
  });
});

describe("readPickledArray()", () => {
  it.each<[string, Uint8Array, RegExp]>([
    ["os.system", ascii("\x80\x02cos\nsystem\n"), /global "os system" is named, must be one of/],
    ["a name of Object", ascii("\x80\x02cconstructor\nname\n"), /global "constructor name"/],
    ["an opcode beyond an array", ascii("\x80\x02}."), /opcode 0x7d is there/],
    ["something else than an array", Uint8Array.of(0x80, 2, 0x4b, 7, 0x2e), /result is a number/],
    ["an empty stack", Uint8Array.of(0x80, 2, 0x2e), /the stack is empty/],
    [
      "a call of something else",
      Uint8Array.of(0x80, 2, 0x4b, 1, 0x29, 0x52),
      /something else is called/,
    ],
    ["bytes that end", Uint8Array.of(0x80, 2, 0x58, 200, 0, 0, 0, 65), /the bytes end/],
    ["a memory that grows", Uint8Array.from({ length: 30_000 }, () => 0x4e), /too many things/],
  ])("refuses %s", (_, bytes, words) => {
    // TextEncoder writes 0x80 as two bytes.
    const plain = bytes[0] === 0xc2 ? bytes.subarray(1) : bytes;
    expect(() => readPickledArray(plain)).toThrow(words);
    expect(() => readPickledArray(plain)).toThrow(SyntaxError);
  });
});

describe("readZip()", () => {
  it("refuses sizes that no entry may have, encryption and unknown methods", () => {
    const whole = zipped({ "a/data.pkl": ascii("abc") });
    const directory = whole.length - 22 - 46 - "a/data.pkl".length;
    const changed = (at: number, bytes: readonly number[]): Uint8Array => {
      const copy = whole.slice();
      copy.set(bytes, directory + at);
      return copy;
    };
    expect(() => readZip(changed(24, [0, 0, 0, 127]))).toThrow(/must have at most/);
    expect(() => readZip(changed(8, [1]))).toThrow(/encrypted/);
    const [entry] = readZip(changed(10, [12]));
    return expect(entry!.read()).rejects.toThrow(/method 12/);
  });
});
