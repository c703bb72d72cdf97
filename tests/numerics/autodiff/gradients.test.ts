/** Every gradient rule against central differences of an oracle: the cases of all `cases-*.ts` here. */
import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { DIFFERENTIABLE_OPS } from "../../../src/autodiff/index.ts";
import type { Attempt } from "./check-gradient.ts";
import { checkCase, runCases } from "./check-gradient.ts";
import type { GradientCase } from "./gradient-case.ts";

const files = readdirSync(new URL(".", import.meta.url)).filter((name) =>
  /^cases-.*\.ts$/.test(name),
);
const families = await Promise.all(
  files.map(async (file) => {
    const { CASES } = (await import(`./${file}`)) as { CASES: readonly GradientCase[] };
    return { family: file.replace(/^cases-(.*)\.ts$/, "$1"), cases: CASES };
  }),
);

describe.each(families)("$family", ({ cases }) => {
  let attempts = new Map<GradientCase, Attempt>();
  beforeAll(async () => {
    attempts = await runCases(cases);
  });

  it.each(cases.map((one) => ({ title: `${one.op}: ${one.name}`, one })))("$title", ({ one }) => {
    checkCase(one, attempts.get(one));
  });
});

describe("cases", () => {
  it("cover every operator with a rule", () => {
    const tested = new Set(families.flatMap(({ cases }) => cases.map(({ op }) => op)));
    expect(DIFFERENTIABLE_OPS.filter((op) => !tested.has(op))).toEqual([]);
  });

  it("have names of their own", () => {
    const names = families.flatMap(({ cases }) => cases.map(({ op, name }) => `${op}: ${name}`));
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
