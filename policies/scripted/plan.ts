import type { SceneEntity, Vec3 } from "../../src/core/index.ts";
import type { Skill, View } from "./motion.ts";
import { GRIP, clearHeight, topOf, wait, worldHalfExtents } from "./motion.ts";
import { roomiestSpot } from "./free-space.ts";
import { moveTo, pressDown, turn } from "./parts.ts";
import { drag, push } from "./push.ts";
import { movingPart } from "./scene.ts";
import { place, raise, take } from "./skills.ts";
import { thread } from "./thread.ts";

/** One predicate of a goal: `["on", "red_cube_1", "plate_1"]`; names as in the scene graph. */
export type Atom = readonly string[];

/** Lifted counts from 8 cm above the start; some more makes it stay true. */
const LIFT_M = 0.12;
const MAX_ATTEMPTS = 6;

/** Predicates the expert works on; `released` is what every placing ends with. */
const WORK: ReadonlySet<string> = new Set([
  "lifted",
  "on",
  "in",
  "at",
  "leftof",
  "rightof",
  "frontof",
  "behind",
  "open",
  "close",
  "pressed",
  "turnon",
  "turnoff",
  "threaded",
]);

/**
 * The atoms that call for work, in an order that works: as the goal lists them, except that what others
 * are put on is put in its place first, and nothing is shut before what goes into it is there. Predicates in
 * lower case.
 */
export function orderAtoms(goal: readonly Atom[]): Atom[] {
  const atoms = goal
    .map(([predicate = "", ...names]): Atom => [predicate.toLowerCase(), ...names])
    .filter(([predicate]) => predicate !== "released");
  const below = (atom: Atom): Atom | undefined =>
    atoms.find((other) => other !== atom && other[2] !== undefined && other[1] === atom[2]);
  const depth = (atom: Atom, limit = atoms.length): number => {
    const under = below(atom);
    return under === undefined || limit === 0 ? 0 : 1 + depth(under, limit - 1);
  };
  const shutsLater = ([predicate, name]: Atom): boolean =>
    predicate === "close" && atoms.some((other) => other[2] === name);
  return atoms
    .map((atom, index) => ({ atom, index, depth: shutsLater(atom) ? Infinity : depth(atom) }))
    .sort((a, b) => (a.depth === b.depth ? a.index - b.index : a.depth - b.depth))
    .map(({ atom }) => atom);
}

/** What one atom's attempt tells: the skill, and its words for the viewer. */
export interface Step {
  readonly words: string;
  readonly atom: Atom;
}

/** Works on a goal until every atom was achieved, trying each again when it fails. */
export function* pursue(
  view: View,
  goal: readonly Atom[],
  onStep: (step: Step) => void,
): Skill<boolean> {
  for (const atom of orderAtoms(goal)) {
    let done = false;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && !done; attempt++) {
      const again = attempt === 0 ? "" : `, attempt ${attempt + 1}`;
      onStep({ words: `${wordsOf(view, atom)}${again}`, atom });
      done = yield* achieve(view, atom, attempt);
    }
    if (!done) return false;
  }
  return true;
}

function wordsOf(view: View, [predicate = "", a = "", b = ""]: Atom): string {
  const name = (entity: string): string =>
    view.find(entity)?.category ?? entity.replaceAll("_", " ");
  const words: Readonly<Record<string, string>> = {
    lifted: `lift the ${name(a)}`,
    on: `put the ${name(a)} on the ${name(b)}`,
    in: `put the ${name(a)} into the ${name(b)}`,
    at: `push the ${name(a)} to the ${name(b)}`,
    leftof: `put the ${name(a)} left of the ${name(b)}`,
    rightof: `put the ${name(a)} right of the ${name(b)}`,
    frontof: `put the ${name(a)} in front of the ${name(b)}`,
    behind: `put the ${name(a)} behind the ${name(b)}`,
    open: `open the ${name(a)}`,
    close: `close the ${name(a)}`,
    pressed: `press the ${name(a)}`,
    turnon: `turn on the ${name(a)}`,
    turnoff: `turn off the ${name(a)}`,
    threaded: `put the ${name(view.find(a)?.parent ?? a)} over the ${name(view.find(b)?.parent ?? b)}`,
  };
  return words[predicate] ?? `${predicate} ${a} ${b}`.trim();
}

