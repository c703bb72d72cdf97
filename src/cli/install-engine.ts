import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { ENGINE_VERSION, engineCacheFolder, findEngine } from "../session/index.ts";
import { createProgress } from "./progress.ts";

/**
 * Fetches onnxruntime-node into the user's cache if the installation of this package went without it.
 * Its install script, which is what fails where NuGet is out of reach, only adds CUDA: it is skipped.
 *
 * @throws {Error} with npm's own words if npm cannot fetch it
 */
export async function ensureEngine(): Promise<void> {
  if (findEngine() !== undefined) return;
  const folder = engineCacheFolder();
  const progress = createProgress();
  progress.line(`fetching onnxruntime-node ${ENGINE_VERSION} (first time only) to ${folder}`);
  await mkdir(folder, { recursive: true });
  const args = ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", [...args, "--no-save", `onnxruntime-node@${ENGINE_VERSION}`]);
  if (findEngine() === undefined) {
    throw new Error(`Cannot fetch onnxruntime-node: npm ended well but it is not in ${folder}`);
  }
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let words = "";
    child.stderr.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4000)));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`Cannot fetch onnxruntime-node: npm ended with ${code}:\n${words}`));
    });
  });
}
