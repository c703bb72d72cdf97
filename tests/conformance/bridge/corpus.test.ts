import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "../../../sim-bridge/wire/codec.ts";
import { wireErrorCode } from "../../../sim-bridge/wire/errors.ts";
import { DEFAULT_LIMITS } from "../../../sim-bridge/wire/limits.ts";
import { SCHEMA_FINGERPRINT, envelopeType } from "../../../sim-bridge/wire/schema.ts";
import type { BadCase, GoodCase } from "./corpus-cases.ts";
import { badCases, goodCases } from "./corpus-cases.ts";
import { corpusUrl, packFrames, readExpectation, readFrames } from "./corpus-files.ts";

/** `EFFERENCE_WRITE_CORPUS=1 npx vitest run --project conformance` writes what it otherwise checks. */
const WRITE = process.env["EFFERENCE_WRITE_CORPUS"] === "1";

interface ProtoJson {
  toJson(type: typeof envelopeType, message: unknown): { tensors?: readonly unknown[] };
}
const protoJson = createRequire(import.meta.url)("protobufjs/ext/protojson.js") as ProtoJson;

const messageOf = ({ seq, inReplyTo, body }: GoodCase): Parameters<typeof encodeMessage>[0] => ({
  seq: seq ?? 1,
  inReplyTo: inReplyTo ?? 0,
  body,
});

const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function expectationOf(one: GoodCase): object {
  const frames = encodeMessage(messageOf(one));
  return {
    kind: snakeCase(one.body.kind),
    envelope: protoJson.toJson(envelopeType, envelopeType.decode(frames[0] as Uint8Array)),
    tensors_hex: frames.slice(1).map((frame) => Buffer.from(frame).toString("hex")),
  };
}

function refusalOf({ code, contains, limits }: BadCase): object {
  const errorClass =
    code === "malformed" ? "SyntaxError" : code === "bad_tensor" ? "TypeError" : "RangeError";
  const overrides = Object.entries(limits ?? {}).map(([name, value]) => [snakeCase(name), value]);
  return {
    error: { code, class: errorClass, contains },
    ...(limits !== undefined && { limits: Object.fromEntries(overrides) as object }),
  };
}

const pretty = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

function checkOrWrite(file: string, expected: Uint8Array): void {
  const url = new URL(file, corpusUrl);
  if (WRITE) writeFileSync(url, expected);
  expect(Buffer.compare(readFileSync(url), expected), `${file} differs from its case`).toBe(0);
}

describe("the corpus", () => {
  it("has one pair of files per case and nothing else", () => {
    const names = [...goodCases, ...badCases].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const one of goodCases) {
      checkOrWrite(`${one.name}.bin`, packFrames(encodeMessage(messageOf(one))));
      checkOrWrite(`${one.name}.json`, Buffer.from(pretty(expectationOf(one))));
    }
    for (const one of badCases) {
      checkOrWrite(`${one.name}.bin`, packFrames(one.frames));
      checkOrWrite(`${one.name}.json`, Buffer.from(pretty(refusalOf(one))));
    }
    checkOrWrite("fingerprint.txt", Buffer.from(`${SCHEMA_FINGERPRINT}\n`));
    const expected = names.flatMap((name) => [`${name}.bin`, `${name}.json`]);
    expect(readdirSync(corpusUrl).sort()).toEqual(
      [...expected, "README.md", "fingerprint.txt"].sort(),
    );
  });

  it("has every kind of message", () => {
    const kinds = new Set(goodCases.map(({ body }) => snakeCase(body.kind)));
    expect([...kinds].sort()).toEqual(
      envelopeType.oneofsArray[0]?.fieldsArray.map(({ name }) => snakeCase(name)).sort(),
    );
  });
});

describe.each(goodCases)("$name", (one) => {
  it("is decoded to the message it was made of", () => {
    const decoded = decodeMessage(readFrames(one.name));
    expect(decoded).toEqual(messageOf(one));
  });

  it("is encoded to the same bytes again", () => {
    const frames = readFrames(one.name);
    const again = encodeMessage(decodeMessage(frames));
    expect(again.map((frame) => Buffer.from(frame).toString("hex"))).toEqual(
      frames.map((frame) => frame.toString("hex")),
    );
  });

  it("reads as its JSON says", () => {
    const [header, ...tensors] = readFrames(one.name);
    const { envelope, tensors_hex } = readExpectation(one.name) as Record<string, unknown>;
    const decoded = protoJson.toJson(envelopeType, envelopeType.decode(header as Buffer));
    expect(JSON.parse(JSON.stringify(decoded))).toEqual(envelope);
    expect(tensors.map((frame) => frame.toString("hex"))).toEqual(tensors_hex);
  });
});

describe.each(badCases)("$name", (one) => {
  it(`is refused as ${one.code}`, () => {
    const frames = readFrames(one.name);
    const decode = (): unknown => decodeMessage(frames, { ...DEFAULT_LIMITS, ...one.limits });
    let thrown: unknown;
    try {
      decode();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Error);
    const { error } = readExpectation(one.name) as {
      error: { code: string; class: string; contains: string };
    };
    expect(wireErrorCode(thrown)).toBe(error.code);
    expect((thrown as Error).constructor.name).toBe(error.class);
    expect((thrown as Error).message).toContain(error.contains);
    expect((thrown as Error).message).toMatch(/^Cannot /);
  });
});
