/**
 * LIBERO's dialect of BDDL, the problem text of a task: what is there, where it starts, when it is
 * done. Parser and printer; what the predicates mean is the business of `predicates.ts`.
 *
 *     (define (problem LIBERO_Tabletop_Manipulation)
 *       (:domain robosuite)
 *       (:language put the bowl on the plate)
 *       (:regions
 *         (plate_region
 *           (:target main_table)
 *           (:ranges ((0.04 -0.03 0.06 -0.01)))
 *           (:yaw_rotation ((0.0 0.0)))))
 *       (:fixtures main_table - table)
 *       (:objects plate_1 - plate  akita_black_bowl_1 - akita_black_bowl)
 *       (:obj_of_interest akita_black_bowl_1 plate_1)
 *       (:init (On plate_1 main_table_plate_region))
 *       (:goal (And (On akita_black_bowl_1 plate_1))))
 *
 * Keywords and predicate names may be in any case; `;` starts a comment. Goals are conjunctions: BDDL's
 * `or`, `not` and quantifiers appear in no LIBERO problem and are refused.
 */
import { readExpression, refuse, type BddlNode, type BddlWord } from "./bddl-reader.ts";

/** Predicate (lower case) and the names it is about: `["on", "akita_black_bowl_1", "plate_1"]`. */
export type BddlAtom = readonly [predicate: string, ...names: string[]];

/** A named place on or in a target; other sections call it `<target>_<name>`. */
export interface BddlRegion {
  readonly name: string;
  readonly target: string;
  /** Rectangles on the target, m: [xMin, yMin, xMax, yMax]; a start is drawn from one of them. */
  readonly ranges: readonly (readonly [number, number, number, number])[];
  /** Intervals of the angle about z, rad; empty = not turned. */
  readonly yawRotation: readonly (readonly [number, number])[];
}

export interface BddlTyped {
  readonly name: string;
  readonly type: string;
}

export interface BddlProblem {
  readonly name: string;
  readonly domain: string;
  readonly language: string;
  readonly regions: readonly BddlRegion[];
  readonly fixtures: readonly BddlTyped[];
  readonly objects: readonly BddlTyped[];
  readonly objectsOfInterest: readonly string[];
  readonly init: readonly BddlAtom[];
  /** All must hold. Empty = nothing to do, always true. */
  readonly goal: readonly BddlAtom[];
}

/** The name by which goals and initial states speak of a region. */
export function regionFullName(region: BddlRegion): string {
  return `${region.target}_${region.name}`;
}

const SECTIONS = [
  ":domain",
  ":language",
  ":regions",
  ":fixtures",
  ":objects",
  ":obj_of_interest",
  ":init",
  ":goal",
] as const;
type Section = (typeof SECTIONS)[number];

/**
 * Parses a problem. Sections may come in any order and, but for `:goal`, be absent.
 * @param options.predicates lower-case names that goals may use; default any
 * @throws {SyntaxError} with line and column if the text is no problem of this dialect
 * @throws {RangeError} if it is longer than 256 KiB or nested deeper than 16
 */
export function parseBddl(
  text: string,
  options: { readonly predicates?: readonly string[] } = {},
): BddlProblem {
  const root = readExpression(text);
  const [define, head, ...rest] = listOf(root, "a problem");
  if (define === undefined || keyword(define) !== "define") {
    throw refuse(root, "the text begins with something else, must be (define (problem ...) ...)");
  }
  const name = problemName(head, root);
  const sections = readSections(rest);
  const items = (section: Section): readonly BddlNode[] => sections.get(section)?.slice(1) ?? [];
  if (!sections.has(":goal")) throw refuse(root, "there is no (:goal ...), must be one");
  const problem: BddlProblem = {
    name,
    domain: items(":domain").map(word).join(" "),
    language: items(":language").map(word).join(" "),
    regions: items(":regions").map(readRegion),
    fixtures: readTypedList(items(":fixtures")),
    objects: readTypedList(items(":objects")),
    objectsOfInterest: items(":obj_of_interest").map(word),
    init: items(":init").map(readAtom),
    goal: readGoal(items(":goal"), root, options.predicates),
  };
  assertUnique(problem, root);
  return problem;
}

