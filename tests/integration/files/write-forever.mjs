/** Writes a file of one repeated letter over and over until it is killed: `node write-forever.mjs FILE`. */
import { writeWhole } from "../../../dist/src/files/index.js";

for (let turn = 0; ; turn++) {
  await writeWhole(process.argv[2], "abcdefgh"[turn % 8].repeat(1 << 20));
  if (turn === 0) process.stdout.write("written\n");
}
