import { existsSync, writeFileSync } from "node:fs";
import { makeCurveKeys } from "../../sim-bridge/index.ts";
import { UsageError } from "./exit.ts";

/** `efference keys FILE`: a fresh CURVE pair, in a file that only its owner can read. */
export function keysCommand(path: string): void {
  if (existsSync(path)) {
    throw new UsageError(`Cannot write keys to ${path}: it exists, must be a new file`);
  }
  const pair = makeCurveKeys();
  writeFileSync(path, `${JSON.stringify(pair, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  process.stdout.write(`${pair.publicKey}\n`);
}
