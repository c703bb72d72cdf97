/**
 * LeRobot's actions relative to the state (openpi's delta actions): the graph says how far from the state of the
 * decision every row is, and `absolute_actions` adds that state again.
 */
import { z } from "zod";
import type { NdArray } from "../core/index.ts";
import type { Component } from "./component.ts";
import { componentOf, parametersOf } from "./component.ts";
import type { Feature, Preprocessor } from "./features.ts";
import { arrayOf, requireKind } from "./features.ts";
import type { ComponentEntry, Manifest } from "./manifest.ts";
import { wrongManifest } from "./manifest.ts";

export const RELATIVE_STEP = "relative_actions";
export const ABSOLUTE_STEP = "absolute_actions";

/** Which feature is the state: as LeRobot and as physicalai call it. */
const STATES: readonly [string, string] = ["observation.state", "state"];

/** What the state was where `relative_actions` stands among the preprocessors: later ones may change it. */
const ORIGIN = "relative_actions/state";

const word = z.string().min(1).max(256);
/** Of both steps. */
const stepSchema = z.looseObject({
  enabled: z.boolean().default(false),
  exclude_joints: z.array(word).max(1024).nullish(),
  action_names: z.array(word).max(1024).nullish(),
});

/**
 * The preprocessor: it keeps the state for `relativeOf`. The last numbers of several observations are those of the
 * newest one.
 * @throws {SyntaxError} naming every parameter that is wrong
 */
export function relativePreprocessor(component: Component, at: string): Preprocessor {
  const { type } = component;
  const { enabled } = parametersOf(component, stepSchema, at);
  if (!enabled) return { type, plan: () => [], apply: () => undefined };
  const stateAmong = (known: { has(name: string): boolean }): string =>
    STATES.find((name) => known.has(name)) ?? STATES[0];
  return {
    type,
    plan(kinds) {
      const name = stateAmong(kinds);
      requireKind(kinds, { type, name, kind: "array" });
      kinds.set(ORIGIN, "float32");
      return [name];
    },
    apply(features) {
      const state = arrayOf(features, stateAmong(features));
      // A copy: a session takes the buffers of what it is fed with it.
      features.set(ORIGIN, { ...state, data: state.data.slice() });
    },
  };
}

/** From differences to places. */
export interface RelativeChunks {
  /**
   * @param chunks `[..., actionDim]`, differences in physical units
   * @param features as the preprocessors left them
   * @throws {TypeError} if the state has fewer numbers than actions that are told from it
   */
  absolute(
    chunks: Float32Array,
    actionDim: number,
    features: ReadonlyMap<string, Feature>,
  ): Float32Array;
}

/**
 * What the two steps of a package mean together; undefined where its actions are not relative. Entries whose names in
 * `action_names` contain a word of `exclude_joints`, whatever their case, are absolute already; without names none is,
 * as in the published runtime, which trains so, too.
 * @throws {SyntaxError} if one of the two is enabled without the other, or twice, or statistics of actions are applied after it
 */
export function relativeOf({ model }: Manifest): RelativeChunks | undefined {
  const sides = [
    { type: RELATIVE_STEP, at: "model.preprocessors", entries: model.preprocessors },
    { type: ABSOLUTE_STEP, at: "model.postprocessors", entries: model.postprocessors },
  ] as const;
  const [relative, absolute] = sides.map(enabledStep);
  if (relative === undefined && absolute === undefined) return undefined;
  if (relative === undefined || absolute === undefined) {
    const { at, type } = sides[relative === undefined ? 0 : 1];
    const has = (relative ?? absolute)?.at ?? "";
    return wrongManifest(
      `${at}: no "${type}" is enabled, must be (${has} is: actions are told from the state)`,
    );
  }
  const late = model.postprocessors
    .map(componentOf)
    .findIndex(({ type }, i) => type === "denormalize" && i > absolute.index);
  if (late >= 0) {
    wrongManifest(
      `model.postprocessors.${late}: it denormalises after ${absolute.at} has added the state, must come before`,
    );
  }
  const { exclude_joints: excluded, action_names: names } = relative.parameters;
  const words = (excluded ?? []).map((name) => name.toLowerCase());
  const told = (names ?? []).map((name) => !words.some((w) => name.toLowerCase().includes(w)));
  return {
    absolute(chunks, actionDim, features) {
      const { data, shape } = features.get(ORIGIN) as NdArray;
      const width = shape.at(-1) ?? 0;
      const state = Array.from(data, Number).slice(-width);
      const last = lastTold(told, actionDim);
      if (last >= width) {
        throw new TypeError(
          `Cannot decide: entry ${last} of the action is told from the state, which has ${width} numbers, must have at least ${last + 1}`,
        );
      }
      return chunks.map((value, i) => {
        const column = i % actionDim;
        return (told[column] ?? true) ? value + (state[column] ?? 0) : value;
      });
    },
  };
}

function lastTold(told: readonly boolean[], actionDim: number): number {
  let last = actionDim - 1;
  while (last >= 0 && told[last] === false) last--;
  return last;
}

interface EnabledStep {
  readonly parameters: z.infer<typeof stepSchema>;
  readonly index: number;
  readonly at: string;
}

/** The only step of a type that is switched on. */
function enabledStep(side: {
  readonly type: string;
  readonly at: string;
  readonly entries: readonly ComponentEntry[];
}): EnabledStep | undefined {
  let found: EnabledStep | undefined;
  for (const [index, entry] of side.entries.entries()) {
    const component = componentOf(entry);
    if (component.type !== side.type) continue;
    const at = `${side.at}.${index}`;
    const parameters = parametersOf(component, stepSchema, at);
    if (!parameters.enabled) continue;
    if (found !== undefined) {
      wrongManifest(`${at}: "${side.type}" is enabled at ${found.at}, too, must be once`);
    }
    found = { parameters, index, at };
  }
  return found;
}
