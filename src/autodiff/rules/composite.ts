/** Rules of operators that are best differentiated as what they consist of. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { isFloat, refuseVjp } from "./rule.ts";

/**
 * A rule that writes the operator in terms of others, from copies of its inputs, and differentiates that: the
 * forward pass is computed again, so what is often used deserves a rule of its own.
 * @param make the outputs in order; `undefined` for those that cannot be differentiated
 */
export function composite(
  make: (g: GraphBuilder, call: VjpCall) => readonly (Value | undefined)[],
): VjpRule {
  return (g, call) => {
    // Copies, because an input may depend on another one, which is not this operator's business.
    const inputs = call.inputs.map((input) =>
      input === undefined || !isFloat(input.elementType) ? input : g.one("Identity", [input]),
    );
    const made = make(g, { ...call, inputs });
    const outputs: Value[] = [];
    const seeds: Value[] = [];
    for (const [i, seed] of call.cotangents.entries()) {
      if (seed === undefined) continue;
      seeds.push(seed);
      outputs.push(made[i] ?? refuseVjp(call, `output ${i} is used`, "must not be"));
    }
    const wanted = inputs.flatMap((input, i) =>
      input !== undefined && call.needs[i] === true ? [{ input, i }] : [],
    );
    const results = call.vjp(
      { outputs, seeds },
      wanted.map(({ input }) => input),
    );
    const byInput = new Map(wanted.map(({ i }, k) => [i, results[k]]));
    return inputs.map((_, i) => byInput.get(i));
  };
}
