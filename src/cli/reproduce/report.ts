/** The report of a study: tables as Markdown and JSON, and plots. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../../files/index.ts";
import { mean, percentile } from "../../math/index.ts";
import { byTask } from "./by-task.ts";
import type { Demonstrations } from "./demonstrate.ts";
import { figures, overviewFigure } from "./figures.ts";
import { minusWords, rateWords, table } from "./markdown.ts";
import { overview } from "./overview.ts";
import type { Pooled } from "./pool.ts";
import { bestOf, cellsBy, pooled, pooledCounts, rateOf } from "./pool.ts";
import { recovery } from "./recovery.ts";
import type { CellResult, Detection } from "./results.ts";
import { bySeed } from "./seeds.ts";
import { trainingSpeed } from "./speed.ts";
import type { Budget, WorldName } from "./study.ts";
import { EQUALS, METHODS, budgetIn, comparedAs, methodNamed } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

export interface ReportRequest {
  readonly work: string;
  readonly budget: Budget;
  readonly results: readonly CellResult[];
  readonly data: Partial<Record<WorldName, Demonstrations>>;
}

/** @returns the folder of `table.md`, `results.json` and the plots */
export async function writeReport(request: ReportRequest): Promise<string> {
  const folder = join(request.work, "report");
  await mkdir(folder, { recursive: true });
  await writeWhole(join(folder, "table.md"), reportMarkdown(request));
  await writeWhole(join(folder, "results.json"), reportJson(request));
  const { budget, results } = request;
  const whole = overviewFigure(budget.worlds, results);
  if (whole !== undefined) await writeWhole(join(folder, whole.name), whole.svg);
  for (const world of budget.worlds) {
    const cells = results.filter((cell) => cell.world === world);
    for (const { name, svg } of figures(world, cells)) await writeWhole(join(folder, name), svg);
  }
  return folder;
}

/** One line a cell: what people compare are lines. */
function reportJson({ budget, results, data }: ReportRequest): string {
  const head = JSON.stringify({ study: "ebt", budget, data }).slice(0, -1);
  return `${head},"cells":[\n${results.map((cell) => JSON.stringify(cell)).join(",\n")}\n]}\n`;
}

export function reportMarkdown({ budget, results, data }: ReportRequest): string {
  const byWorld = budget.worlds
    .flatMap((world) => {
      const cells = results.filter((cell) => cell.world === world);
      if (cells.length === 0) return [];
      return [
        `## ${world}\n`,
        demonstrationWords(data[world], budgetIn(budget, world)),
        differences(cells),
        bySeed(cells),
        byTask(cells, STUDY_WORLDS[world]),
        bySampler(cells),
        trainingSpeed(cells),
        modesOf(cells),
        recovery(cells),
        stepsUsed(cells),
        uncertainty(cells),
        corruption(cells),
        everyCell(cells),
      ].filter((text) => text !== "");
    })
    .join("\n");
  return [overview(budget.worlds, results), byWorld].filter((text) => text !== "").join("\n");
}

function demonstrationWords(data: Demonstrations | undefined, { idle }: Budget): string {
  if (data === undefined) return "";
  const modes = Object.entries(data.modes).map(([mode, count]) => `${count} ${mode}`);
  const ways = modes.length === 0 ? "" : ` (${modes.join(", ")})`;
  const left = idle === 0 ? "" : `; steps whose action is less than ${idle} are left out`;
  return `${data.episodes} demonstrations${ways}; sha256 of their actions ${data.hash.slice(0, 12)}${left}.\n`;
}

/** Claim (a): energies, by the sampler that was chosen beforehand, against the baselines. */
function differences(cells: readonly CellResult[]): string {
  const rows = METHODS.filter(({ isEnergy }) => isEnergy).flatMap(({ name, title }) =>
    EQUALS.flatMap((equal) => {
      const own = pooled(cells, { method: name, equal: comparedAs(name, equal) })[0];
      if (own === undefined) return [];
      const ddpm = pooled(cells, { method: "ddpm", equal })[0];
      const flow = bestOf(pooled(cells, { method: "flow", equal }));
      const mse = pooled(cells, { method: "mse", equal })[0];
      const against = flow === undefined ? "" : ` (${flow.sampler} steps)`;
      const minusFlow = `${minusWords(own, flow)}${against}`;
      const minus = [minusWords(own, ddpm), minusFlow, minusWords(own, mse)];
      return [[title, equal, rateWords(own), ...minus]];
    }),
  );
  return (
    "Success of all training seeds together, points more than the baselines (paired by seed and start; 95 % intervals after Newcombe). Flow matching has the best of its numbers of steps:\n\n" +
    table(["method", "equal", "success", "minus DDPM-100", "minus flow", "minus regression"], rows)
  );
}

function scoreWords({ score }: Pooled): string {
  return score === undefined ? "" : `; highest reward ${score.toFixed(2)}`;
}

/** Claim (b). */
function bySampler(cells: readonly CellResult[]): string {
  const rows = METHODS.flatMap(({ name, title }) => {
    const timed = pooled(cells, { method: name, equal: "time" });
    return pooled(cells, { method: name, equal: "updates" }).map((one) => {
      const other = timed.find(({ sampler }) => sampler === one.sampler);
      return [
        title,
        one.sampler,
        one.meanSteps.toFixed(1),
        one.decisionMs.toFixed(2),
        `${rateWords(one)}${scoreWords(one)}`,
        other === undefined ? "-" : `${rateWords(other)}${scoreWords(other)}`,
      ];
    });
  });
  const head = [
    "method",
    "sampler",
    "steps",
    "ms",
    "success, equal updates",
    "success, equal time",
  ];
  return `By steps; ms of one decision, batch 1, one thread:\n\n${table(head, rows)}`;
}

