/**
 * Steps of an update rule as graph: each takes what should be added to the parameters so far (at first the
 * gradients) and says something better. They chain, as in optax (DeepMind 2020): clip, then scale by
 * moments, then average.
 */
import type { GraphBuilder, Model, Value } from "../../onnx/index.ts";
import { GraphBuilder as Builder } from "../../onnx/index.ts";
import type { ParameterInfo } from "./groups.ts";

/** A tensor that an update rule remembers, one for each parameter and of its shape. */
export interface StateSpec {
  /** What it is: `m`, `v`, `momentum`, `ema`. */
  readonly kind: string;
  readonly parameter: ParameterInfo;
  /** What it starts with. */
  readonly initial: "zeros" | "parameter";
}

/** Graph inputs, so that one session serves every step. */
export interface Scalars {
  /** `float32[]`, the learning rate of this step. */
  readonly rate: Value;
  /** `float32[]`, counts from 1; exact up to 2^24. */
  readonly step: Value;
}

export interface UpdateCall {
  readonly parameters: readonly ParameterInfo[];
  /** Before the step, in the order of `parameters`. */
  readonly values: readonly Value[];
  /** What comes from the transform before: gradients at first, in the end what is added to `values`. */
  readonly updates: readonly Value[];
  /** By `stateName`. */
  readonly state: Readonly<Record<string, Value>>;
  readonly scalars: Scalars;
}

export interface UpdateResult {
  /** `float32`, in the order and shapes of the parameters. */
  readonly updates: readonly Value[];
  /** The state for the next step, by `stateName`. */
  readonly state: Readonly<Record<string, Value>>;
  /** Scalars worth watching, such as `gradNorm`. */
  readonly metrics: Readonly<Record<string, Value>>;
}

export interface Transform {
  readonly name: string;
  state(parameters: readonly ParameterInfo[]): readonly StateSpec[];
  update(g: GraphBuilder, call: UpdateCall): UpdateResult;
}

/** The name of a state tensor in graphs, arenas and checkpoints. */
export function stateName(kind: string, parameter: string): string {
  return `${kind}/${parameter}`;
}

/** @throws {RangeError} (by `state`) if two transforms want the same kind of state */
export function chain(...transforms: readonly Transform[]): Transform {
  return {
    name: transforms.map(({ name }) => name).join("+"),
    state(parameters) {
      const specs = transforms.flatMap((transform) => transform.state(parameters));
      assertDistinct(specs);
      return specs;
    },
    update(g, call) {
      let result: UpdateResult = { updates: call.updates, state: {}, metrics: {} };
      for (const transform of transforms) {
        const { updates } = result;
        const next = g.scope(transform.name, () => transform.update(g, { ...call, updates }));
        result = {
          updates: next.updates,
          state: { ...result.state, ...next.state },
          metrics: { ...result.metrics, ...next.metrics },
        };
      }
      return result;
    },
  };
}

/** The state of a kind for every parameter. */
export function stateOf(
  kind: string,
  parameters: readonly ParameterInfo[],
  initial: StateSpec["initial"] = "zeros",
): StateSpec[] {
  return parameters.map((parameter) => ({ kind, parameter, initial }));
}

/** @throws {TypeError} if a call has no such state */
export function readState(call: UpdateCall, kind: string, parameter: ParameterInfo): Value {
  const name = stateName(kind, parameter.name);
  const value = Object.hasOwn(call.state, name) ? call.state[name] : undefined;
  if (value !== undefined) return value;
  throw new TypeError(`Cannot build update: state "${name}" is absent, must be given`);
}

/**
 * The whole step as a graph of its own, for devices that keep parameters and state between runs.
 *
 *     inputs   NAME                 gradient/NAME   KIND/NAME                rate, step: float32[]
 *     outputs  next/NAME                            next/KIND/NAME           metric/NAME: float32[]
 */
export function updateModel(transform: Transform, parameters: readonly ParameterInfo[]): Model {
  const g = new Builder(transform.name);
  const input = (name: string, { shape }: ParameterInfo): Value => g.input(name, "float32", shape);
  const values = parameters.map((parameter) => input(parameter.name, parameter));
  const updates = parameters.map((parameter) => input(`gradient/${parameter.name}`, parameter));
  const state = Object.fromEntries(
    transform.state(parameters).map(({ kind, parameter }) => {
      const name = stateName(kind, parameter.name);
      return [name, input(name, parameter)];
    }),
  );
  const scalars = { rate: g.input("rate", "float32", []), step: g.input("step", "float32", []) };
  const result = transform.update(g, { parameters, values, updates, state, scalars });
  for (const [i, value] of applyUpdates(g, values, result.updates).entries()) {
    g.output(`next/${parameters[i]?.name ?? ""}`, value);
  }
  for (const [name, value] of Object.entries(result.state)) g.output(`next/${name}`, value);
  for (const [name, value] of Object.entries(result.metrics)) g.output(`metric/${name}`, value);
  return g.build();
}

/** The parameters after the step. */
export function applyUpdates(
  g: GraphBuilder,
  values: readonly Value[],
  updates: readonly Value[],
): Value[] {
  return values.map((value, i) => {
    const update = updates[i];
    if (update === undefined) {
      throw new TypeError(`Cannot apply updates: that of "${value.name}" is absent, must be given`);
    }
    return g.add(value, update);
  });
}

function assertDistinct(specs: readonly StateSpec[]): void {
  const seen = new Set<string>();
  for (const { kind, parameter } of specs) {
    const name = stateName(kind, parameter.name);
    if (seen.has(name)) {
      throw new RangeError(
        `Cannot chain transforms: state "${name}" is there twice, must have one owner`,
      );
    }
    seen.add(name);
  }
}
