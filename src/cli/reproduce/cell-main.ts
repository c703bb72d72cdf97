/** The process of one cell; see `runCellApart`. */
import { messageOf } from "../../core/index.ts";
import { supervisorSignal } from "../interrupt.ts";
import type { CellOrder, CellReport } from "./cell-process.ts";
import { runCell } from "./run-cell.ts";

const supervisor = supervisorSignal();

function tell(report: CellReport): void {
  // Whoever listened may be gone; the signal says so.
  if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
}

try {
  const order = JSON.parse(process.argv[2]!) as CellOrder;
  await runCell({ ...order, signal: supervisor.signal, say: (says) => tell({ says }) });
} catch (error) {
  process.exitCode = 1;
  tell({ failed: messageOf(error) });
} finally {
  supervisor.dispose();
}
