/** Texts to token ids by a package's own tokeniser (`tokenizer.json` of Hugging Face's `tokenizers`). */
import { messageOf } from "../core/index.ts";
import type { PackageFiles } from "./files.ts";
import { readFrom } from "./files.ts";

export interface TokenizeOptions {
  readonly maxLength: number;
  /** To `maxLength`, or not at all. */
  readonly padding: boolean;
  readonly paddingSide: "left" | "right";
  /** Longer texts are cut, from the end, special tokens kept; else they are an error. */
  readonly truncation: boolean;
  /** What is padded with; absent: the tokeniser's own. */
  readonly padId?: number;
}

export interface Tokens {
  readonly ids: readonly number[];
  /** 1 for tokens, 0 for padding. */
  readonly mask: readonly number[];
}

/** @throws {RangeError} if the text is too long and may not be cut */
export type Tokenize = (text: string) => Tokens;

/** What is used of the library's class: its own declarations do not resolve in Node's module mode. */
interface Tokenizer {
  encode(
    text: string,
    options?: { readonly add_special_tokens?: boolean },
  ): { readonly ids: readonly number[] };
  token_to_id(token: string): number | undefined;
}

interface Library {
  readonly Tokenizer: new (tokenizer: Json, config: Json) => Tokenizer;
}

const MAX_TOKENIZER_BYTES = 256 << 20;

/**
 * @param artifact `tokenizer.json`, or the folder that it and `tokenizer_config.json` stand in; inside the package
 * @throws {SyntaxError} if the file is no tokeniser
 * @throws {RangeError} if it leaves the package, or is to pad and has no padding token
 */
export async function openTokenizer(
  files: PackageFiles,
  artifact: string,
  options: TokenizeOptions,
): Promise<Tokenize> {
  const path = artifact.endsWith(".json") ? artifact : `${artifact}/tokenizer.json`;
  const json = parseJson(path, await readFrom(files, path));
  // It need not be there: only the name of the padding token is in it.
  const beside = siblingOf(path, "tokenizer_config.json");
  const config = parseJson(beside, (await files.read(beside)) ?? EMPTY);
  const tokenizer = await createTokenizer(path, { json, config });
  const padId = options.padding ? padIdOf({ tokenizer, json, config, options, path }) : 0;
  return (text) => {
    const tokens = guarded(path, () => tokenize(tokenizer, text, { ...options, padId }));
    // What a damaged file gives may itself be undefined.
    const odd = tokens.ids.findIndex((id) => !Number.isSafeInteger(id) || id < 0);
    if (odd < 0) return tokens;
    throw new RangeError(
      `Cannot decide: ${path} gives the id ${String(tokens.ids[odd])}, must be an integer of 0 or more`,
    );
  };
}

/** What the library throws for texts that a damaged file does not cover has no words of ours. */
function guarded<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError(`Cannot decide: ${path} cannot read the text (${messageOf(error)})`, {
      cause: error,
    });
  }
}

const siblingOf = (path: string, name: string): string =>
  path.includes("/") ? `${path.slice(0, path.lastIndexOf("/"))}/${name}` : name;

type Json = Readonly<Record<string, unknown>>;

const EMPTY = new TextEncoder().encode("{}");

function parseJson(path: string, bytes: Uint8Array): Json {
  if (bytes.byteLength > MAX_TOKENIZER_BYTES) {
    wrongTokenizer(
      path,
      `it has ${bytes.byteLength} bytes, must have at most ${MAX_TOKENIZER_BYTES}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return wrongTokenizer(path, `it is no JSON (${messageOf(error)})`, error);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    wrongTokenizer(path, "it is no object, must be one");
  }
  return json as Json;
}

async function createTokenizer(
  path: string,
  { json, config }: { json: Json; config: Json },
): Promise<Tokenizer> {
  const library = (await import("@huggingface/tokenizers")) as unknown as Library;
  try {
    const tokenizer = new library.Tokenizer(json, config);
    // Its parts are made when they are first used; what does not fit must show here.
    tokenizer.encode("a");
    return tokenizer;
  } catch (error) {
    return wrongTokenizer(path, `it is no tokeniser (${messageOf(error)})`, error);
  }
}

interface PadSource {
  readonly tokenizer: Tokenizer;
  readonly json: Json;
  readonly config: Json;
  readonly options: TokenizeOptions;
  readonly path: string;
}

function padIdOf({ tokenizer, json, config, options, path }: PadSource): number {
  const named = config["pad_token"];
  const token = typeof named === "object" && named !== null ? (named as Json)["content"] : named;
  const own = (json["padding"] as Json | null | undefined)?.["pad_id"];
  const id =
    options.padId ??
    (typeof token === "string" ? tokenizer.token_to_id(token) : undefined) ??
    (typeof own === "number" ? own : undefined);
  if (id !== undefined) return id;
  throw new RangeError(
    `Cannot load policy: ${path} names no padding token, must (or give the step a pad_id)`,
  );
}

function tokenize(
  tokenizer: Tokenizer,
  text: string,
  options: TokenizeOptions & { readonly padId: number },
): Tokens {
  const { maxLength, padding, paddingSide, truncation, padId } = options;
  const whole = tokenizer.encode(text).ids;
  if (whole.length > maxLength && !truncation) {
    throw new RangeError(
      `Cannot decide: the text has ${whole.length} tokens, must have at most ${maxLength}`,
    );
  }
  const ids = whole.length > maxLength ? cut(tokenizer, text, { whole, maxLength }) : whole;
  const pads = Array.from({ length: padding ? maxLength - ids.length : 0 }, () => padId);
  const [zeros, ones] = [pads.map(() => 0), ids.map(() => 1)];
  return paddingSide === "right"
    ? { ids: [...ids, ...pads], mask: [...ones, ...zeros] }
    : { ids: [...pads, ...ids], mask: [...zeros, ...ones] };
}

/** The first tokens, between the same special tokens as the whole has. */
function cut(
  tokenizer: Tokenizer,
  text: string,
  { whole, maxLength }: { readonly whole: readonly number[]; readonly maxLength: number },
): readonly number[] {
  const plain = tokenizer.encode(text, { add_special_tokens: false }).ids;
  const before = whole.findIndex((_, at) => plain.every((id, i) => whole[at + i] === id));
  const after = whole.length - before - plain.length;
  if (before < 0) {
    throw new RangeError(
      "Cannot decide: its tokeniser changes the text's tokens, must only add some",
    );
  }
  if (before + after > maxLength) {
    throw new RangeError(
      `Cannot decide: its tokeniser adds ${before + after} special tokens, must be at most ${maxLength}`,
    );
  }
  const kept = plain.slice(0, maxLength - before - after);
  return [...whole.slice(0, before), ...kept, ...whole.slice(whole.length - after)];
}

function wrongTokenizer(path: string, what: string, cause?: unknown): never {
  throw new SyntaxError(`Cannot read policy package: ${path} is wrong: ${what}`, { cause });
}