function* achieve(view: View, atom: Atom, attempt: number): Skill<boolean> {
  const [predicate = "", a = "", b = ""] = atom;
  switch (predicate) {
    case "lifted":
      return yield* lift(view, { name: a, attempt });
    case "on":
    case "in":
      return yield* putOnto(view, { name: a, target: b, attempt, inside: predicate === "in" });
    case "at":
      return yield* pushOnto(view, a, b);
    case "leftof":
    case "rightof":
    case "frontof":
    case "behind":
      return yield* putBeside(view, { name: a, reference: b, side: predicate, attempt });
    case "open":
    case "close":
      return yield* moveTo(view, { name: a, to: predicate === "open" ? "open" : "shut", attempt });
    case "pressed":
      return yield* pressDown(view, a);
    case "turnon":
    case "turnoff":
      return yield* turn(view, { name: a, to: predicate === "turnon" ? "open" : "shut", attempt });
    case "threaded":
      return yield* thread(view, { hole: a, seat: b });
    default:
      throw new RangeError(
        `Cannot act: the goal predicate is "${predicate}", must be one of ${[...WORK].join(", ")}`,
      );
  }
}

function* lift(view: View, options: { name: string; attempt: number }): Skill<boolean> {
  const before = view.entity(options.name).position[2];
  const taken = yield* take(view, { name: options.name, choice: options.attempt + view.way });
  if (!taken) return false;
  yield* raise(view, LIFT_M);
  yield* wait(view, { steps: 3, grip: GRIP.close });
  return view.entity(options.name).position[2] - before > 0.06;
}

function* putOnto(
  view: View,
  options: { name: string; target: string; attempt: number; inside: boolean },
): Skill<boolean> {
  const { name, target, attempt, inside } = options;
  const drawer = inside ? movingPart(view.scene, target) : undefined;
  if (drawer !== undefined && isShut(drawer)) {
    const opened = yield* moveTo(view, { name: target, to: "open", attempt });
    if (!opened) return false;
  }
  if (isFlatOnTable(view, name, target)) return yield* dragOnto(view, name, target);
  const findSpot = (): Vec3 | undefined =>
    inside ? spotInside(view, { name, target, drawer }) : undefined;
  const support = (): number => supportHeight(view.entity(target), inside);
  const [x, y] = findSpot() ?? view.entity(target).position;
  const to = { position: [x, y, support()] as const, target };
  const taken = yield* take(view, { name, choice: attempt, to });
  if (!taken) return false;
  // Again: taking may have moved what is in there.
  const spot = findSpot();
  const carryZ = Math.max(topOf(view.entity(target)), clearHeight(view, [name]));
  const placed = yield* place(view, {
    name,
    over: () => spot ?? view.entity(target).position,
    supportZ: support,
    carryZ: drawer === undefined ? carryZ : Math.max(carryZ, topOfSiblings(view, drawer)),
    dropM: inside ? 0.012 : 0.004,
    ...(drawer === undefined ? {} : { yawRad: acrossYawRad(drawer) }),
  });
  if (!placed) return false;
  yield* wait(view, { steps: 4, grip: GRIP.open });
  return isPlaced(view, options);
}

function isPlaced(
  view: View,
  { name, target, inside }: { name: string; target: string; inside: boolean },
): boolean {
  const [ox, oy, oz] = view.entity(name).position;
  const there = view.entity(target);
  const [hx, hy] = worldHalfExtents(there);
  const isObject = view.tellsShapes && there.kind === "object" && !inside;
  const [nearX, nearY] = isObject ? [CENTRED_M, CENTRED_M] : [hx + 0.01, hy + 0.01];
  const near = Math.abs(ox - there.position[0]) < nearX && Math.abs(oy - there.position[1]) < nearY;
  return near && oz > there.position[2] - worldHalfExtents(there)[2] - 0.02;
}

/** No finger gets below a thing that is so flat and so wide: it is pushed where it is to be, m. */
const FLAT = { height: 0.03, width: 0.1 } as const;

/** Whether a thing of told shape is a plate or the like and is to go to a zone of the table it stands on. */
function isFlatOnTable(view: View, name: string, target: string): boolean {
  const thing = view.entity(name);
  const zone = view.entity(target);
  const [hx, hy, hz] = worldHalfExtents(thing);
  const isFlat = 2 * hz < FLAT.height && 2 * Math.min(hx, hy) > FLAT.width;
  const isZone = zone.kind === "region" && zone.parent === undefined;
  return isFlat && isZone && view.cuboids(name).length > 0;
}

/** LIBERO's `on` wants the centres of two objects so near to each other, m. */
const CENTRED_M = 0.03;

/** Half sizes of the hand as seen from above, along the fingers' axis and across it, with some room, m. */
const HAND_M = { along: 0.12, across: 0.055 } as const;
const GRID = [0, -0.5, 0.5, -1, 1] as const;

/**
 * The place in a box-shaped region that is furthest from what is in it already, its centre if empty;
 * in a drawer, where the hand does not come down on the handles of the drawers above.
 */
