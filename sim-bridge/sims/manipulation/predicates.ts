/**
 * What goals mean: LIBERO's predicates, number for number, and a few of our own.
 *
 * | atom | holds when | whose |
 * | --- | --- | --- |
 * | `(In a region)` | root of a strictly inside the region's box `site +- abs(R size)` (world axes), 0.01 m lower allowed | LIBERO |
 * | `(On a region)` | with d = R (a - site): `size_z - 0.005 < d_z < size_z + 0.10`, `abs(d_xy) < size_xy`, and a touches the region's parent (if it has one) | LIBERO |
 * | `(On a b)` | b's root is not above a's, less than 0.03 m aside, and both touch | LIBERO |
 * | `(InContact a b)`, `(Up a)`, `(True)`, `(False)` | touching; root at least 1.0 m above the floor; always; never | LIBERO |
 * | `(Open x)` `(Close x)` `(TurnOn x)` `(TurnOff x)` | joint values against the ranges: see `jointTest` | LIBERO |
 * | `(Lifted a)` | root at least 0.08 m above where it was at reset | ours |
 * | `(LeftOf a b)` and `RightOf`, `FrontOf`, `Behind` | beside b, on that side as the robot sees it: see `besideTest` | ours |
 * | `(At a region)` | root inside the region horizontally (its own axes), within 0.1 m vertically | ours |
 * | `(Pressed x)` | some joint within its `pressed` range | ours |
 * | `(Released a)` | no finger touches a | ours |
 * | `(Threaded hole seat)` | centre of region hole inside region seat, in the seat's own axes | ours |
 *
 * LIBERO multiplies by R where R transposed would take the difference into the site's axes; kept.
 * Everything is read as the physics leaves it after a step, when poses and contacts lag by one substep.
 */
import type { BddlAtom } from "./bddl.ts";
import type { Physics } from "./mujoco.ts";
import type { BoxedScene, BoxedThing } from "./thing-boxes.ts";
import type { ArticulationRanges } from "./world.ts";

/** How far above its start a lifted thing is, m. */
export const LIFTED_M = 0.08;
/** Farthest that "beside" reaches, m, and how oblique it may be. */
const BESIDE_REACH_M = 0.25;
const BESIDE_SLANT = 0.7;
const AT_HEIGHT_M = 0.1;

/** A compiled goal. It remembers heights at reset, for `Lifted`. */
export interface Goal {
  /** Lower-case predicates with their names, as given. */
  readonly atoms: readonly BddlAtom[];
  /** To be called when an episode starts, after `forward`. */
  start(): void;
  /** Whether every atom holds now. */
  holds(): boolean;
  /** One truth value per atom. */
  evaluate(): readonly boolean[];
  /** What `start` noted: float64[atoms]; for snapshots. */
  saveStart(): Float64Array;
  restoreStart(start: Float64Array): void;
}

type Test = () => boolean;

interface Context {
  readonly physics: Physics;
  readonly scene: BoxedScene;
  /** The atom's entry of what was noted at reset. */
  readonly startHeight: () => number;
}

/**
 * Resolves a goal's names in a compiled scene.
 * @throws {RangeError} for an unknown predicate or name, naming the atom
 * @throws {TypeError} if an atom has the wrong number of names
 */
export function compileGoal(atoms: readonly BddlAtom[], scene: BoxedScene, physics: Physics): Goal {
  const start = new Float64Array(atoms.length);
  const tests = atoms.map((atom, index) => {
    return compileAtom(atom, { physics, scene, startHeight: () => start[index]! });
  });
  // Only `Lifted` looks at it, but every atom about a thing has a height.
  const roots = atoms.map(([, first]) => {
    const thing = first === undefined ? undefined : scene.things[first];
    return thing === undefined ? -1 : physics.id("body", thing.rootBody);
  });
  return {
    atoms,
    start() {
      const { xpos } = physics.views;
      roots.forEach((body, index) => (start[index] = body < 0 ? 0 : xpos[3 * body + 2]!));
    },
    holds: () => tests.every((test) => test()),
    evaluate: () => tests.map((test) => test()),
    saveStart: () => start.slice(),
    restoreStart: (saved) => start.set(saved),
  };
}

type Compile = (names: readonly string[], context: Context) => Test;

