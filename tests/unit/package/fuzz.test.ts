import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseMetadata } from "../../../src/package/legacy.ts";
import { parseManifest } from "../../../src/package/manifest.ts";
import { planRunner } from "../../../src/package/runner.ts";
import { packageFolder } from "../../../src/package/paths.ts";
import { openTokenizer } from "../../../src/package/tokenizer.ts";
import { DIM, STATE_INPUT, manifestOf } from "../../support/package-shapes.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Only errors of these classes, whose messages name what is wrong, leave a reader. */
function tolerated(error: unknown, ...classes: readonly (new () => Error)[]): void {
  const known = classes.some((kind) => error instanceof kind);
  expect(known ? "tolerated" : String((error as Error).stack)).toBe("tolerated");
  expect((error as Error).message).toMatch(/^Cannot /);
}

/** A JSON value with one place replaced. */
function mutated(value: unknown, at: readonly number[], by: unknown): unknown {
  const [step, ...rest] = at;
  if (step === undefined || typeof value !== "object" || value === null) return by;
  const keys = Object.keys(value);
  const key = keys[step % (keys.length + 1)];
  if (key === undefined) return by;
  const inner = (value as Record<string, unknown>)[key];
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
  (copy as Record<string, unknown>)[key] = mutated(inner, rest, by);
  return copy;
}

const place = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 6 });
const replacement = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(-1, 0, 1e9, 0.5, "", "../x", "x.onnx", null, [], {}, [[]]),
);

const BASES = [
  manifestOf({
    runner: {
      type: "iterative",
      scheduler: "ddpm",
      num_train_timesteps: 50,
      beta_schedule: "linear",
      timestep_range: [49, 0],
      alphas_cumprod: Array.from({ length: 50 }, (_, i) => 0.99 - i * 0.01),
      action_dim: DIM,
      horizon: 2,
      num_inference_steps: 5,
    },
    artifacts: { encoder: "a.onnx", denoise: "b.onnx" },
    preprocessors: [{ type: "normalize", artifact: "s", features: ["state"] }],
    inputs: [STATE_INPUT, { input: "c", from: "constant", shape: [2], value: [1, 2] }],
  }),
  manifestOf({
    runner: {
      class_path: "physicalai.inference.runners.ActionChunking",
      init_args: { runner: { type: "kv_cache", action_dim: 2 }, chunk_size: 4 },
    },
    artifacts: { encoder: "a.onnx", denoise: "b.onnx" },
    inputs: [STATE_INPUT],
    take: { rows: 2, columns: 1 },
  }),
];

describe("readers of packages, given anything", () => {
  it("plan a runner from any manifest or refuse it by name", () => {
    let planned = 0;
    const property = fc.property(
      fc.constantFrom(...BASES),
      place,
      replacement,
      (base, at, value) => {
        try {
          const text = JSON.stringify(mutated(base, at, value));
          const plan = planRunner(parseManifest(encode(text)));
          planned++;
          if (plan.kind === "loop")
            expect(plan.schedule.timesteps(plan.count)).toHaveLength(plan.count);
        } catch (error) {
          tolerated(error, SyntaxError, RangeError);
        }
      },
    );
    fc.assert(property, { numRuns: 1500 });
    // Not every change is a mistake; if none were planned the property would say nothing.
    expect(planned).toBeGreaterThan(10);
  });

  it("read legacy metadata from any text or bytes", async () => {
    const line = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom("backend: onnx", "chunk_size: 3", "- a", "? b", "&a [*a]", "!!js x", "%TAG"),
    );
    const text = fc.array(line, { maxLength: 6 }).map((lines) => encode(lines.join("\n")));
    const property = fc.asyncProperty(
      fc.oneof(text, fc.uint8Array({ maxLength: 60 })),
      fc.constantFrom("metadata.yaml", "metadata.json"),
      async (bytes, name) => {
        try {
          expect((await parseMetadata(name, bytes)).backend).toBe("onnx");
        } catch (error) {
          tolerated(error, SyntaxError);
        }
      },
    );
    await fc.assert(property, { numRuns: 600 });
    const huge = parseMetadata("metadata.yaml", new Uint8Array((1 << 20) + 1));
    await expect(huge).rejects.toThrow("must have at most 1048576");
  });
});

describe("damaged tokenisers", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "efference-fuzz-"));
    // The library warns of parts that it does not know.
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  it("are refused when opened or when asked, and give integers else", async () => {
    const { kinds } = JSON.parse(
      readFileSync(new URL("tokenizer.golden.json", import.meta.url), "utf8"),
    ) as { kinds: { definition: unknown }[] };
    const how = { maxLength: 8, padding: true, paddingSide: "right", truncation: true } as const;
    const property = fc.asyncProperty(
      fc.constantFrom(...kinds.map(({ definition }) => definition)),
      place,
      replacement,
      async (definition, at, value) => {
        const text = JSON.stringify(mutated(definition, at, value)) ?? "";
        await writeFile(join(folder, "tokenizer.json"), text);
        try {
          const tokenize = await openTokenizer(packageFolder(folder), "tokenizer.json", {
            ...how,
            padId: 0,
          });
          const { ids } = tokenize("open the drawer");
          expect(ids.every((id) => Number.isSafeInteger(id))).toBe(true);
        } catch (error) {
          tolerated(error, SyntaxError, RangeError);
        }
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });
});