function problemName(head: BddlNode | undefined, root: BddlNode): string {
  const [first, name, ...extra] = head === undefined ? [] : listOf(head, "(problem NAME)");
  if (
    first === undefined ||
    keyword(first) !== "problem" ||
    name === undefined ||
    extra.length > 0
  ) {
    throw refuse(head ?? root, "the problem has no name, must begin with (define (problem NAME)");
  }
  return word(name);
}

function readSections(nodes: readonly BddlNode[]): ReadonlyMap<Section, readonly BddlNode[]> {
  const sections = new Map<Section, readonly BddlNode[]>();
  for (const node of nodes) {
    const items = listOf(node, "a section");
    const key = items[0] === undefined ? "" : keyword(items[0]);
    const section = SECTIONS.find((known) => known === key);
    if (section === undefined) {
      throw refuse(node, `the section is "${key}", must be one of ${SECTIONS.join(" ")}`);
    }
    if (sections.has(section)) throw refuse(node, `there is a second ${section}, must be only one`);
    sections.set(section, items);
  }
  return sections;
}

function readRegion(node: BddlNode): BddlRegion {
  const [head, ...properties] = listOf(node, "a region");
  if (head === undefined) throw refuse(node, "the region is empty, must begin with its name");
  let target: string | undefined;
  let ranges: BddlRegion["ranges"] = [];
  let yawRotation: BddlRegion["yawRotation"] = [];
  for (const property of properties) {
    const [key, ...values] = listOf(property, "a property of the region");
    switch (key === undefined ? "" : keyword(key)) {
      case ":target":
        if (values.length !== 1) {
          throw refuse(property, `there are ${values.length} targets, must be one`);
        }
        target = word(values[0]!);
        break;
      case ":ranges":
        ranges = tuples(property, values, 4) as unknown as BddlRegion["ranges"];
        break;
      case ":yaw_rotation":
        yawRotation = tuples(property, values, 2) as unknown as BddlRegion["yawRotation"];
        break;
      default:
        throw refuse(
          property,
          "a property of the region is unknown, must be :target, :ranges or :yaw_rotation",
        );
    }
  }
  if (target === undefined) throw refuse(node, "the region has no :target, must have one");
  return { name: word(head), target, ranges, yawRotation };
}

/** `((a b c d) (e f g h))`: one list of tuples of `size` numbers. */
function tuples(node: BddlNode, values: readonly BddlNode[], size: number): number[][] {
  if (values.length !== 1) throw refuse(node, "the value must be one list of lists of numbers");
  return listOf(values[0]!, "a list of lists of numbers").map((tuple) => {
    const numbers = listOf(tuple, `a list of ${size} numbers`).map(number);
    if (numbers.length !== size) {
      throw refuse(tuple, `the list has ${numbers.length} numbers, must have ${size}`);
    }
    return numbers;
  });
}

/** `a b - type1 c - type2`: names up to a dash are of the type behind it. */
function readTypedList(nodes: readonly BddlNode[]): readonly BddlTyped[] {
  const typed: BddlTyped[] = [];
  let pending: string[] = [];
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    if (word(node) !== "-") {
      pending.push(word(node));
      continue;
    }
    const type = nodes[++i];
    if (type === undefined || pending.length === 0) {
      throw refuse(node, "a dash stands alone, must be between names and their type");
    }
    typed.push(...pending.map((name) => ({ name, type: word(type) })));
    pending = [];
  }
  if (pending.length > 0) {
    throw refuse(nodes.at(-1)!, `"${pending[0]}" has no type, must be followed by - TYPE`);
  }
  return typed;
}

function readGoal(
  nodes: readonly BddlNode[],
  root: BddlNode,
  predicates: readonly string[] | undefined,
): readonly BddlAtom[] {
  if (nodes.length !== 1) {
    throw refuse(nodes[1] ?? root, `the goal has ${nodes.length} parts, must be one (And ...)`);
  }
  const goal = nodes[0]!;
  const [head, ...atoms] = listOf(goal, "a goal");
  const isConjunction = head !== undefined && keyword(head) === "and";
  return (isConjunction ? atoms : [goal]).map((node) => {
    const atom = readAtom(node);
    if (predicates === undefined || predicates.includes(atom[0])) return atom;
    throw refuse(
      node,
      `the predicate "${atom[0]}" is unknown, must be one of ${predicates.join(" ")}`,
    );
  });
}

