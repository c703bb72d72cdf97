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
    EQUALS.flatMap((equal) => {
      const row = claimsOf(own, equal);
      return row === undefined ? [] : [[world, equal, ...row]];
    }),
  );
  return [
    "## Overview\n",
    "Success by the sampler that was chosen beforehand, all seeds together, episodes that crashed left out; equal updates, then equal time:\n",
    table(["world", "equal", ...METHODS.map(({ title }) => title)], rates),
    "The best energy (by the rule to stop, and in two steps) minus the baselines, points, paired by seed and start (of the seeds that both have); flow matching by the best of its numbers of steps. That " +
      "the best are chosen here favours both:\n",
    table(
      [
        "world",
        "equal",
        "best energy",
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

/** Undefined where there is nothing to compare with. */
function claimsOf(cells: readonly CellResult[], equal: Equal): readonly string[] | undefined {
  const [ddpm] = pooled(cells, { method: "ddpm", equal });
  const flow = bestOf(pooled(cells, { method: "flow", equal }));
  const [mse] = pooled(cells, { method: "mse", equal });
  const energies = METHODS.filter(({ isEnergy }) => isEnergy).map(({ name, title }) => {
    return { name, title, of: pooled(cells, { method: name, equal: comparedAs(name, equal) }) };
  });
  const best = bestOf(energies.flatMap(({ of }) => of[0] ?? []));
  const chosen = energies.find(({ of }) => of[0] === best);
  if (best === undefined || chosen === undefined) return undefined;
  if (ddpm === undefined && flow === undefined && mse === undefined) return undefined;
  const two = chosen.of.find(({ sampler }) => sampler === "2");
  const disturbed = (method: MethodName): Pooled | undefined =>
    pooledDisturbed(cells, { method, equal: comparedAs(method, equal) });
  return [
    chosen.title,
    minusWords(best, ddpm),
    minusWords(best, flow),
    minusWords(best, mse),
    minusWords(two, ddpm),
    minusWords(disturbed(chosen.name), disturbed("ddpm")),
  ];
}
