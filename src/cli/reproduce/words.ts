/** The command line of `efference reproduce`. */
import type { Command } from "commander";
import { examples, nonNegative, positiveInteger } from "../arguments.ts";
import type { ReproduceOptions } from "./command.ts";

export function addReproduce(program: Command): void {
  program
    .command("reproduce")
    .description(
      "train and compare policies as a study does: a grid of cells; killed at any moment, it goes on",
    )
    .argument(
      "<study>",
      "ebt: energy policies beside diffusion, flow matching and regression; " +
        "obstacle: an energy added to the shipped one, 100 starts without and with it",
    )
    .option("--budget <name>", "small (one seed, < 30 minutes on 2 cores) or full", "small")
    .option("--network <size>", "tiny (0.1 million, the default) or small (0.6, 4 x the time)")
    .option("--updates <n>", "of every training, instead of the budget's", positiveInteger)
    .option("--batch <n>", "chunks of an update, instead of the budget's", positiveInteger)
    .option(
      "--idle <n>",
      "demonstrated steps whose action is less than this are left out, instead of the budget's; 0 = none",
      nonNegative,
    )
    .option("--horizon <rows>", "of a chunk, instead of the budget's", positiveInteger)
    .option("--out <folder>", "cells and report (default: runs/reproduce-<study>-<budget>)")
    .option("--only <cells...>", "only cells of these first parts, as lift or lift.mix")
    .option("--known <reports...>", "results.json of other runs, whose cells count as finished")
    .option("--jobs <n>", "cells at once, a core for each (default: 1)", positiveInteger)
    .option("--list", "print the names of the cells, and end")
    .option("--json", "last line of stdout is one JSON object")
    .addHelpText(
      "after",
      examples([
        "efference reproduce ebt --budget small",
        "efference reproduce ebt --budget full --out runs/ebt --jobs 8",
        "efference reproduce ebt --budget full --only detour.mix --list",
        "efference reproduce ebt --budget full --network small --only hang.mix.s0",
        "efference reproduce ebt --budget full --updates 14000 --only lift.mix.s0",
        "efference reproduce ebt --budget full --only libero-object    # after efference libero prepare",
        "efference reproduce obstacle",
      ]),
    )
    .action(async (study: string, options: ReproduceOptions) =>
      (await import("./command.ts")).reproduceCommand(study, options),
    );
}
