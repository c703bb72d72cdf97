/** Which parameters are treated alike: learning rate multipliers and weight decay by name and rank. */

export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
}

export type ParameterPredicate = (parameter: ParameterInfo) => boolean;

/** What differs for the parameters that match; the first rule that matches a parameter wins. */
export interface GroupRule {
  /**
   * A glob over the whole name (`*` and `?` stop at `/`, `**` does not), a regular expression that must be
   * found in it, or a predicate.
   */
  readonly match: string | RegExp | ParameterPredicate;
  /** Multiplies the learning rate; default 1, and 0 freezes. */
  readonly rateScale?: number;
  /** Instead of the optimiser's; `mask` still applies. */
  readonly weightDecay?: number;
}

/**
 * Which parameters decay. `matrices`: those of rank 2 and more, because pulling biases and the scales of
 * normalisations to zero changes what a layer means and does not regularise it.
 */
export type DecayMask = "matrices" | "all" | ParameterPredicate;

export interface GroupOptions {
  /** Per step, times the learning rate; decoupled from the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Default `matrices`. */
  readonly mask?: DecayMask;
  readonly groups?: readonly GroupRule[];
}

/** Parameters with one learning rate and one decay. */
export interface ParameterGroup {
  readonly rateScale: number;
  readonly weightDecay: number;
  readonly parameters: readonly ParameterInfo[];
}

/**
 * Deals parameters into groups, in the order in which groups and parameters first appear.
 * @throws {RangeError} if a rule matches nothing, which is a misspelt name, or a number is negative
 */
export function groupParameters(
  parameters: readonly ParameterInfo[],
  options: GroupOptions,
): ParameterGroup[] {
  const { weightDecay = 0, mask = "matrices", groups = [] } = options;
  for (const rule of groups) assertMatches(rule, parameters);
  const byKey = new Map<string, ParameterGroup & { parameters: ParameterInfo[] }>();
  for (const parameter of parameters) {
    const rule = groups.find(({ match }) => matches(match, parameter));
    const rateScale = notNegative("rateScale", rule?.rateScale ?? 1);
    const wanted = notNegative("weightDecay", rule?.weightDecay ?? weightDecay);
    const decay = decays(mask, parameter) ? wanted : 0;
    const key = `${rateScale} ${decay}`;
    const group = byKey.get(key) ?? { rateScale, weightDecay: decay, parameters: [] };
    group.parameters.push(parameter);
    byKey.set(key, group);
  }
  return [...byKey.values()];
}

/** Whether a parameter answers to the `match` of a rule. */
export function matches(match: GroupRule["match"], parameter: ParameterInfo): boolean {
  if (typeof match === "function") return match(parameter);
  // `search` takes no notice of the position that a global expression remembers.
  const pattern = typeof match === "string" ? fromGlob(match) : match;
  return parameter.name.search(pattern) >= 0;
}

function decays(mask: DecayMask, parameter: ParameterInfo): boolean {
  if (mask === "all") return true;
  if (mask === "matrices") return parameter.shape.length > 1;
  return mask(parameter);
}

function fromGlob(glob: string): RegExp {
  const parts = glob.split(/(\*\*|\*|\?)/).map((part) => {
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`, "s");
}

function assertMatches({ match }: GroupRule, parameters: readonly ParameterInfo[]): void {
  if (parameters.some((parameter) => matches(match, parameter))) return;
  const words = typeof match === "string" ? `"${match}"` : String(match);
  throw new RangeError(
    `Cannot group parameters: ${words} matches none of ${parameters.length}, must match at least one`,
  );
}

function notNegative(what: string, value: number): number {
  if (value >= 0 && Number.isFinite(value)) return value;
  throw new RangeError(
    `Cannot group parameters: ${what} is ${value}, must be a finite number >= 0`,
  );
}
