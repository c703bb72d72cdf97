import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { LocalSession } from "../../../src/session/index.ts";
import { hostArray, KvDecoder, openLocalSession } from "../../../src/session/index.ts";
import type { LlamaConfig } from "../../support/tiny-llama.mjs";
import { buildLlama, llamaWeights } from "../../support/tiny-llama.mjs";

const CONFIG: LlamaConfig = {
  layers: 3,
  width: 32,
  heads: 4,
  hidden: 48,
  vocabulary: 61,
  context: 200,
  spread: 0.4,
};
const WEIGHTS = llamaWeights(CONFIG, seeded("llama"));

function open(cached: boolean, config = CONFIG): Promise<LocalSession> {
  const model = buildLlama(GraphBuilder, { config, weights: WEIGHTS, cached });
  return openLocalSession(writeModel(model));
}

const int64 = (values: readonly number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

function tokensOf(label: string, count: number): number[] {
  const rng = seeded(label);
  return Array.from({ length: count }, () => rng.int(CONFIG.vocabulary));
}

describe("KvDecoder", () => {
  let session: LocalSession;
  let whole: LocalSession;
  beforeAll(async () => {
    [session, whole] = await Promise.all([open(true), open(false)]);
  });
  afterAll(() => Promise.all([session.close(), whole.close()]));

  /** Logits after every token, by the graph without a cache. */
  async function withoutCache(tokens: readonly number[]): Promise<Float32Array[]> {
    const positions = int64(tokens.map((_, i) => i));
    const { outputs } = await whole.run({ tokens: int64(tokens), positions });
    const logits = hostArray(outputs, "logits").data as Float32Array;
    const { vocabulary } = CONFIG;
    return tokens.map((_, i) => logits.slice(i * vocabulary, (i + 1) * vocabulary));
  }

  function worst(got: Float32Array, wanted: Float32Array | undefined): number {
    return Math.max(...got.map((v, i) => Math.abs(v - (wanted?.[i] ?? NaN))));
  }

  it.each([
    ["one by one", 1],
    ["in chunks of 7", 7],
    ["in one run", 150],
  ])("equals the whole sequence without a cache, %s", async (_, size) => {
    const tokens = tokensOf("sequence", 150);
    const wanted = await withoutCache(tokens);
    expect(Math.max(...(wanted[149] ?? []))).toBeGreaterThan(0.1);
    const decoder = new KvDecoder(session, { capacity: 150 });
    for (let start = 0; start < tokens.length; start += size) {
      const chunk = tokens.slice(start, start + size);
      const logits = await decoder.append(chunk);
      expect(worst(logits, wanted[start + chunk.length - 1])).toBeLessThan(1e-5);
      expect(decoder.position).toBe(start + chunk.length);
    }
  });

  it("works with a fixed number of slots as with a free one", async () => {
    await using fixed = await open(true, { ...CONFIG, slots: 40 });
    const tokens = tokensOf("fixed", 40);
    const wanted = await withoutCache(tokens);
    const decoder = new KvDecoder(fixed, { capacity: 40 });
    await decoder.append(tokens.slice(0, 30));
    expect(worst(await decoder.append(tokens.slice(30)), wanted[39])).toBeLessThan(1e-5);
    expect(() => new KvDecoder(fixed, { capacity: 41 })).toThrow("must be an integer in [1, 40]");
  });

  it("forgets all, or what comes after a position", async () => {
    const decoder = new KvDecoder(session, { capacity: 100 });
    const tokens = tokensOf("forget", 20);
    const first = await decoder.append(tokens);
    await decoder.append(tokensOf("other", 70));
    decoder.reset(12);
    expect(decoder.position).toBe(12);
    expect(worst(await decoder.append(tokens.slice(12)), first)).toBeLessThan(1e-5);
    decoder.reset();
    expect(worst(await decoder.append(tokens), first)).toBeLessThan(1e-5);
    expect(() => decoder.reset(21)).toThrow("position is 21, must be an integer in [0, 20]");
  });

  it("generates what choosing from the whole sequence every time gives", async () => {
    const prompt = tokensOf("prompt", 5);
    const decoder = new KvDecoder(session, { capacity: 64 });
    const generated = await decoder.generate(prompt, { maxTokens: 20 });
    const sequence = [...prompt];
    for (let i = 0; i < 20; i++) {
      const logits = (await withoutCache(sequence)).at(-1) ?? new Float32Array();
      sequence.push(logits.indexOf(Math.max(...logits)));
    }
    expect(generated.tokens).toEqual(sequence.slice(5));
    expect(generated.end).toBe("length");
    expect(generated.tokenMs).toHaveLength(19);
    expect(decoder.position).toBe(5 + 19);
  });

  it("draws the same tokens from equal generators, and others from others", async () => {
    const draw = async (seed: number): Promise<readonly number[]> => {
      const decoder = new KvDecoder(session, { capacity: 64 });
      const options = { maxTokens: 30, temperature: 1, topK: 20, topP: 0.95, rng: seeded(seed) };
      return (await decoder.generate([1, 2, 3], options)).tokens;
    };
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  it("ends at stop tokens, at the caller's wish, and when the cache is full", async () => {
    const decoder = new KvDecoder(session, { capacity: 10 });
    const free = await decoder.generate([1, 2, 3], { maxTokens: 50 });
    expect(free.end).toBe("capacity");
    // 3 of the prompt and 7 more are in the cache; the eighth was chosen but has no place.
    expect(free.tokens).toHaveLength(8);
    decoder.reset();
    const stop = free.tokens[2] ?? -1;
    const stopped = await decoder.generate([1, 2, 3], { maxTokens: 50, stop: [stop] });
    expect(stopped.end).toBe("stop");
    expect(stopped.tokens).toEqual(free.tokens.slice(0, free.tokens.indexOf(stop) + 1));
    decoder.reset();
    const seen: number[] = [];
    const ended = await decoder.generate([1, 2, 3], {
      maxTokens: 50,
      onToken: (token) => seen.push(token) < 2,
    });
    expect(ended).toMatchObject({ end: "caller", tokens: free.tokens.slice(0, 2) });
  });

  it.each<[string, readonly number[], string]>([
    ["no tokens", [], "there are none"],
    ["a token outside the vocabulary", [3, 61], "one is 61, must be an integer in [0, 61)"],
    ["half a token", [0.5], "one is 0.5"],
    ["more than fit", new Array<number>(11).fill(1), "11 are given, must be at most 10"],
  ])("refuses %s and stays as it was", async (_, tokens, message) => {
    const decoder = new KvDecoder(session, { capacity: 10 });
    await expect(decoder.append(tokens)).rejects.toThrow(RangeError);
    await expect(decoder.append(tokens)).rejects.toThrow(message);
    expect(decoder.position).toBe(0);
  });

  it("refuses two calls at once, and options out of range", async () => {
    const decoder = new KvDecoder(session, { capacity: 10 });
    const first = decoder.append([1]);
    await expect(decoder.append([2])).rejects.toThrow("another call is under way");
    await first;
    await expect(decoder.generate([1], { maxTokens: 0 })).rejects.toThrow("maxTokens is 0");
    await expect(decoder.generate([1], { maxTokens: 1, temperature: 1 })).rejects.toThrow("no rng");
    expect(() => new KvDecoder(session, { capacity: 0 })).toThrow("capacity is 0");
  });

  it("names what a graph lacks", async () => {
    expect(() => new KvDecoder(whole, { capacity: 4 })).toThrow('the graph has no "mask"');
    const g = new GraphBuilder("odd");
    const mask = g.input("mask", "float32", ["C"]);
    g.input("tokens", "int64", ["S"]);
    g.input("positions", "int64", ["S"]);
    g.input("keys_0", "float32", [2, "C", 4]);
    g.input("values_0", "float32", [2, "C", 5]);
    g.output("logits", g.unsqueeze(mask, [0]));
    await using odd = await openLocalSession(writeModel(g.build()));
    expect(() => new KvDecoder(odd, { capacity: 4 })).toThrow(
      '"values_0" is float32[2, C, 5], must be float32[2, C, 4]',
    );
  });
});
