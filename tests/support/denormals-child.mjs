/**
 * Opens sessions in the order that the arguments say (`plain`, `flushing`; `:thread` = in a thread of its
 * own) and prints, a line each, what the session says and what the graph makes of a denormal number.
 */
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import { openLocalSession, openSession } from "../../dist/src/session/index.js";

const g = new GraphBuilder("half");
g.output("y", g.mul(g.input("x", "float32", [1]), 0.5));
const model = writeModel(g.build());
const x = { dtype: "float32", shape: [1], data: Float32Array.of(1e-39) };

for (const word of process.argv.slice(2)) {
  const [kind, place] = word.split(":");
  const open = place === "thread" ? openSession : openLocalSession;
  const session = await open(model, { denormalsAsZero: kind === "flushing" });
  const { outputs } = await session.run({ x });
  const { denormalsAsZero } = session;
  process.stdout.write(`${JSON.stringify({ denormalsAsZero, zero: outputs.y.data[0] === 0 })}\n`);
  await session.close();
}