const predicates: Readonly<Record<string, readonly [arity: number, compile: Compile]>> = {
  true: [0, () => () => true],
  false: [0, () => () => false],
  in: [2, ([a, region], context) => inTest(a!, region!, context)],
  on: [
    2,
    ([a, b], context) =>
      Object.hasOwn(context.scene.regions, b!)
        ? onRegionTest(a!, b!, context)
        : onThingTest(a!, b!, context),
  ],
  incontact: [2, ([a, b], context) => touchTest(thing(a!, context), thing(b!, context), context)],
  up: [1, ([a], context) => heightTest(a!, context, () => 1)],
  open: [1, ([name], context) => jointTest(name!, "open", context)],
  close: [1, ([name], context) => jointTest(name!, "close", context)],
  turnon: [1, ([name], context) => jointTest(name!, "turnOn", context)],
  turnoff: [1, ([name], context) => jointTest(name!, "turnOff", context)],
  lifted: [1, ([a], context) => heightTest(a!, context, () => context.startHeight() + LIFTED_M)],
  leftof: [2, ([a, b], context) => besideTest([a!, b!], [1, 1], context)],
  rightof: [2, ([a, b], context) => besideTest([a!, b!], [1, -1], context)],
  frontof: [2, ([a, b], context) => besideTest([a!, b!], [0, -1], context)],
  behind: [2, ([a, b], context) => besideTest([a!, b!], [0, 1], context)],
  at: [2, ([a, region], context) => atTest(a!, region!, context)],
  pressed: [1, ([name], context) => jointTest(name!, "pressed", context)],
  threaded: [2, ([hole, seat], context) => threadedTest(hole!, seat!, context)],
  released: [1, ([a], context) => releasedTest(a!, context)],
};

/** Names of all predicates, lower-case. */
export const PREDICATES: readonly string[] = Object.keys(predicates);

