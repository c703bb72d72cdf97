/** What a study came to in all its worlds, on one screen. */
import { minusWords, rateWords, table } from "./markdown.ts";
import type { Pooled } from "./pool.ts";
import { bestOf, pooled, pooledDisturbed } from "./pool.ts";
import type { CellResult } from "./results.ts";
import type { Cell, MethodName, WorldName } from "./study.ts";
import { EQUALS, METHODS, comparedAs } from "./study.ts";

type Equal = Cell["equal"];

/** By the sampler that a method is known by, and the claims; "" where there is one world alone, whose tables say it all. */
export function overview(worlds: readonly WorldName[], cells: readonly CellResult[]): string {
  const present = worlds.flatMap((world) => {
    const own = cells.filter((cell) => cell.world === world);
    return own.length === 0 ? [] : [{ world, cells: own }];
  });
  if (present.length < 2) return "";
  const rates = EQUALS.flatMap((equal) =>
    present.flatMap(({ world, cells: own }) => {
      if (!own.some((cell) => cell.equal === equal)) return [];
      return [[world, equal, ...METHODS.map(({ name }) => wordsOf(own, name, equal))]];
    }),
  );
  const claims = present.flatMap(({ world, cells: own }) =>
    EQUALS.flatMap((equal) => claimsOf(own, equal).map((row) => [world, equal, ...row])),
  );
  return [
    "## Overview\n",
    "Success by the sampler that was chosen beforehand, all seeds together, episodes that crashed left out; equal updates, then equal time:\n",
    table(["world", "equal", ...METHODS.map(({ title }) => title)], rates),
    "Energies (by the rule to stop, and in two steps) minus the baselines, points, paired by seed and start (of the seeds that both have); flow matching by the best of its numbers of steps, which " +
      "favours it:\n",
    table(
      [
        "world",
        "equal",
        "energy",
        "minus DDPM-100",
        "minus flow",
        "minus regression",
        "2 steps minus DDPM-100",
        "disturbed, minus DDPM-100",
      ],
      claims,
    ),
  ].join("\n");
}

function wordsOf(cells: readonly CellResult[], method: MethodName, equal: Equal): string {
  const [known] = pooled(cells, { method, equal: comparedAs(method, equal) });
  return known === undefined ? "-" : rateWords(known);
}

/** A row for every energy; none where there is nothing to compare with. */
function claimsOf(cells: readonly CellResult[], equal: Equal): readonly (readonly string[])[] {
  const [ddpm] = pooled(cells, { method: "ddpm", equal });
  const flow = bestOf(pooled(cells, { method: "flow", equal }));
  const [mse] = pooled(cells, { method: "mse", equal });
  if (ddpm === undefined && flow === undefined && mse === undefined) return [];
  const disturbed = (method: MethodName): Pooled | undefined =>
    pooledDisturbed(cells, { method, equal: comparedAs(method, equal) });
  return METHODS.filter(({ isEnergy }) => isEnergy).flatMap(({ name, title }) => {
    const own = pooled(cells, { method: name, equal: comparedAs(name, equal) });
    const [known] = own;
    if (known === undefined) return [];
    const two = own.find(({ sampler }) => sampler === "2");
    const minus = [ddpm, flow, mse].map((baseline) => minusWords(known, baseline));
    const pushed = minusWords(disturbed(name), disturbed("ddpm"));
    return [[title, ...minus, minusWords(two, ddpm), pushed]];
  });
}
