/** A cell in a process of its own. */
import { fork } from "node:child_process";
import { dirname, join } from "node:path";
import { cliPath } from "../supervise.ts";
import { finishedCell } from "./files.ts";
import type { CellResult } from "./results.ts";
import type { CellRequest } from "./run-cell.ts";

/** What such a process is told, as its only argument. */
export type CellOrder = Pick<CellRequest, "cell" | "budget" | "work" | "data">;

/** What it tells, in its own words: what it does, or at the end why it failed. */
export type CellReport = { readonly says: string } | { readonly failed: string };

/**
 * `runCell` in another process, which leaves with a checkpoint where the signal says so, and where this process ends however
 * it does.
 *
 * @throws {Error} where it failed or was killed; the signal's reason where that stopped it
 */
export async function runCellApart(request: CellRequest): Promise<CellResult> {
  const { cell, budget, work, data, signal, say } = request;
  signal.throwIfAborted();
  const order: CellOrder = { cell, budget, work, data };
  const program = join(dirname(cliPath()), "reproduce", "cell-main.js");
  const child = fork(program, [JSON.stringify(order)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  let failed: string | undefined;
  child.on("message", (report: CellReport) => {
    if ("says" in report) say(report.says);
    else ({ failed } = report);
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ending = await new Promise<number | string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, by) => resolve(by ?? code ?? 0));
    });
    signal.throwIfAborted();
    if (ending !== 0) {
      throw new Error(`Cannot finish ${cell.id}: ${failed ?? `its process ended with ${ending}`}`);
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
  const result = await finishedCell(work, cell);
  if (result === undefined) throw new Error(`Cannot finish ${cell.id}: its process left no result`);
  return result;
}
