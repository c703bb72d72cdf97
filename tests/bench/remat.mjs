/**
 * Rematerialisation: peak memory and time of one training step's gradients of a deep network, with its blocks
 * computed again in the backward sweep and with everything kept. Each variant runs in a process of its own,
 * because the peak of a process never falls.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const WORKER = fileURLToPath(new URL("_remat-worker.mjs", import.meta.url));

async function measure(kind) {
  const { stdout } = await run(process.execPath, [WORKER, kind]);
  return JSON.parse(stdout);
}

export default {
  name: "remat",
  title: "rematerialisation: one training step, against keeping everything",
  async run(print) {
    const [kept, again] = [await measure("kept"), await measure("again")];
    for (const [what, { peakMib, ms }] of Object.entries({
      "everything kept": kept,
      "computed again": again,
    })) {
      const memory = `peak ${peakMib.toFixed(0).padStart(5)} MiB`;
      print(`${what.padEnd(18)} ${memory}   ${ms.toFixed(0).padStart(5)} ms`);
    }
    if (again.sum !== kept.sum) {
      throw new Error(
        `Cannot compare: squared gradients sum to ${again.sum}, must be ${kept.sum} as where everything is kept`,
      );
    }
    const [memoryRatio, timeRatio] = [again.peakMib / kept.peakMib, again.ms / kept.ms];
    print(
      `peak memory ${memoryRatio.toFixed(2)} x, time ${timeRatio.toFixed(2)} x; gradients equal bit for bit`,
    );
    return { kept, again, memoryRatio, timeRatio };
  },
};