function compileAtom(atom: BddlAtom, context: Context): Test {
  const [predicate, ...names] = atom;
  const words = `(${atom.join(" ")})`;
  if (!Object.hasOwn(predicates, predicate)) {
    throw new RangeError(
      `Cannot use goal ${words}: the predicate is unknown, must be one of ${PREDICATES.join(" ")}`,
    );
  }
  const [arity, compile] = predicates[predicate]!;
  if (names.length !== arity) {
    throw new TypeError(
      `Cannot use goal ${words}: there are ${names.length} names, ${predicate} must have ${arity}`,
    );
  }
  try {
    return compile(names, context);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot use goal ${words}: ${error.message}`, { cause: error });
  }
}

function thing(name: string, { scene }: Context): BoxedThing {
  if (Object.hasOwn(scene.things, name)) return scene.things[name]!;
  throw new RangeError(`"${name}" is no object or fixture of the scene`);
}

function rootOf(name: string, context: Context): number {
  return 3 * context.physics.id("body", thing(name, context).rootBody);
}

function siteOf(
  name: string,
  { scene, physics }: Context,
): { readonly site: number; readonly size: readonly [number, number, number] } {
  if (!Object.hasOwn(scene.regions, name)) {
    throw new RangeError(`"${name}" is no region of the scene`);
  }
  return { site: physics.id("site", name), size: scene.regions[name]!.size };
}

function touchTest(a: BoxedThing, b: BoxedThing, { physics }: Context): Test {
  const maskA = physics.geomMask(a.contactGeoms);
  const maskB = physics.geomMask(b.contactGeoms);
  return () => physics.isTouching(maskA, maskB);
}

function inTest(name: string, region: string, context: Context): Test {
  const { physics } = context;
  const root = rootOf(name, context);
  const { site, size } = siteOf(region, context);
  return () => {
    const { xpos, siteXpos, siteXmat } = physics.views;
    for (let axis = 0; axis < 3; axis++) {
      const row = 9 * site + 3 * axis;
      const half = Math.abs(
        siteXmat[row]! * size[0] + siteXmat[row + 1]! * size[1] + siteXmat[row + 2]! * size[2],
      );
      const centre = siteXpos[3 * site + axis]!;
      const low = centre - half - (axis === 2 ? 0.01 : 0);
      const at = xpos[root + axis]!;
      if (!(at > low && at < centre + half)) return false;
    }
    return true;
  };
}

function onRegionTest(name: string, region: string, context: Context): Test {
  const { physics, scene } = context;
  const root = rootOf(name, context);
  const { site, size } = siteOf(region, context);
  const parentName = scene.regions[region]!.parent;
  const parent =
    parentName !== null && Object.hasOwn(scene.things, parentName)
      ? scene.things[parentName]!
      : undefined;
  const touches =
    parent === undefined ? () => true : touchTest(parent, thing(name, context), context);
  return () => {
    const { xpos, siteXpos, siteXmat } = physics.views;
    const x = xpos[root]! - siteXpos[3 * site]!;
    const y = xpos[root + 1]! - siteXpos[3 * site + 1]!;
    const z = xpos[root + 2]! - siteXpos[3 * site + 2]!;
    const turned = (axis: 0 | 1 | 2): number => {
      const row = 9 * site + 3 * axis;
      return siteXmat[row]! * x + siteXmat[row + 1]! * y + siteXmat[row + 2]! * z;
    };
    const height = turned(2);
    return (
      size[2] - 0.005 < height &&
      height < size[2] + 0.1 &&
      Math.abs(turned(0)) < size[0] &&
      Math.abs(turned(1)) < size[1] &&
      touches()
    );
  };
}

function onThingTest(name: string, below: string, context: Context): Test {
  const { physics } = context;
  const a = rootOf(name, context);
  const b = rootOf(below, context);
  const touches = touchTest(thing(below, context), thing(name, context), context);
  return () => {
    const { xpos } = physics.views;
    const aside = Math.hypot(xpos[b]! - xpos[a]!, xpos[b + 1]! - xpos[a + 1]!);
    return xpos[b + 2]! <= xpos[a + 2]! && aside < 0.03 && touches();
  };
}

function heightTest(name: string, context: Context, threshold: () => number): Test {
  const { physics } = context;
  const root = rootOf(name, context);
  return () => physics.views.xpos[root + 2]! >= threshold();
}

/**
 * Joints of a fixture, or of a region of one, against the fixture's ranges. LIBERO opens "if any",
 * closes "if all"; which bound counts depends on the direction the thing opens in:
 *
 *     open     any q < max(open) if the open range reaches below 0, else any q > min(open)
 *     close    all q > min(close) if the open range reaches below 0, else all q < max(close)
 *     turnOn   any q >= min(turnOn)
 *     turnOff  all q < max(turnOff)
 *     pressed  any q within [min, max](pressed)
 */
function jointTest(name: string, state: keyof ArticulationRanges, context: Context): Test {
  const { physics, scene } = context;
  const region = Object.hasOwn(scene.regions, name) ? scene.regions[name]! : undefined;
  const owner = thing(region?.parent ?? name, context);
  const joints = (region ?? owner).joints.map((joint) => physics.joint(joint).qposAddress);
  const range = owner.ranges?.[state];
  if (joints.length === 0 || range === undefined) {
    throw new RangeError(`"${name}" has no joint with a range for ${state}`);
  }
  const [low, high] = range;
  const opensBelowZero = (owner.ranges?.open?.[0] ?? 0) < 0;
  const value = (address: number): number => physics.views.qpos[address]!;
  switch (state) {
    case "open":
      return opensBelowZero
        ? () => joints.some((joint) => value(joint) < high)
        : () => joints.some((joint) => value(joint) > low);
    case "close":
      return opensBelowZero
        ? () => joints.every((joint) => value(joint) > low)
        : () => joints.every((joint) => value(joint) < high);
    case "turnOn":
      return () => joints.some((joint) => value(joint) >= low);
    case "turnOff":
      return () => joints.every((joint) => value(joint) < high);
    case "pressed":
      return () => joints.some((joint) => value(joint) >= low && value(joint) <= high);
  }
}

/**
 * With d the distance from b to a along the direction and o across it, both horizontal, and r the
 * larger horizontal half extent of each: `ra + rb <= d <= 0.25 m` and `abs(o) <= 0.7 d`.
 */
function besideTest(
  [name, reference]: readonly [string, string],
  [axis, sign]: readonly [axis: 0 | 1, sign: 1 | -1],
  context: Context,
): Test {
  const { physics } = context;
  const a = rootOf(name, context);
  const b = rootOf(reference, context);
  const radius = ({ halfExtents }: BoxedThing): number => Math.max(halfExtents[0], halfExtents[1]);
  const nearest = radius(thing(name, context)) + radius(thing(reference, context));
  return () => {
    const { xpos } = physics.views;
    const along = sign * (xpos[a + axis]! - xpos[b + axis]!);
    const across = Math.abs(xpos[a + 1 - axis]! - xpos[b + 1 - axis]!);
    return along >= nearest && along <= BESIDE_REACH_M && across <= BESIDE_SLANT * along;
  };
}

function atTest(name: string, region: string, context: Context): Test {
  const { physics } = context;
  const root = rootOf(name, context);
  const { site, size } = siteOf(region, context);
  return () => {
    const { xpos, siteXpos, siteXmat } = physics.views;
    const x = xpos[root]! - siteXpos[3 * site]!;
    const y = xpos[root + 1]! - siteXpos[3 * site + 1]!;
    const z = xpos[root + 2]! - siteXpos[3 * site + 2]!;
    // R transposed: into the site's axes.
    const along = (axis: 0 | 1): number => {
      const column = 9 * site + axis;
      return siteXmat[column]! * x + siteXmat[column + 3]! * y + siteXmat[column + 6]! * z;
    };
    return (
      Math.abs(along(0)) <= size[0] && Math.abs(along(1)) <= size[1] && Math.abs(z) <= AT_HEIGHT_M
    );
  };
}

/**
 * Where the walls around a hole are wider than the seat, its centre cannot be there unless what the seat lies around
 * goes through the hole.
 */
function threadedTest(hole: string, seat: string, context: Context): Test {
  const { physics } = context;
  const through = siteOf(hole, context).site;
  const { site, size } = siteOf(seat, context);
  return () => {
    const { siteXpos, siteXmat } = physics.views;
    return size.every((half, axis) => {
      let along = 0;
      for (let i = 0; i < 3; i++) {
        // R transposed: into the seat's axes.
        const apart = siteXpos[3 * through + i]! - siteXpos[3 * site + i]!;
        along += siteXmat[9 * site + 3 * i + axis]! * apart;
      }
      return Math.abs(along) <= half;
    });
  };
}

function releasedTest(name: string, context: Context): Test {
  const { physics, scene } = context;
  const mask = physics.geomMask(thing(name, context).contactGeoms);
  const fingers = physics.geomMask(scene.arm.fingerGeoms.flat());
  return () => !physics.isTouching(mask, fingers);
}
