/** Worlds that are others but for what is said here. */
import type { Environment, EnvironmentSpec } from "../../core/index.ts";

export interface Changes {
  readonly spec?: Partial<EnvironmentSpec>;
  readonly reset?: Environment["reset"];
  readonly step?: Environment["step"];
}

/** Snapshots are not passed on: where a change stands is not part of them. */
export function around(env: Environment, changes: Changes): Environment {
  return {
    tasks: env.tasks,
    identity: env.identity,
    spec: { ...env.spec, snapshot: false, ...changes.spec },
    reset: changes.reset ?? ((request) => env.reset(request)),
    step: changes.step ?? ((chunk, want) => env.step(chunk, want)),
    close: () => env.close(),
  };
}