function spotInside(
  view: View,
  at: { name: string; target: string; drawer: SceneEntity | undefined },
): Vec3 {
  const { name, target, drawer } = at;
  const region = view.entity(target);
  const [hx, hy] = worldHalfExtents(region);
  const [rx, ry] = worldHalfExtents(view.entity(name));
  const [roomX, roomY] = [Math.max(0, hx - rx - 0.015), Math.max(0, hy - ry - 0.015)];
  const [x, y] = region.position;
  const spots = GRID.flatMap((i) => GRID.map((j): Vec3 => [x + i * roomX, y + j * roomY, 0]));
  const open =
    drawer === undefined ? spots : spots.filter((spot) => isOpenAbove(view, spot, drawer));
  const fixtures = view.scene.entities.filter(({ kind }) => kind === "fixture");
  return roomiestSpot(view, {
    spots: open.length > 0 ? open : spots,
    ignore: [name, ...fixtures.map((fixture) => fixture.name)],
  });
}

function siblings(view: View, part: SceneEntity): SceneEntity[] {
  return view.scene.entities.filter(
    ({ name, kind, parent }) => kind === "fixture" && parent === part.parent && name !== part.name,
  );
}

function isOpenAbove(view: View, spot: Vec3, drawer: SceneEntity): boolean {
  const yaw = acrossYawRad(drawer);
  return siblings(view, drawer).every(({ grasp, position }) => {
    if (grasp === undefined || position[2] < drawer.position[2]) return true;
    const [dx, dy] = [grasp[0] - spot[0], grasp[1] - spot[1]];
    const along = Math.abs(dx * Math.cos(yaw) + dy * Math.sin(yaw));
    const across = Math.abs(dy * Math.cos(yaw) - dx * Math.sin(yaw));
    return along > HAND_M.along || across > HAND_M.across;
  });
}

function topOfSiblings(view: View, part: SceneEntity): number {
  return Math.max(topOf(part), ...siblings(view, part).map(topOf));
}

/** The horizontal direction across the way a part slides. */
function acrossYawRad({ joint }: SceneEntity): number {
  const [x, y] = joint?.axis ?? [1, 0, 0];
  return Math.atan2(y, x) + Math.PI / 2;
}

function isShut(part: SceneEntity): boolean {
  const { value = 0, low = 0, high = 0 } = part.joint ?? {};
  return Math.abs(value) < 0.5 * Math.max(Math.abs(low), Math.abs(high));
}

function* dragOnto(view: View, name: string, region: string): Skill<boolean> {
  const [hx, hy] = worldHalfExtents(view.entity(region));
  const tolerance = 0.6 * Math.min(hx, hy);
  return yield* drag(view, { name, to: () => view.entity(region).position, tolerance });
}

function* pushOnto(view: View, name: string, region: string): Skill<boolean> {
  const [hx, hy] = worldHalfExtents(view.entity(region));
  // Well inside, not dead centre: a thing that has arrived is not worth coming round for.
  const tolerance = 0.6 * Math.min(hx, hy);
  return yield* push(view, { name, to: () => view.entity(region).position, tolerance });
}

/** Regions are boxes: things go to the floor of one they are put into, and on top of what they are put on. */
function supportHeight(target: SceneEntity, inside: boolean): number {
  const [, , hz] = worldHalfExtents(target);
  if (inside) return target.position[2] - hz;
  return target.kind === "region" ? target.position[2] - hz : topOf(target);
}

const SIDES: Readonly<Record<string, readonly [number, number]>> = {
  leftof: [0, 1],
  rightof: [0, -1],
  frontof: [-1, 0],
  behind: [1, 0],
};

function* putBeside(
  view: View,
  options: { name: string; reference: string; side: string; attempt: number },
): Skill<boolean> {
  const { name, reference, side, attempt } = options;
  const [dx, dy] = SIDES[side] ?? [0, 1];
  const taken = yield* take(view, { name, choice: attempt });
  if (!taken) return false;
  const radius = (entity: SceneEntity): number => {
    const [hx, hy] = worldHalfExtents(entity);
    return Math.max(hx, hy);
  };
  const ref = view.entity(reference);
  const nearest = radius(ref) + radius(view.entity(name)) + 0.015;
  const spots: Vec3[] = [];
  for (const d of [0.03, 0.05, 0.07, 0.09].map((more) => Math.min(0.22, nearest + more))) {
    for (const across of [0, 0.3, -0.3, 0.5, -0.5]) {
      spots.push([
        ref.position[0] + dx * d - dy * across * d,
        ref.position[1] + dy * d + dx * across * d,
        0,
      ]);
    }
  }
  const spot = roomiestSpot(view, { spots, ignore: [name] });
  const supportZ = view.entity(reference).position[2] - worldHalfExtents(view.entity(reference))[2];
  return yield* place(view, {
    name,
    over: () => spot,
    supportZ: () => supportZ,
    carryZ: clearHeight(view, [name]),
  });
}
