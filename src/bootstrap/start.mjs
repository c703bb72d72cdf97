/** `npm start`: sets everything up on a fresh machine, then runs `efference demo` with the same flags. */
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { ensureBuilt } from "./build.mjs";
import { ROOT, ensureInstalled } from "./setup.mjs";

try {
  await ensureInstalled();
  await ensureBuilt();
} catch (error) {
  process.stderr.write(`Cannot set up: ${error.message}\n`);
  process.exit(1);
}
process.argv.splice(2, 0, "demo");
await import(pathToFileURL(join(ROOT, "dist", "src", "cli", "main.js")).href);
