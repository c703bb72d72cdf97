import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TokenizeOptions } from "../../../src/package/tokenizer.ts";
import { packageFolder } from "../../../src/package/paths.ts";
import { openTokenizer } from "../../../src/package/tokenizer.ts";

/** Made by tests/support/tokenizers_golden.py, which says how. */
interface Golden {
  readonly kinds: readonly {
    readonly name: string;
    readonly pad: string;
    readonly definition: Record<string, unknown>;
    readonly cases: readonly {
      readonly text: string;
      readonly max_length: number;
      readonly padding: boolean;
      readonly padding_side: "left" | "right";
      readonly truncation: boolean;
      readonly ids: readonly number[];
      readonly mask: readonly number[];
    }[];
  }[];
}
const { kinds } = JSON.parse(
  readFileSync(new URL("tokenizer.golden.json", import.meta.url), "utf8"),
) as Golden;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-tokenizer-"));
  for (const { name, definition, pad } of kinds) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "tokenizer.json"), JSON.stringify(definition));
    await writeFile(
      join(folder, name, "tokenizer_config.json"),
      JSON.stringify({ pad_token: pad }),
    );
  }
});
afterAll(() => rm(folder, { recursive: true }));

const HOW: TokenizeOptions = {
  maxLength: 16,
  padding: true,
  paddingSide: "right",
  truncation: true,
};

describe("openTokenizer()", () => {
  it.each(kinds.map(({ name, cases }) => [name, cases] as const))(
    "gives the tokens of the library that the files are made for: %s",
    async (name, cases) => {
      for (const { text, ids, mask, ...how } of cases) {
        const tokenize = await openTokenizer(packageFolder(folder), name, {
          maxLength: how.max_length,
          padding: how.padding,
          paddingSide: how.padding_side,
          truncation: how.truncation,
        });
        expect({ text, how, ...tokenize(text) }).toEqual({ text, how, ids, mask });
      }
    },
  );

  it("takes a file as well as its folder, and a padding id as well as a token", async () => {
    const [{ name = "" } = {}] = kinds;
    const byFolder = await openTokenizer(packageFolder(folder), name, HOW);
    const byFile = await openTokenizer(packageFolder(folder), `${name}/tokenizer.json`, HOW);
    expect(byFile("open")).toEqual(byFolder("open"));
    const byId = await openTokenizer(packageFolder(folder), name, { ...HOW, padId: 7 });
    expect(byId("open").ids.at(-1)).toBe(7);
  });

  it("refuses a text that is too long and may not be cut", async () => {
    const tokenize = await openTokenizer(packageFolder(folder), "pieces", {
      ...HOW,
      truncation: false,
    });
    expect(() => tokenize("the ".repeat(40))).toThrow(/tokens, must have at most 16/);
    expect(tokenize("open").ids.length).toBe(16);
  });

  it("refuses a length that its special tokens do not fit in", async () => {
    const tokenize = await openTokenizer(packageFolder(folder), "word_piece", {
      ...HOW,
      maxLength: 1,
    });
    expect(() => tokenize("open the drawer")).toThrow("adds 2 special tokens, must be at most 1");
  });

  const broken = async (name: string, text: string): Promise<unknown> => {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, "tokenizer.json"), text);
    return openTokenizer(packageFolder(folder), name, HOW);
  };
  const plain = JSON.stringify(kinds[2]?.definition);
  it.each<[string, string, RegExp]>([
    ["no JSON", "{", /SyntaxError.*it is no JSON/],
    ["a list", "[]", /SyntaxError.*it is no object/],
    ["an empty object", "{}", /SyntaxError.*it is no tokeniser/],
    ["a model of no kind", '{"model":{"type":"Magic"}}', /SyntaxError.*it is no tokeniser/],
    ["one without padding token", plain, /RangeError.*names no padding token/],
  ])("refuses a file that is %s", async (name, text, message) => {
    const failure = await broken(`broken ${name}`, text).then(() => "nothing", String);
    expect(failure).toMatch(message);
  });

  it("fetches nothing and leaves the package by no path", async () => {
    await expect(
      openTokenizer(packageFolder(folder), "google/paligemma-3b-pt-224", HOW),
    ).rejects.toThrow("must be a file");
    await expect(openTokenizer(packageFolder(folder), "../tokenizer.json", HOW)).rejects.toThrow(
      "no plain path",
    );
    await mkdir(join(folder, "linked"));
    await writeFile(join(folder, "linked", "tokenizer.json"), plain);
    await symlink("/etc/hostname", join(folder, "linked", "tokenizer_config.json"));
    await expect(openTokenizer(packageFolder(folder), "linked", HOW)).rejects.toThrow(
      "it is outside the folder",
    );
  });

  it("gives any text exactly the length asked for, padding after the tokens", async () => {
    for (const { name } of kinds) {
      const tokenize = await openTokenizer(packageFolder(folder), name, HOW);
      fc.assert(
        fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
          const { ids, mask } = tokenize(text);
          expect(ids.length).toBe(16);
          expect(ids.every((id) => Number.isInteger(id) && id >= 0)).toBe(true);
          expect([...mask].sort((a, b) => b - a)).toEqual(mask);
        }),
        { numRuns: 60 },
      );
    }
  });
});
