/**
 * Opens sessions in the order that the arguments say (`plain`, `flushing`; `:thread` = in a thread of its
 * own; `:2` = with two threads) and prints, a line each, what the session says and how many of a few million
 * denormal numbers the graph made 0.
 */
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import { openLocalSession, openSession } from "../../dist/src/session/index.js";

const COUNT = 4_000_000;
const g = new GraphBuilder("half");
g.output("y", g.mul(g.input("x", "float32", [COUNT]), 0.5));
const model = writeModel(g.build());
const x = { dtype: "float32", shape: [COUNT], data: new Float32Array(COUNT).fill(1e-39) };

for (const word of process.argv.slice(2)) {
  const [kind, ...how] = word.split(":");
  const open = how.includes("thread") ? openSession : openLocalSession;
  const threads = how.includes("2") ? 2 : 1;
  const session = await open(model, { denormalsAsZero: kind === "flushing", threads });
  const { outputs } = await session.run({ x });
  const { denormalsAsZero } = session;
  const zeros = outputs.y.data.reduce((sum, v) => sum + (v === 0 ? 1 : 0), 0) / COUNT;
  process.stdout.write(`${JSON.stringify({ denormalsAsZero, zeros })}\n`);
  await session.close();
}
