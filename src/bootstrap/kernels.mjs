/**
 * `npm run kernels`: compiles `src/train/kernels/kernels.wat` into `module.ts` beside it, which is committed so
 * that nobody needs the compiler to build or run. With `--check` nothing is written, and the command fails
 * when the committed file is not what the source compiles to.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import wabt from "wabt";
import { ROOT } from "./setup.mjs";

const folder = join(ROOT, "src", "train", "kernels");
const target = join(folder, "module.ts");

async function compile() {
  const { parseWat } = await wabt();
  const module = parseWat("kernels.wat", readFileSync(join(folder, "kernels.wat"), "utf8"), {
    simd: true,
  });
  module.validate();
  const { buffer } = module.toBinary({});
  module.destroy();
  const lines = Buffer.from(buffer)
    .toString("base64")
    .match(/.{1,90}/g);
  const text = lines.map((line) => `  "${line}",`).join("\n");
  return `// Made from kernels.wat by \`npm run kernels\`; do not edit.

/** The WebAssembly module, ${buffer.length} bytes, in base64. */
export const KERNEL_MODULE = [
${text}
].join("");
`;
}

const text = await compile();
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    process.stderr.write(
      "Cannot use kernels: module.ts is stale, must be made anew by npm run kernels\n",
    );
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
  process.stdout.write(`wrote ${target}\n`);
}