/** Claim (e): both ways. */
function modesOf(cells: readonly CellResult[]): string {
  const rows = METHODS.flatMap(({ name, title, samplers: [known] }) => {
    const own = cellsBy(cells, { method: name, equal: "updates" });
    const covered = own.flatMap(({ coverage }) => coverage ?? []);
    if (covered.length === 0) return [];
    const of = (key: "minority" | "both"): string =>
      mean(covered.map((one) => one[key])).toFixed(2);
    return [[title, known.name, of("minority"), of("both")]];
  });
  if (rows.length === 0) return "";
  const head = ["method", "sampler", "rarer mode", "both modes"];
  return `Share of the rarer mode among chunks from one start, and share of the starts with both (equal updates):\n\n${table(head, rows)}`;
}

/** How many steps the decisions of a rule to stop took. */
function stepsUsed(cells: readonly CellResult[]): string {
  const rows = METHODS.flatMap(({ name, title }) =>
    pooled(cells, { method: name, equal: "updates" }).flatMap(({ sampler, evaluations }) => {
      const counts = pooledCounts(evaluations);
      const used = counts.filter((count) => count > 0).length;
      // Where every decision takes the same number there is no rule.
      if (used < 2) return [];
      const steps = counts.flatMap((count, i) => Array.from({ length: count }, () => i));
      const at = (share: number): string => percentile(steps, share).toFixed(0);
      const most = counts.length - 1;
      const whole = `${((100 * counts[most]!) / steps.length).toFixed(1)} %`;
      return [
        [title, sampler, mean(steps).toFixed(1), at(0.05), at(0.5), at(0.95), `${most}: ${whole}`],
      ];
    }),
  );
  if (rows.length === 0) return "";
  const head = ["method", "sampler", "mean", "5 % below", "median", "95 % below", "most"];
  return `Steps that decisions took, equal updates:\n\n${table(head, rows)}`;
}

/** Claim (d), the first half. */
function uncertainty(cells: readonly CellResult[]): string {
  const words =
    "AUROC of what is known at a decision for failure of the episode (number of failures), equal updates";
  return signals(cells, words, ({ uncertainty: all }) =>
    all.map(({ failures, ...one }) => ({ ...one, count: failures })),
  );
}

/** Claim (d), the second half. */
function corruption(cells: readonly CellResult[]): string {
  const looks = cells.some(({ world }) => STUDY_WORLDS[world].cameras.length > 0);
  const words =
    "AUROC of what is known at a decision for a corrupted observation, every number of the state moved by a normal draw of its standard deviation in the demonstrations" +
    `${looks ? ", every pixel by one of a quarter of its range" : ""} (number of decisions), equal updates`;
  return signals(cells, words, ({ corruption: all = [] }) =>
    all.map(({ episodes, ...one }) => ({ ...one, count: episodes })),
  );
}

interface Judged extends Pick<Detection, "signal" | "step" | "auroc"> {
  readonly count: number;
}

/** Pooled over seeds as a mean of areas: scores of different trainings have no common scale. */
function signals(
  cells: readonly CellResult[],
  words: string,
  of: (cell: CellResult) => readonly Judged[],
): string {
  const equal = cells.filter((cell) => cell.equal === "updates");
  const steps = [...new Set(equal.flatMap(of).map(({ step }) => step))].sort((a, b) => a - b);
  const rows = METHODS.flatMap(({ name, title }) => {
    const all = cellsBy(cells, { method: name, equal: "updates" }).flatMap(of);
    return [...new Set(all.map(({ signal }) => signal))].map((signal) => {
      const at = (step: number): string => {
        const judged = all.filter((one) => one.signal === signal && one.step === step);
        const areas = judged.flatMap(({ auroc }) => (auroc === null ? [] : [auroc]));
        const count = judged.reduce((sum, one) => sum + one.count, 0);
        return areas.length === 0 ? "-" : `${mean(areas).toFixed(2)} (${count})`;
      };
      return [title, signal, ...steps.map(at)];
    });
  });
  if (rows.length === 0) return "";
  const head = ["method", "signal", ...steps.map((step) => `step ${step}`)];
  return `${words}:\n\n${table(head, rows)}`;
}

function everyCell(cells: readonly CellResult[]): string {
  const rows = cells.map((cell) => [
    `\`${cell.id}\``,
    String(cell.seed),
    cell.updates.toLocaleString("en"),
    cell.trainingS.toFixed(0),
    cell.parameters.toLocaleString("en"),
    `${rateWords(rateOf(cell.acted.slice(0, 1)))} (${methodNamed(cell.method).samplers[0].name})`,
    `\`${cell.hash.slice(0, 12)}\``,
    `\`${cell.weightsHash.slice(0, 12)}\``,
  ]);
  const head = ["cell", "seed", "updates", "s", "parameters", "success", "hash", "weights"];
  return `Every cell, made by \`${cells[0]!.command.replace(/ --only .*/, "")} --only CELL\`:\n\n${table(head, rows)}`;
}
