import type {
  ComponentFormat,
  ComponentSpec,
  EnvironmentSpec,
  ImageSpec,
  TaskInfo,
  TextSpec,
} from "../../src/core/index.ts";
import { COMPONENT_FORMATS, elementCount } from "../../src/core/index.ts";
import { wireError } from "./errors.ts";
import type { WireLimits } from "./limits.ts";
import { positive, safeInteger, uint32Of } from "./numbers.ts";
import { DTYPES, isDtype } from "./tensors.ts";
import { checkLength, checkName, checkText } from "./text.ts";
import type {
  WireComponentSpec,
  WireEnvironmentSpec,
  WireImageSpec,
  WireTaskInfo,
  WireTextSpec,
} from "./wire-types.ts";

export function lowerSpec(spec: EnvironmentSpec, limits: WireLimits): WireEnvironmentSpec {
  const wire: WireEnvironmentSpec = {
    images: spec.observation.images,
    proprio: spec.observation.proprio.map(lowerComponent),
    texts: spec.observation.texts,
    action: spec.action.components.map(lowerComponent),
    controlFreqHz: spec.controlFreqHz,
    maxSteps: spec.maxSteps,
    privileged: spec.privileged,
    snapshot: spec.snapshot,
  };
  liftSpec(wire, limits); // the same checks on both sides: what we send, everybody accepts
  return wire;
}

export function liftSpec(wire: WireEnvironmentSpec, limits: WireLimits): EnvironmentSpec {
  const spec: EnvironmentSpec = {
    observation: {
      images: wire.images.map((image) => liftImage(image, limits)),
      proprio: wire.proprio.map((part) => liftComponent(part, { side: "observation", limits })),
      texts: wire.texts.map((text) => liftText(text, limits)),
    },
    action: {
      components: wire.action.map((part) => liftComponent(part, { side: "action", limits })),
    },
    controlFreqHz: positive(wire.controlFreqHz, "control_freq_hz"),
    maxSteps: uint32Of(wire.maxSteps, { what: "max_steps", min: 1 }),
    privileged: wire.privileged,
    snapshot: wire.snapshot,
  };
  const { images, proprio, texts } = spec.observation;
  assertUnique(images, { what: "image", limits });
  assertUnique(proprio, { what: "observation component", limits });
  assertUnique(texts, { what: "text", limits });
  assertUnique(spec.action.components, { what: "action component", limits });
  return spec;
}

export function lowerTasks(tasks: readonly TaskInfo[], limits: WireLimits): WireTaskInfo[] {
  const wire = tasks.map((task) => ({ ...task, maxSteps: task.maxSteps ?? null }));
  liftTasks(wire, limits);
  return wire;
}

export function liftTasks(wire: readonly WireTaskInfo[], limits: WireLimits): TaskInfo[] {
  const tasks = wire.map((task): TaskInfo => {
    const what = `task "${checkName(task.name, { what: "a task", limits })}"`;
    return {
      name: task.name,
      suite: checkText(task.suite, { what: `suite of ${what}`, limits }),
      instruction: checkText(task.instruction, { what: `instruction of ${what}`, limits }),
      initialStates: uint32Of(task.initialStates, { what: `initial_states of ${what}` }),
      ...(task.maxSteps !== null && {
        maxSteps: uint32Of(task.maxSteps, { what: `max_steps of ${what}`, min: 1 }),
      }),
    };
  });
  assertUnique(tasks, { what: "task", limits });
  return tasks;
}

function assertUnique(
  named: readonly { readonly name: string }[],
  { what, limits }: { what: string; limits: WireLimits },
): void {
  checkLength(named.length, { what: `the ${what} list`, limits });
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name)) {
      throw wireError(
        "bad_value",
        `Cannot accept ${what} "${name}": it is declared twice, must be unique`,
      );
    }
    seen.add(name);
  }
}

function liftImage(wire: WireImageSpec, limits: WireLimits): ImageSpec {
  const name = checkName(wire.name, { what: "an image", limits });
  const { channels } = wire;
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw wireError(
      "bad_value",
      `Cannot accept image "${name}": it has ${channels} channels, must have 1, 3 or 4`,
    );
  }
  const height = uint32Of(wire.height, { what: `height of image "${name}"`, min: 1 });
  const width = uint32Of(wire.width, { what: `width of image "${name}"`, min: 1 });
  return { name, height, width, channels };
}

