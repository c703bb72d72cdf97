import type {
  ActionSpec,
  ComponentSpec,
  Decision,
  EpisodeStart,
  Policy,
  Rng,
} from "../../src/core/index.ts";
import { boundAt, elementCount, seeded } from "../../src/core/index.ts";

/**
 * Draws every action from the action spec, independently at each step; the same draws for the same
 * episode seed. A floor for every table, and the first thing to try on a new simulator.
 *
 * Bounded numbers are uniform, half-bounded ones exponential beyond their bound, unbounded ones
 * standard normal (as Gymnasium's `Box.sample` does); categories and bits are uniform; a text has a
 * uniform length and uniform characters.
 */
export function randomPolicy(options: { seed?: number } = {}): Policy {
  let rng = seeded(options.seed ?? 0);
  let action: ActionSpec = { components: [] };
  return {
    spec: {
      name: "random",
      observation: "any",
      action: "any",
      predictHorizon: 1,
      privileged: false,
    },
    reset(start: EpisodeStart) {
      rng = seeded(options.seed ?? 0).split(start.seed);
      action = start.spec.action;
      return Promise.resolve();
    },
    decide(): Promise<Decision> {
      const started = performance.now();
      const row = action.components.flatMap((component) => drawComponent(component, rng));
      return Promise.resolve({
        chunk: { data: Float32Array.from(row), horizon: 1, actionDim: row.length },
        thoughts: [],
        timing: { totalMs: performance.now() - started },
      });
    },
  };
}

function drawComponent(component: ComponentSpec, rng: Rng): number[] {
  const count = elementCount(component.shape);
  if (component.format === "text") return drawText(component, rng);
  return Array.from({ length: count }, (_, i) => {
    switch (component.format) {
      case "discrete":
      case "multi_discrete":
        return rng.int(component.categories?.[i] ?? component.categories?.[0] ?? 1);
      case "binary":
        return rng.int(2);
      default:
        return drawNumber(rng, {
          low: boundAt(component.low, i) ?? -Infinity,
          high: boundAt(component.high, i) ?? Infinity,
          integer: /^u?int/.test(component.dtype),
        });
    }
  });
}

interface Range {
  readonly low: number;
  readonly high: number;
  readonly integer: boolean;
}

function drawNumber(rng: Rng, { low, high, integer }: Range): number {
  const below = Number.isFinite(low);
  const above = Number.isFinite(high);
  if (integer && below && above) return low + Math.floor(rng.uniform() * (high - low + 1));
  if (below && above) return low + rng.uniform() * (high - low);
  if (below) return low - Math.log(1 - rng.uniform());
  if (above) return high + Math.log(1 - rng.uniform());
  return rng.normal();
}

function drawText(component: ComponentSpec, rng: Rng): number[] {
  const maxLength = elementCount(component.shape);
  const minLength = component.minLength ?? 0;
  const characters = [...(component.charset ?? "")].length;
  const length = characters === 0 ? 0 : minLength + rng.int(maxLength - minLength + 1);
  return Array.from({ length: maxLength }, (_, i) => (i < length ? rng.int(characters) : -1));
}
