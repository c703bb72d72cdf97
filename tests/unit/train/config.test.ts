import { describe, expect, it } from "vitest";
import {
  applyOverride,
  configHash,
  parseTrainConfig,
  trainConfigJsonSchema,
} from "../../../src/train/config.ts";

const SMALL = { policy: { kind: "act" }, data: { folders: ["a"] }, steps: 10 };

describe("parseTrainConfig", () => {
  it("fills in what is not said", () => {
    const config = parseTrainConfig(SMALL);
    expect(config).toMatchObject({ seed: 0, batchSize: 32, optimiser: { kind: "adamw" } });
    expect(config.data.labels).toBe("decided");
  });

  it("names every key that is wrong", () => {
    const wrong = { ...SMALL, steps: 0, batchsize: 3, data: { folders: [] } };
    expect(() => parseTrainConfig(wrong)).toThrow(/data\.folders: .*steps: .*batchsize/);
    expect(() => parseTrainConfig({ ...SMALL, optimiser: { kind: "adam" } })).toThrow(
      /optimiser\.kind/,
    );
  });
});

describe("applyOverride", () => {
  it("sets values inside objects and lists, as JSON where it is", () => {
    let json: unknown = SMALL;
    json = applyOverride(json, "optimiser.clipNorm=0.5");
    json = applyOverride(json, "data.folders.1=b=c");
    json = applyOverride(json, "seed=7");
    expect(json).toEqual({
      ...SMALL,
      seed: 7,
      optimiser: { clipNorm: 0.5 },
      data: { folders: ["a", "b=c"] },
    });
    expect(SMALL.data.folders).toEqual(["a"]);
  });

  it("refuses what is no place", () => {
    expect(() => applyOverride(SMALL, "seed")).toThrow(/has no "="/);
    expect(() => applyOverride(SMALL, "steps.a=1")).toThrow(/"a" is inside number/);
    expect(() => applyOverride(SMALL, "data.folders.5=x")).toThrow(
      /"5" is no place of a list of 1/,
    );
  });
});

describe("configHash", () => {
  const hash = (changes: object): string => configHash(parseTrainConfig({ ...SMALL, ...changes }));

  it("stays where nothing changes that decides the weights", () => {
    expect(hash({ threads: 1, logEvery: 5, name: "other" })).toBe(hash({}));
    expect(
      configHash(
        parseTrainConfig({ steps: 10, data: { folders: ["a"] }, policy: { kind: "act" } }),
      ),
    ).toBe(hash({}));
  });

  it("changes with what does", () => {
    const hashes = [
      {},
      { seed: 1 },
      { steps: 11 },
      { batchSize: 3 },
      { policy: { kind: "b" } },
    ].map(hash);
    expect(new Set(hashes).size).toBe(5);
  });
});

it("has a JSON Schema for editors", () => {
  expect(trainConfigJsonSchema()).toMatchObject({
    type: "object",
    required: ["policy", "data", "steps"],
  });
  // The file that is shipped says no more than it must.
  expect(JSON.stringify(trainConfigJsonSchema())).not.toMatch(/"required":\[[^\]]*"total"/);
});
