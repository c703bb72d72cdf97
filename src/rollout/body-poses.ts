/** Poses of things as part of what a policy sees: for policies of state, in worlds that know where everything is. */
import type {
  ComponentSpec,
  Environment,
  NdArray,
  Observation,
  TimeStep,
  Want,
} from "../core/index.ts";

/**
 * A world that tells, beside its own proprio, where the named bodies of its scene are: components
 * `<body>/position` (m) and `<body>/quat_wxyz`, both in the world frame. Demonstrations recorded in it have them, and a
 * policy trained on those asks for them by name, so that it is evaluated in the same wrapping.
 *
 * That is ground truth, which no camera gives: what such a policy does is no measure of one that sees.
 *
 * @throws {RangeError} for no bodies, or one that is named twice; at `reset`, for one that the scene does not have
 * @throws {TypeError} at `reset`, if the world describes no scene
 */
export function withBodyPoses(env: Environment, bodies: readonly string[]): Environment {
  if (bodies.length === 0 || new Set(bodies).size !== bodies.length) {
    throw new RangeError(
      `Cannot tell poses of ${bodies.join(", ")}: must be at least one body, and each once`,
    );
  }
  const { observation } = env.spec;
  let rows: readonly number[] = [];
  const seen = (step: TimeStep, want: Want): TimeStep => withPoses(step, { bodies, rows, want });
  const asking = (want: Want): Want => ({ ...want, poses: true });
  const snapshot = env.snapshot?.bind(env);
  const restore = env.restore?.bind(env);
  return {
    spec: {
      ...env.spec,
      observation: {
        ...observation,
        proprio: [...observation.proprio, ...bodies.flatMap(poseComponents)],
      },
    },
    tasks: env.tasks,
    identity: env.identity,
    async reset(request) {
      const result = await env.reset({ ...request, want: asking(request.want) });
      rows = rowsOf(bodies, result.scene?.bodies);
      return { ...result, first: seen(result.first, request.want) };
    },
    async step(chunk, want) {
      return (await env.step(chunk, asking(want))).map((step) => seen(step, want));
    },
    close: () => env.close(),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(restore === undefined
      ? {}
      : {
          restore: async (bytes: Uint8Array, want: Want) =>
            seen(await restore(bytes, asking(want)), want),
        }),
  };
}

function poseComponents(body: string): ComponentSpec[] {
  const common = { dtype: "float32", frame: "world" } as const;
  return [
    { ...common, name: `${body}/position`, format: "position", shape: [3], unit: "m" },
    { ...common, name: `${body}/quat_wxyz`, format: "quat_wxyz", shape: [4], unit: "1" },
  ];
}

function rowsOf(bodies: readonly string[], scene: readonly string[] | undefined): number[] {
  if (scene === undefined) {
    throw new TypeError("Cannot tell poses: the world describes no scene, must have one");
  }
  return bodies.map((body) => {
    const row = scene.indexOf(body);
    if (row >= 0) return row;
    throw new RangeError(
      `Cannot tell the pose of "${body}": the scene has no such body, must be one of ${scene.join(", ")}`,
    );
  });
}

function withPoses(
  step: TimeStep,
  at: { readonly bodies: readonly string[]; readonly rows: readonly number[]; readonly want: Want },
): TimeStep {
  const { poses, ...rest } = step;
  const proprio: Record<string, NdArray> = { ...step.observation.proprio };
  for (const [i, body] of at.bodies.entries()) {
    const from = 7 * (at.rows[i] ?? 0);
    const pose = poses?.subarray(from, from + 7);
    if (pose?.length !== 7) {
      throw new TypeError(`Cannot tell the pose of "${body}": the step has none, must have`);
    }
    proprio[`${body}/position`] = numbers(pose.subarray(0, 3));
    proprio[`${body}/quat_wxyz`] = numbers(pose.subarray(3));
  }
  const observation: Observation = { ...step.observation, proprio };
  const kept = at.want.poses && poses !== undefined ? { poses } : {};
  return { ...rest, ...kept, observation };
}

function numbers(values: Float64Array): NdArray {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}
