/**
 * New initial states like the official ones, for demonstrations and for measurements during training: what is
 * learned from them and measured on the official fifty was never shown a state that it is measured on.
 *
 * LIBERO draws an object from a region of its problem, shrunk by the object's size; its fifty states of a task
 * show what is left. Here each object that stands on the arena is drawn uniformly from the smallest box that
 * holds it in all fifty, apart from the others; what stands on or in another thing, or belongs to one that moves,
 * goes with it: the group is a random mixture of two official states. The arm's joints get the noise that
 * robosuite gives them at reset: normal, 0.02 rad.
 */
import type { Rng } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { parseBddl, regionFullName } from "../manipulation/bddl.ts";
import type { InitialState } from "../manipulation/world.ts";
import type { LiberoMeta } from "./data.ts";
import type { InitStates } from "./init-states.ts";

/** Standard deviation of the arm's joints at reset, rad: robosuite's default. */
const ARM_NOISE_RAD = 0.02;
const MAX_DRAWS = 1000;

/** What of a task the draw needs. */
export interface DrawnFrom {
  /** `SUITE/NAME`; part of the seed. */
  readonly task: string;
  readonly xml: string;
  readonly bddl: string;
  readonly meta: LiberoMeta;
  readonly states: InitStates;
}

/** Draws the state of a seed. The same seed gives the same bits everywhere. */
export type StateDraw = (seed: number) => InitialState;

/** Things that are drawn together. */
interface Group {
  /** Free joints of its objects: where their seven numbers begin in a row. */
  readonly objects: readonly number[];
  /** Where the numbers of its moving parts are in a row. */
  readonly joints: readonly number[];
}

interface PlacedGroup extends Group {
  /** Of x, y and z in the official states, for an object that is drawn by itself. */
  readonly spans: readonly (readonly [number, number])[] | undefined;
}

/**
 * @throws {SyntaxError} if the scene has other joints than the states have numbers
 * @throws {RangeError} when drawing, if a thousand draws do not keep the objects apart
 */
export function drawnStates(from: DrawnFrom): StateDraw {
  const { task, meta, states } = from;
  const columns = jointColumns(from);
  const rows = Array.from({ length: states.count }, (_, index) => states.row(index));
  const groups = groupsOf(from, columns).map((group) => ({
    ...group,
    spans: spansOf(group, rows),
  }));
  const apart = leastDistances(groups, rows);
  const arm = meta.arm.initial_joint;
  return (seed) => {
    const rng = seeded(`libero ${task} ${seed}`);
    const row = Float64Array.from(rows[rng.int(rows.length)]!);
    arm.forEach((angle, joint) => {
      row[1 + joint] = angle + ARM_NOISE_RAD * rng.normal();
    });
    for (let draw = 0; draw < MAX_DRAWS; draw++) {
      for (const group of groups) place(row, group, { rng, rows });
      if (apart.every((pair) => distance(row, pair.a, pair.b) >= pair.least)) {
        return { qpos: row.slice(1, 1 + meta.nq), qvel: row.slice(1 + meta.nq) };
      }
    }
    throw new RangeError(
      `Cannot start "${task}" from seed ${seed}: ${MAX_DRAWS} draws left objects nearer to each other than any official state has them`,
    );
  };
}

/** Where each joint's numbers begin in a row `[time, qpos, qvel]`; joints are numbered in the order of the MJCF. */
function jointColumns({ task, xml, meta }: DrawnFrom): ReadonlyMap<string, number> {
  const columns = new Map<string, number>();
  let column = 1;
  for (const [text, tag, attributes = ""] of xml.matchAll(/<(joint|freejoint)\b([^>]*)>/g)) {
    const name = / name="([^"]+)"/.exec(` ${attributes}`)?.[1] ?? text;
    columns.set(name, column);
    column += tag === "freejoint" || attributes.includes('type="free"') ? 7 : 1;
  }
  if (column === 1 + meta.nq) return columns;
  throw new SyntaxError(
    `Cannot draw states of "${task}": its scene has ${column - 1} joint coordinates, must have ${meta.nq}`,
  );
}

/** Everything that stands on or in something that is no part of the arena goes with it. */
function groupsOf(
  { bddl, meta }: DrawnFrom,
  columns: ReadonlyMap<string, number>,
): readonly Group[] {
  const { init, regions } = parseBddl(bddl);
  const things = { ...meta.fixtures, ...meta.objects };
  const owner = new Map(
    regions.map((region) => [
      regionFullName(region),
      region.ranges.length > 0 ? undefined : region.target,
    ]),
  );
  const leader = new Map(Object.keys(things).map((name) => [name, name]));
  for (const [, thing = "", place = ""] of init) {
    const support = owner.has(place) ? owner.get(place) : place;
    const [mine, theirs] = [leader.get(thing), leader.get(support ?? "")];
    if (mine === undefined || theirs === undefined) continue;
    for (const [name, known] of leader) if (known === mine) leader.set(name, theirs);
  }
  return [...new Set(leader.values())].map((first) => {
    const members = Object.keys(things).filter((name) => leader.get(name) === first);
    const of = (from: LiberoMeta["objects"]): readonly number[] =>
      members
        .flatMap((name) => from[name]?.joints ?? [])
        .flatMap((joint) => columns.get(joint) ?? []);
    return { objects: of(meta.objects), joints: of(meta.fixtures) };
  });
}

function place(
  row: Float64Array,
  { objects, joints, spans }: PlacedGroup,
  { rng, rows }: { readonly rng: Rng; readonly rows: readonly Float64Array[] },
): void {
  const a = rows[rng.int(rows.length)]!;
  const b = rows[rng.int(rows.length)]!;
  const share = rng.uniform();
  for (const column of joints) row[column] = mix(a[column]!, b[column]!, share);
  for (const at of objects) {
    for (let axis = 0; axis < 3; axis++) {
      const [low, high] = spans?.[axis] ?? [a[at + axis]!, b[at + axis]!];
      row[at + axis] = mix(low, high, spans === undefined ? share : rng.uniform());
    }
    row.set(a.subarray(at + 3, at + 7), at + 3);
  }
}

function mix(from: number, to: number, share: number): number {
  return from + share * (to - from);
}

function spansOf({ objects, joints }: Group, rows: readonly Float64Array[]): PlacedGroup["spans"] {
  const [at] = objects;
  if (at === undefined || objects.length > 1 || joints.length > 0) return undefined;
  return [0, 1, 2].map((axis) => {
    const values = rows.map((row) => row[at + axis]!);
    return [Math.min(...values), Math.max(...values)] as const;
  });
}

interface Pair {
  readonly a: number;
  readonly b: number;
  /** Horizontal, m. */
  readonly least: number;
}

/** How near objects of different groups come to each other in the official states. */
function leastDistances(groups: readonly Group[], rows: readonly Float64Array[]): readonly Pair[] {
  return groups.flatMap((group, i) =>
    groups.slice(i + 1).flatMap((other) =>
      group.objects.flatMap((a) =>
        other.objects.map((b) => ({
          a,
          b,
          least: Math.min(...rows.map((row) => distance(row, a, b))),
        })),
      ),
    ),
  );
}

function distance(row: Float64Array, a: number, b: number): number {
  return Math.hypot(row[a]! - row[b]!, row[a + 1]! - row[b + 1]!);
}
