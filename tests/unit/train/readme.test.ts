/** `src/train/README.md` says what the code does: every key with its default, and an example that compiles. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseTrainConfig, trainConfigJsonSchema } from "../../../src/train/config.ts";

const ROOT = new URL("../../../", import.meta.url);
const readme = readFileSync(new URL("src/train/README.md", ROOT), "utf8");
const between = (name: string): string =>
  readme.slice(readme.indexOf(`<!-- ${name} -->`), readme.indexOf(`<!-- /${name} -->`));

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
}

/** Keys that the page explains in tables of their own. */
const WHOLE = new Set(["optimiser", "schedule"]);

/** Every key that holds a value, with what stands for it where it is left out. */
function keysOf(
  { properties = {}, required = [] }: Schema,
  path = "",
): (readonly [string, string])[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const key = path + name;
    if (schema.properties !== undefined && !WHOLE.has(key)) return keysOf(schema, `${key}.`);
    const absent = required.includes(name) ? "required" : "-";
    const { default: value } = schema;
    return [[key, value === undefined ? absent : JSON.stringify(value)] as const];
  });
}

const documented = [...between("keys").matchAll(/^\| `([^`]+)`\s*\| (.*?)\s*\|/gm)].map(
  ([, key, value]) => [key!, value!.replaceAll("`", "")] as const,
);

describe("src/train/README.md", () => {
  it("has every key of the configuration with its default, in order", () => {
    const schedule = documented.find(([key]) => key === "schedule")!;
    const actual = keysOf(trainConfigJsonSchema() as Schema);
    expect(actual.length).toBeGreaterThan(30);
    // The schedule's default is made by the parser, because it ends with the run.
    expect(documented).toEqual(actual.map((row) => (row[0] === "schedule" ? schedule : row)));
    const minimal = { policy: { kind: "x" }, data: { folders: ["a"] }, steps: 1234 };
    expect(parseTrainConfig(minimal).schedule).toEqual({
      ...(JSON.parse(schedule[1]) as object),
      total: 1234,
      floor: 0,
    });
  });

  it("has an example that is a file of the tests, where it is compiled and trained", () => {
    const code = /```ts\n([\s\S]*?)```/.exec(between("example"))?.[1];
    const file = new URL("tests/support/linear-policy.ts", ROOT);
    expect(code).toBe(readFileSync(file, "utf8"));
  });

  it("names only files that are there", () => {
    const paths = [...readme.matchAll(/`((?:src|policies|tests)\/[\w./-]+)`/g)].map(
      ([, at]) => at!,
    );
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths)
      expect(existsSync(fileURLToPath(new URL(path, ROOT))), path).toBe(true);
  });
});
