/** Worlds that tell one vector and nothing else: no picture is drawn, and nothing is said twice. */
import type { Environment, NdArray, Observation, Want } from "../../core/index.ts";
import { around } from "./around.ts";

export interface Told {
  /** How many numbers. */
  readonly size: number;
  /** What they are, in their order. */
  readonly description: string;
  /** What the world is asked for beside what it is asked for anyway. */
  readonly asks?: Partial<Want>;
  readonly read: (observation: Observation) => readonly number[];
}

/** A world whose only observation is `state`, float32[size]. */
export function withState(env: Environment, { size, description, asks, read }: Told): Environment {
  const asking = (want: Want): Want => ({ ...want, ...asks });
  const seen = (observation: Observation, want: Want): Observation => {
    const { privileged, ...rest } = observation;
    const data = Float32Array.from(read(observation));
    const state: NdArray = { dtype: "float32", shape: [size], data };
    return {
      ...rest,
      ...(want.privileged && privileged !== undefined ? { privileged } : {}),
      images: {},
      proprio: { state },
    };
  };
  const component = { name: "state", format: "raw", dtype: "float32", shape: [size] } as const;
  return around(env, {
    spec: { observation: { images: [], texts: [], proprio: [{ ...component, description }] } },
    async reset(request) {
      const { want } = request;
      const result = await env.reset({ ...request, want: asking(want) });
      const { observation } = result.first;
      return { ...result, first: { ...result.first, observation: seen(observation, want) } };
    },
    async step(chunk, want) {
      const steps = await env.step(chunk, asking(want));
      return steps.map((step) => ({ ...step, observation: seen(step.observation, want) }));
    },
  });
}