function liftText(wire: WireTextSpec, limits: WireLimits): TextSpec {
  const name = checkName(wire.name, { what: "a text", limits });
  return { name, maxLength: uint32Of(wire.maxLength, { what: `max_length of text "${name}"` }) };
}

function lowerComponent(spec: ComponentSpec): WireComponentSpec {
  return {
    name: spec.name,
    format: spec.format,
    dtype: spec.dtype,
    shape: spec.shape,
    unit: spec.unit ?? null,
    frame: spec.frame ?? null,
    low: spec.low ?? [],
    high: spec.high ?? [],
    categories: spec.categories ?? [],
    charset: spec.charset ?? null,
    minLength: spec.minLength ?? null,
    description: spec.description ?? null,
  };
}

function liftComponent(
  wire: WireComponentSpec,
  { side, limits }: { side: "observation" | "action"; limits: WireLimits },
): ComponentSpec {
  const name = checkName(wire.name, { what: `an ${side} component`, limits });
  const what = `${side} component "${name}"`;
  const { format, dtype } = wire;
  if (!isComponentFormat(format)) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: its format is "${format.slice(0, 40)}", must be one of ${COMPONENT_FORMATS.join(", ")}`,
    );
  }
  if (!isDtype(dtype)) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: its dtype is "${dtype.slice(0, 40)}", must be one of ${DTYPES.join(", ")}`,
    );
  }
  if (wire.shape.length > limits.maxRank) {
    throw wireError(
      "too_large",
      `Cannot accept ${what}: it has ${wire.shape.length} dimensions, must have at most ${limits.maxRank}`,
    );
  }
  const shape = wire.shape.map((dim) => safeInteger(dim, `a dimension of ${what}`));
  const low = liftBounds(wire.low, { what: `lower bound of ${what}`, shape });
  const high = liftBounds(wire.high, { what: `upper bound of ${what}`, shape });
  checkLength(wire.categories.length, { what: `the categories of ${what}`, limits });
  const categories = wire.categories.map((count) => safeInteger(count, `categories of ${what}`));
  assertCategories(format, { categories, shape, what });
  return {
    name,
    format,
    dtype,
    shape,
    ...(wire.unit !== null && { unit: checkText(wire.unit, { what: `unit of ${what}`, limits }) }),
    ...(wire.frame !== null && {
      frame: checkText(wire.frame, { what: `frame of ${what}`, limits }),
    }),
    ...(low.length > 0 && { low }),
    ...(high.length > 0 && { high }),
    ...(categories.length > 0 && { categories }),
    ...(wire.charset !== null && {
      charset: checkText(wire.charset, { what: `charset of ${what}`, limits }),
    }),
    ...(wire.minLength !== null && {
      minLength: uint32Of(wire.minLength, { what: `min_length of ${what}` }),
    }),
    ...(wire.description !== null && {
      description: checkText(wire.description, { what: `description of ${what}`, limits }),
    }),
  };
}

function isComponentFormat(format: string): format is ComponentFormat {
  return (COMPONENT_FORMATS as readonly string[]).includes(format);
}

/** Bounds may be infinite (unbounded) but never NaN, and there is one for all or one per element. */
function liftBounds(
  bounds: readonly number[],
  { what, shape }: { what: string; shape: readonly number[] },
): readonly number[] {
  const count = elementCount(shape);
  if (bounds.length > 1 && bounds.length !== count) {
    throw wireError(
      "bad_value",
      `Cannot accept the ${what}: it has ${bounds.length} entries, must have 1 or ${count}`,
    );
  }
  if (bounds.some((bound) => Number.isNaN(bound))) {
    throw wireError(
      "non_finite",
      `Cannot accept the ${what}: it is NaN, must be a number or infinite`,
    );
  }
  return [...bounds];
}

function assertCategories(
  format: ComponentFormat,
  spec: { categories: readonly number[]; shape: readonly number[]; what: string },
): void {
  const { categories, shape, what } = spec;
  const count = elementCount(shape);
  const expected = format === "discrete" ? 1 : format === "multi_discrete" ? count : 0;
  if (categories.length !== expected) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: it has ${categories.length} category counts, must have ${expected} for ${format}`,
    );
  }
  if (categories.includes(0)) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: an entry has 0 categories, must have at least 1`,
    );
  }
}
