import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseMetadata } from "../../../src/package/legacy.ts";
import { parseManifest } from "../../../src/package/manifest.ts";
import { POSTPROCESSORS } from "../../../src/package/postprocessors.ts";
import { PREPROCESSORS } from "../../../src/package/preprocessors.ts";
import { RUNNERS, planRunner } from "../../../src/package/runner.ts";

const README = readFileSync(new URL("../../../src/package/README.md", import.meta.url), "utf8");
const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(
    (match) => match[1] ?? "",
  );
const bytes = (text: string) => new TextEncoder().encode(text);

describe("the README of packages", () => {
  it("has examples that are valid", async () => {
    const plans = blocks("json").map((text) => planRunner(parseManifest(bytes(text))));
    expect(plans.map(({ kind }) => kind)).toEqual(["loop", "loop", "loop", "pass"]);
    const [metadata = ""] = blocks("yaml");
    expect(await parseMetadata("metadata.yaml", bytes(metadata))).toMatchObject({
      chunk_size: 100,
      use_action_queue: true,
    });
  });

  it("names every runner and every step", () => {
    const missing = [...RUNNERS, ...PREPROCESSORS, ...POSTPROCESSORS].filter(
      (type) => !README.includes(`\`${type}\``),
    );
    expect(missing).toEqual([]);
  });
});
