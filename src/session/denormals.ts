import { GraphBuilder, writeModel } from "../onnx/index.ts";
import type { Engine } from "./engine-api.ts";
import type { EngineOptions } from "./protocol.ts";

/** Whether arithmetic in this thread, the engine's and JavaScript's alike, counts denormal numbers as 0. */
export function flushesDenormals(): boolean {
  const [denormal = 1] = Float64Array.of(1e-310);
  return denormal * 0.5 === 0;
}

/** The smallest graph there is: opening it is enough for the engine to set the thread's mode. */
export function primerModel(): Uint8Array {
  const g = new GraphBuilder("primer");
  g.output("y", g.input("x", "float32", [1]));
  return writeModel(g.build());
}

/**
 * The options, asking for denormals as zero only if this thread does so. Asked otherwise, the engine's
 * helper threads would and the calling thread would not, and results would depend on which thread took
 * which part. `worker.mjs` does the same in plain JavaScript.
 */
export async function agreedOptions(
  engine: Engine,
  options: EngineOptions,
): Promise<EngineOptions> {
  const { extra } = options;
  if (extra?.session.set_denormal_as_zero === undefined) return options;
  if (!flushesDenormals()) {
    const primer = await engine.InferenceSession.create(primerModel(), {
      ...options,
      executionProviders: ["cpu"],
      enableProfiling: false,
    });
    await primer.release();
  }
  if (flushesDenormals()) return options;
  const { set_denormal_as_zero: _, ...session } = extra.session;
  return { ...options, extra: { session } };
}
