import fc from "fast-check";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";
import { describe, expect, it } from "vitest";
import { bfloat16ToNumber, float16ToNumber } from "../../../src/episode/half.ts";
import { ProtobufReader } from "../../../src/episode/protobuf-reader.ts";
import type { SchemaName } from "../../../src/episode/schemas.ts";
import { descriptorOf, encodeMessage } from "../../../src/episode/schemas.ts";
import { TOPIC_SCHEMAS } from "../../../src/episode/topics.ts";

describe("ProtobufReader", () => {
  it("reads varints of every size as protobufjs writes them", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const bits = {
          low: Number(value & 0xffffffffn) | 0,
          high: Number(value >> 32n) | 0,
          unsigned: true,
        };
        const bytes = protobuf.Writer.create().uint32(8).uint64(bits).finish();
        const reader = new ProtobufReader(bytes);
        expect(reader.next() && reader.uint64()).toBe(value);
        expect(reader.next()).toBe(false);
        if (value < 2n ** 53n) {
          const again = new ProtobufReader(bytes);
          expect(again.next() && BigInt(again.uint())).toBe(value);
        }
      }),
      { seed: 2 },
    );
  });

  it("skips fields of every wire type", () => {
    const bytes = protobuf.Writer.create()
      .uint32(8)
      .uint32(300)
      .uint32(17)
      .double(1.5)
      .uint32(26)
      .string("ab")
      .uint32(37)
      .float(2)
      .uint32(40)
      .uint32(7)
      .finish();
    const reader = new ProtobufReader(bytes);
    for (let i = 0; i < 4; i++) {
      reader.next();
      reader.skip();
    }
    expect(reader.next() && reader.uint()).toBe(7);
  });

  it.each([
    ["a number that does not end", [8, 0x80]],
    ["a number of eleven bytes", [8, ...Array<number>(11).fill(0x80)]],
    ["text beyond the end", [10, 5, 65]],
    ["a double beyond the end", [9, 1, 2]],
    ["field number 0", [0]],
    ["a group", [11]],
  ])("refuses %s", (_, bytes) => {
    const read = (): void => {
      const reader = new ProtobufReader(Uint8Array.from(bytes));
      while (reader.next()) reader.skip();
    };
    expect(read).toThrow(SyntaxError);
  });
});

describe("descriptorOf()", () => {
  const schemas = [
    ...new Set<SchemaName>([
      ...Object.values(TOPIC_SCHEMAS),
      "foxglove.CompressedImage",
      "foxglove.CameraCalibration",
    ]),
  ];

  it.each(schemas)("%s is self-contained, dependencies first", (schema) => {
    const set = descriptor.FileDescriptorSet.decode(descriptorOf(schema));
    const files = set.toJSON()["file"] as { name: string; dependency?: string[] }[];
    for (const [i, { dependency = [] }] of files.entries()) {
      const earlier = files.slice(0, i).map(({ name }) => name);
      expect(earlier).toEqual(expect.arrayContaining(dependency));
    }
    const root = protobuf.Root.fromDescriptor(descriptorOf(schema), { keepCase: true });
    expect(root.lookupType(schema).name).toBe(schema.split(".")[1]);
  });

  it("decodes what encodeMessage() encodes", () => {
    const message = {
      timestamp: { seconds: 5, nanos: 6 },
      frame_id: "f",
      data: Uint8Array.of(1),
      format: "png",
    };
    const root = protobuf.Root.fromDescriptor(descriptorOf("foxglove.CompressedImage"), {
      keepCase: true,
    });
    const type = root.lookupType("foxglove.CompressedImage");
    const decoded = type.toObject(type.decode(encodeMessage("foxglove.CompressedImage", message)), {
      longs: Number,
    });
    expect({ ...decoded, data: Uint8Array.from(decoded["data"] as Uint8Array) }).toEqual(message);
  });
});

describe("16-bit floats", () => {
  it.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
    [0x3555, 0.333251953125],
  ])("float16 %i is %f", (bits, value) => {
    expect(float16ToNumber(bits)).toBe(value);
  });

  it.each([
    [0x3f80, 1],
    [0xc000, -2],
    [0x7f80, Infinity],
    [0x7fc0, NaN],
    [0x3eab, 0.333984375],
    [0x8000, -0],
  ])("bfloat16 %i is %f", (bits, value) => {
    expect(bfloat16ToNumber(bits)).toBe(value);
  });
});
