import type { NdArray, Rng } from "../core/index.ts";
import { KvCache } from "./kv-cache.ts";
import type { LocalSession } from "./local-session.ts";
import { hostArray } from "./local-session.ts";
import type { SamplingOptions } from "./sampling.ts";
import { assertSampling, sampleToken } from "./sampling.ts";

export interface KvDecoderOptions {
  /** Tokens that the cache can hold at most: the prompt and all but the last of those generated. */
  readonly capacity: number;
}

export interface GenerateOptions extends SamplingOptions {
  /** Tokens to generate at most. */
  readonly maxTokens: number;
  /** Tokens that end it; the one that did is the last of the result. */
  readonly stop?: readonly number[];
  /** Needed if `temperature` is above 0: one draw per token. */
  readonly rng?: Rng;
  /** Called with every token as it comes; `false` ends the generation. */
  readonly onToken?: (token: number) => boolean | undefined;
}

export interface Generated {
  readonly tokens: readonly number[];
  /** What ended it: a stop token, `maxTokens`, a cache that is full, or `onToken`. */
  readonly end: "stop" | "length" | "capacity" | "caller";
  /** Time of the run over the prompt. */
  readonly prefillMs: number;
  /** Time per further token: run, copy of the new rows, choice of the token. */
  readonly tokenMs: readonly number[];
}

/**
 * Decodes with a transformer whose keys and values of earlier tokens are kept in JavaScript. The graph is
 * given the whole cache, which costs nothing, and returns the rows of the new tokens alone, which are
 * copied into it: onnxruntime copies every output, so a graph that returned its cache would copy all of it
 * for every token.
 *
 * The graph, for layers `0 .. L-1`, a chunk of S tokens and a cache of C slots:
 *
 * | input       | type                          | holds                                               |
 * | ----------- | ----------------------------- | --------------------------------------------------- |
 * | `tokens`    | `int64[S]`                    | the new tokens                                      |
 * | `positions` | `int64[S]`                    | their places: p, p + 1, ..., with p cached tokens   |
 * | `mask`      | `float32[C]`                  | 0 for the p slots in use, -1e9 for the others       |
 * | `keys_0`    | `float32[heads, C, headDim]`  | keys of layer 0 as they enter the product (rotated) |
 * | `values_0`  | `float32[heads, C, headDim]`  | values                                              |
 *
 * | output       | type                            | holds                                         |
 * | ------------ | ------------------------------- | --------------------------------------------- |
 * | `logits`     | `float32[S or 1, vocabulary]`   | the last row is that of the last token        |
 * | `new_keys`   | `float32[L, heads, S, headDim]` | rows to be put into the slots p, p + 1, ...   |
 * | `new_values` | `float32[L, heads, S, headDim]` |                                               |
 *
 * New tokens attend to the slots by `mask`, and to themselves and those before them in the chunk by the
 * graph's own causal mask. S must be free (a name); C may be free, too: the cache then grows with use.
 */
export class KvDecoder {
  readonly #session: LocalSession;
  readonly #cache: KvCache;
  readonly #vocabulary: number;
  #busy = false;

  /**
   * @param session on `cpu`; its runs block this thread. It stays the caller's, who closes it.
   * @throws {TypeError} if the graph does not keep the contract, naming the first input or output
   * @throws {RangeError} for a capacity below 1 or other than the graph's own
   */
  constructor(session: LocalSession, options: KvDecoderOptions) {
    this.#session = session;
    this.#cache = new KvCache(session, options.capacity);
    const logits = session.outputs.find(({ name }) => name === "logits");
    const vocabulary = logits?.shape[1];
    if (
      logits?.dtype !== "float32" ||
      logits.shape.length !== 2 ||
      typeof vocabulary !== "number"
    ) {
      throw new TypeError(
        "Cannot make decoder: the graph's logits are not float32[rows, vocabulary], must be",
      );
    }
    this.#vocabulary = vocabulary;
  }

  /** Cached tokens. */
  get position(): number {
    return this.#cache.length;
  }

  get capacity(): number {
    return this.#cache.capacity;
  }

  /** Forgets all tokens, or those from `position` on. @throws {RangeError} for positions not reached */
  reset(position = 0): void {
    this.#cache.truncate(position);
  }

  /**
   * Appends tokens in one run.
   * @param tokens at least one, each in [0, vocabulary)
   * @returns `float32[vocabulary]`, the logits after the last one, in an array of its own
   * @throws {RangeError} if they do not fit the cache, or are no tokens of the vocabulary
   */
  async append(tokens: readonly number[]): Promise<Float32Array> {
    this.#assertTokens(tokens);
    if (this.#busy) {
      throw new Error("Cannot append tokens: another call is under way, must be awaited first");
    }
    this.#busy = true;
    try {
      return await this.#append(tokens);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Appends the prompt, then tokens chosen one by one. The last token of the result is chosen but not
   * appended: `append([last])` goes on from there.
   * @throws {RangeError} for options out of range, or a prompt that does not fit
   */
  async generate(prompt: readonly number[], options: GenerateOptions): Promise<Generated> {
    const { maxTokens, stop = [], rng, onToken } = options;
    assertSampling(options, rng);
    if (!Number.isInteger(maxTokens) || maxTokens < 1) {
      throw new RangeError(
        `Cannot generate: maxTokens is ${maxTokens}, must be an integer of 1 or more`,
      );
    }
    const started = performance.now();
    let logits = await this.append(prompt);
    const prefillMs = performance.now() - started;
    const tokens: number[] = [];
    const tokenMs: number[] = [];
    for (;;) {
      const token = sampleToken(logits, options, rng);
      tokens.push(token);
      const result = { tokens, prefillMs, tokenMs };
      if (onToken?.(token) === false) return { ...result, end: "caller" };
      if (stop.includes(token)) return { ...result, end: "stop" };
      if (tokens.length === maxTokens) return { ...result, end: "length" };
      if (this.position === this.capacity) return { ...result, end: "capacity" };
      const from = performance.now();
      logits = await this.append([token]);
      tokenMs.push(performance.now() - from);
    }
  }

  async #append(tokens: readonly number[]): Promise<Float32Array> {
    const cache = this.#cache;
    cache.reserve(tokens.length);
    const first = cache.length;
    const feeds: Record<string, NdArray> = {
      ...cache.feeds,
      tokens: int64(tokens),
      positions: int64(tokens.map((_, i) => first + i)),
    };
    const { outputs } = await this.#session.run(feeds);
    cache.append(hostArray(outputs, "new_keys"), hostArray(outputs, "new_values"));
    const logits = hostArray(outputs, "logits", "float32").data as Float32Array;
    return logits.length === this.#vocabulary ? logits : logits.slice(-this.#vocabulary);
  }

  #assertTokens(tokens: readonly number[]): void {
    if (tokens.length === 0) {
      throw new RangeError("Cannot append tokens: there are none, must be at least one");
    }
    const odd = tokens.find((t) => !Number.isInteger(t) || t < 0 || t >= this.#vocabulary);
    if (odd !== undefined) {
      throw new RangeError(
        `Cannot append tokens: one is ${odd}, must be an integer in [0, ${this.#vocabulary})`,
      );
    }
    const left = this.capacity - this.position;
    if (tokens.length > left) {
      throw new RangeError(
        `Cannot append tokens: ${tokens.length} are given, must be at most ${left} ` +
          `(${this.position} of ${this.capacity} are in use; reset() forgets them)`,
      );
    }
  }
}

function int64(values: readonly number[]): NdArray {
  return { dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) };
}