function readAtom(node: BddlNode): BddlAtom {
  const [head, ...names] = listOf(node, "a predicate with names");
  if (head === undefined) throw refuse(node, "the predicate is empty, must be (NAME ...)");
  const predicate = keyword(head);
  if (["and", "or", "not", "imply", "forall", "exists", "when"].includes(predicate)) {
    throw refuse(node, `"${predicate}" is nested, only a conjunction of plain predicates is known`);
  }
  return [predicate, ...names.map(word)];
}

function assertUnique(problem: BddlProblem, root: BddlNode): void {
  const { fixtures, objects, regions } = problem;
  const seen = new Set<string>();
  const names = [...fixtures, ...objects].map(({ name }) => name);
  for (const name of [...names, ...regions.map(regionFullName)]) {
    if (seen.has(name)) throw refuse(root, `"${name}" is declared twice, must be only once`);
    seen.add(name);
  }
}

function listOf(node: BddlNode, expected: string): readonly BddlNode[] {
  if (node.kind === "list") return node.items;
  throw refuse(node, `"${node.text}" stands where ${expected} in parentheses must be`);
}

function wordOf(node: BddlNode): BddlWord {
  if (node.kind === "word") return node;
  throw refuse(node, "a list stands where a single word must be");
}

function word(node: BddlNode): string {
  return wordOf(node).text;
}

function keyword(node: BddlNode): string {
  return word(node).toLowerCase();
}

function number(node: BddlNode): number {
  const { text } = wordOf(node);
  // Adding 0 makes 0 of -0, which text does not tell apart.
  const value = Number(text) + 0;
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) || !Number.isFinite(value)) {
    throw refuse(node, `"${text}" stands where a finite number must be`);
  }
  return value;
}

/**
 * Prints a problem so that parsing gives it back.
 * @throws {RangeError} if a name or the language could not be read back (empty, spaces, parentheses)
 */
export function printBddl(problem: BddlProblem): string {
  const typed = (list: readonly BddlTyped[]): string =>
    list.map(({ name, type }) => `    ${safe(name)} - ${safe(type)}\n`).join("");
  const atom = (parts: BddlAtom): string => `(${parts.map(safe).join(" ")})`;
  const atoms = (list: readonly BddlAtom[]): string =>
    list.map((parts) => `    ${atom(parts)}\n`).join("");
  const words = (text: string): string =>
    text === "" ? "" : ` ${text.split(" ").map(safe).join(" ")}`;
  return `(define (problem ${safe(problem.name)})
  (:domain${words(problem.domain)})
  (:language${words(problem.language)})
  (:regions
${problem.regions.map(printRegion).join("")}  )
  (:fixtures
${typed(problem.fixtures)}  )
  (:objects
${typed(problem.objects)}  )
  (:obj_of_interest${problem.objectsOfInterest.map((name) => ` ${safe(name)}`).join("")})
  (:init
${atoms(problem.init)}  )
  (:goal (And${problem.goal.map((parts) => ` ${atom(parts)}`).join("")}))
)
`;
}

function printRegion({ name, target, ranges, yawRotation }: BddlRegion): string {
  const lists = (key: string, values: readonly (readonly number[])[]): string =>
    values.length === 0
      ? ""
      : ` (:${key} (${values.map((tuple) => `(${tuple.join(" ")})`).join(" ")}))`;
  return `    (${safe(name)} (:target ${safe(target)})${lists("ranges", ranges)}${lists("yaw_rotation", yawRotation)})\n`;
}

function safe(text: string): string {
  if (!/^[^\s();]+$/.test(text) || text === "-") {
    throw new RangeError(
      `Cannot print BDDL: "${text}" could not be read back, words must not be empty, a dash, or have spaces, parentheses or semicolons`,
    );
  }
  return text;
}
