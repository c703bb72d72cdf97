import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ENGINE_VERSION, engineCacheFolder, findEngine } from "../../../src/session/index.ts";

describe("the engine", () => {
  it("is pinned to the version that package.json names", () => {
    const path = new URL("../../../package.json", import.meta.url);
    const { optionalDependencies } = JSON.parse(readFileSync(path, "utf8"));
    expect(optionalDependencies["onnxruntime-node"]).toBe(ENGINE_VERSION);
  });

  it("is found as a dependency, and kept per version elsewhere", () => {
    expect(findEngine()).toContain("onnxruntime-node");
    expect(engineCacheFolder()).toContain(ENGINE_VERSION);
  });
});
