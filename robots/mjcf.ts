/**
 * A few lines of MJCF as data: elements with attributes and children, written as text at the end.
 * Robots and the scenes they stand in are composed of these. Knows no MuJoCo and no schema.
 */

export type MjcfValue = string | number | boolean | readonly number[];

export interface MjcfElement {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, MjcfValue | undefined>>;
  readonly children: readonly MjcfElement[];
}

/** What one part (a robot, a thing) adds to a model, by the section it belongs to. */
export interface MjcfFragment {
  readonly defaults?: readonly MjcfElement[];
  readonly assets?: readonly MjcfElement[];
  readonly bodies?: readonly MjcfElement[];
  readonly actuators?: readonly MjcfElement[];
  readonly excludes?: readonly MjcfElement[];
}

/** An element; attributes that are `undefined` are left out. */
export function element(
  tag: string,
  attributes: MjcfElement["attributes"] = {},
  children: readonly MjcfElement[] = [],
): MjcfElement {
  return { tag, attributes, children };
}

/**
 * Text of an element and everything below it. Numbers are written with all their digits, so that
 * compiling the text gives exactly the numbers of the program.
 * @throws {RangeError} if a number is not finite
 */
export function toXml(root: MjcfElement, indent = ""): string {
  const attributes = Object.entries(root.attributes)
    .filter((entry): entry is [string, MjcfValue] => entry[1] !== undefined)
    .map(([name, value]) => ` ${name}="${attributeText(root.tag, name, value)}"`)
    .join("");
  if (root.children.length === 0) return `${indent}<${root.tag}${attributes}/>\n`;
  const inner = root.children.map((child) => toXml(child, `${indent}  `)).join("");
  return `${indent}<${root.tag}${attributes}>\n${inner}${indent}</${root.tag}>\n`;
}

function attributeText(tag: string, name: string, value: MjcfValue): string {
  if (typeof value === "string") return value.replace(/[&<"]/g, (c) => `&#${c.charCodeAt(0)};`);
  if (typeof value === "boolean") return value ? "true" : "false";
  const numbers = typeof value === "number" ? [value] : value;
  for (const number of numbers) {
    if (!Number.isFinite(number)) {
      throw new RangeError(`Cannot write MJCF: ${tag}.${name} is ${number}, must be finite`);
    }
  }
  return numbers.join(" ");
}
