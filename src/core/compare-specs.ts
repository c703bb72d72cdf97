import type { SpecDifference } from "./errors.ts";
import { SpecMismatchError } from "./errors.ts";
import type { ComponentSpec, EnvironmentSpec, ImageSpec, PolicySpec, TextSpec } from "./spec.ts";

/** Every difference between what an environment offers and what a policy needs and makes. */
export function comparePolicyToEnvironment(
  policy: PolicySpec,
  environment: EnvironmentSpec,
): SpecDifference[] {
  const differences: SpecDifference[] = [];
  if (policy.observation !== "any") {
    const { images, proprio, texts } = policy.observation;
    for (const need of images) compareImage(need, environment.observation.images, differences);
    for (const need of proprio) {
      const made = environment.observation.proprio.find(({ name }) => name === need.name);
      compareComponent("observation component", { made, accepted: need }, differences);
    }
    for (const need of texts) compareText(need, environment.observation.texts, differences);
  }
  if (policy.action !== "any") {
    compareActions(policy.action.components, environment.action.components, differences);
  }
  if (policy.privileged && !environment.privileged) {
    differences.push({
      where: "privileged ground truth",
      made: "not offered by the environment",
      accepted: `offered, for policy "${policy.name}" reads it`,
    });
  }
  const rate = policy.controlFreqHz;
  if (rate !== undefined && rate !== environment.controlFreqHz) {
    differences.push({
      where: "control rate",
      made: `${environment.controlFreqHz} Hz`,
      accepted: `${rate} Hz`,
    });
  }
  return differences;
}

/** Every difference between two environments that are to serve one job. */
export function compareEnvironments(a: EnvironmentSpec, b: EnvironmentSpec): SpecDifference[] {
  const differences: SpecDifference[] = [];
  for (const image of a.observation.images) {
    compareImage(image, b.observation.images, differences);
  }
  extraNames("image", [a.observation.images, b.observation.images], differences);
  for (const need of a.observation.proprio) {
    const made = b.observation.proprio.find(({ name }) => name === need.name);
    compareComponent("observation component", { made, accepted: need }, differences);
  }
  extraNames("observation component", [a.observation.proprio, b.observation.proprio], differences);
  for (const text of a.observation.texts) compareText(text, b.observation.texts, differences);
  extraNames("text", [a.observation.texts, b.observation.texts], differences);
  compareActions(b.action.components, a.action.components, differences);
  for (const key of ["controlFreqHz", "maxSteps", "privileged", "snapshot"] as const) {
    if (a[key] !== b[key]) {
      differences.push({ where: key, made: String(b[key]), accepted: String(a[key]) });
    }
  }
  return differences;
}

/** @throws {SpecMismatchError} naming every difference */
export function assertSpecsFit(
  action: string,
  sides: { policy: PolicySpec; environment: EnvironmentSpec },
): void {
  const differences = comparePolicyToEnvironment(sides.policy, sides.environment);
  if (differences.length > 0) throw new SpecMismatchError(action, differences);
}

/** An environment's images in the sizes in which a policy wants them, for worlds that draw in any size. */
export function imagesFor(
  { observation }: PolicySpec,
  images: readonly ImageSpec[],
): readonly ImageSpec[] {
  const wanted = observation === "any" ? [] : observation.images;
  return images.map((image) => {
    const { height, width } = wanted.find(({ name }) => name === image.name) ?? image;
    return { ...image, height, width };
  });
}

type Named = readonly { readonly name: string }[];

function extraNames(
  what: string,
  [accepted, made]: readonly [Named, Named],
  out: SpecDifference[],
): void {
  const known = new Set(accepted.map(({ name }) => name));
  for (const { name } of made) {
    if (!known.has(name))
      out.push({ where: `${what} "${name}"`, made: "present", accepted: "absent" });
  }
}

function compareImage(need: ImageSpec, images: readonly ImageSpec[], out: SpecDifference[]): void {
  const where = `image "${need.name}"`;
  const words = (image: ImageSpec): string =>
    `uint8[${image.height}, ${image.width}, ${image.channels}]`;
  const made = images.find(({ name }) => name === need.name);
  if (made === undefined) {
    const names = images.map(({ name }) => `"${name}"`).join(", ");
    const offered = names === "" ? "absent (no images)" : `absent (there are ${names})`;
    out.push({ where, made: offered, accepted: words(need) });
  } else if (words(made) !== words(need)) {
    out.push({ where, made: words(made), accepted: words(need) });
  }
}

function compareText(need: TextSpec, texts: readonly TextSpec[], out: SpecDifference[]): void {
  const made = texts.find(({ name }) => name === need.name);
  const accepted = `text of up to ${need.maxLength} characters`;
  const where = `text "${need.name}"`;
  if (made === undefined) out.push({ where, made: "absent", accepted });
  else if (made.maxLength > need.maxLength) {
    out.push({ where, made: `text of up to ${made.maxLength} characters`, accepted });
  }
}

function compareActions(
  made: readonly ComponentSpec[],
  accepted: readonly ComponentSpec[],
  out: SpecDifference[],
): void {
  for (const component of accepted) {
    const match = made.find(({ name }) => name === component.name);
    compareComponent("action component", { made: match, accepted: component }, out);
  }
  extraNames("action component", [accepted, made], out);
  const order = (components: readonly ComponentSpec[]): string =>
    components.map(({ name }) => name).join(", ");
  const sameNames =
    made.length === accepted.length && out.every((d) => !d.where.startsWith("action"));
  if (sameNames && order(made) !== order(accepted)) {
    out.push({ where: "action component order", made: order(made), accepted: order(accepted) });
  }
}

function compareComponent(
  what: string,
  sides: { made: ComponentSpec | undefined; accepted: ComponentSpec },
  out: SpecDifference[],
): void {
  const { made, accepted } = sides;
  const where = `${what} "${accepted.name}"`;
  if (made === undefined) {
    out.push({ where, made: "absent", accepted: componentWords(accepted) });
    return;
  }
  for (const [field, a, b] of componentFields(made, accepted)) {
    if (a !== b) out.push({ where: `${field} of ${where}`, made: a, accepted: b });
  }
}

/** The fields that must agree, as words. `description` is for people and may differ. */
function componentFields(a: ComponentSpec, b: ComponentSpec): [string, string, string][] {
  const list = (values: readonly number[] | undefined): string =>
    values === undefined ? "unstated" : `[${values.join(", ")}]`;
  return [
    ["format", a.format, b.format],
    ["dtype", a.dtype, b.dtype],
    ["shape", list(a.shape), list(b.shape)],
    ["unit", a.unit ?? "unstated", b.unit ?? "unstated"],
    ["frame", a.frame ?? "unstated", b.frame ?? "unstated"],
    ["lower bound", list(a.low), list(b.low)],
    ["upper bound", list(a.high), list(b.high)],
    ["categories", list(a.categories), list(b.categories)],
    ["charset", a.charset ?? "unstated", b.charset ?? "unstated"],
  ];
}

function componentWords(component: ComponentSpec): string {
  const unit = component.unit === undefined ? "" : ` in ${component.unit}`;
  return `${component.format} ${component.dtype}[${component.shape.join(", ")}]${unit}`;
}
