import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { describe, expect, it } from "vitest";

/** Every module that the entry imports at run time, and the packages that those import. */
function importsOf(entry: URL): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (url: URL): void => {
    if (files.has(url.href)) return;
    files.add(url.href);
    const text = readFileSync(url, "utf8");
    for (const match of text.matchAll(/^(import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)";/gms)) {
      const [, , typeOnly, target] = match;
      if (typeOnly !== undefined || target === undefined) continue;
      if (target.startsWith(".")) visit(new URL(target, url));
      else packages.add(target);
    }
  };
  visit(entry);
  return { files, packages };
}

describe("src/episode/index.ts", () => {
  it("reaches no module of Node and no package but the decompressor", () => {
    const { files, packages } = importsOf(
      new URL("../../../src/episode/index.ts", import.meta.url),
    );
    expect(files.size).toBeGreaterThan(15);
    expect([...packages]).toEqual(["fzstd"]);
    expect(
      [...packages].filter((name) => name.startsWith("node:") || builtinModules.includes(name)),
    ).toEqual([]);
  });
});
