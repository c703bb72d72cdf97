/** One decision of a policy package in a small world of state (`worldData`). */
import type { Decision, NdArray } from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";
import { loadPolicy } from "../../src/package/index.ts";

/** @param seed of what the policy draws */
export async function decideOnce(
  folder: string,
  { state, seed }: { readonly state: readonly number[]; readonly seed: string },
): Promise<Decision> {
  const policy = await loadPolicy(folder, { rng: seeded(seed) });
  const seen: NdArray = {
    dtype: "float32",
    shape: [state.length],
    data: Float32Array.from(state),
  };
  await policy.reset({ task: "", instruction: "", seed: 0, spec: undefined as never });
  const decision = await policy.decide({
    images: {},
    proprio: { state: seen },
    texts: {},
    instruction: "go",
    step: 0,
    stampNs: 0n,
  });
  await policy.close?.();
  return decision;
}
