/**
 * Initial states by rejection sampling: everything upright at rest on its support, apart enough for a
 * gripper. Uses only the seeded generator and plain arithmetic, so a state is the same everywhere.
 */
import {
  PANDA_INITIAL_FINGERS,
  PANDA_INITIAL_QPOS,
  PANDA_NAMES,
} from "../../../robots/panda/spec.ts";
import type { Rng } from "../../../src/core/index.ts";
import type { InitialState } from "../manipulation/world.ts";
import type { Fixture, FixturePlacement } from "./fixtures/index.ts";
import { turn, yawQuat } from "./geometry.ts";
import type { ObjectKind } from "./objects.ts";
import { kindOf, restHeight } from "./objects.ts";
import { startYaw } from "./problem.ts";
import { type ComposedScene, freeJoint } from "./scene.ts";
import type { ObjectPlacement, Rect, TaskSpec } from "./tasks.ts";

/** Around the centre of a thing that may be pinched nothing else may stand, m (an open finger). */
const PINCH_CLEARANCE_M = 0.062;
/** Least gap between any two things, m. */
const GAP_M = 0.012;
const TRIES_PER_OBJECT = 60;
const TRIES_PER_SCENE = 400;
/** The arm starts this close to its initial pose, joint by joint, rad. */
const ARM_JITTER_RAD = 0.02;
/** Things put on a fixture stand this close to the middle of its region, m. */
const ON_FIXTURE_JITTER_M = 0.015;

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly yaw: number;
  readonly kind: ObjectKind;
}

/**
 * Draws a state of the task.
 * @throws {Error} if the things do not fit, which is a mistake of the task
 */
export function drawInitialState(task: TaskSpec, composed: ComposedScene, rng: Rng): InitialState {
  const slides = drawSlides(task, rng);
  for (let attempt = 0; attempt < TRIES_PER_SCENE; attempt++) {
    const placed = placeAll(task, { composed, slides, rng });
    if (placed !== undefined) return stateOf(task, composed, { placed, slides, rng });
  }
  throw new Error(
    `Cannot place the objects of "${task.name}": no free arrangement in ${TRIES_PER_SCENE} tries, regions must be larger`,
  );
}

function drawSlides(task: TaskSpec, rng: Rng): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(task.joints ?? {}).map(([joint, [low, high]]) => [
      joint,
      low + (high - low) * rng.uniform(),
    ]),
  );
}

interface PlaceContext {
  readonly composed: ComposedScene;
  readonly slides: ReadonlyMap<string, number>;
  readonly rng: Rng;
}

function placeAll(task: TaskSpec, context: PlaceContext): Placed[] | undefined {
  const placed: Placed[] = [];
  for (const placement of task.objects) {
    const next = placeOne(task, { ...context, placement, placed });
    if (next === undefined) return undefined;
    placed.push(next);
  }
  return placed;
}

function placeOne(
  task: TaskSpec,
  context: PlaceContext & { placement: ObjectPlacement; placed: readonly Placed[] },
): Placed | undefined {
  const { placement, placed, rng } = context;
  const { kind } = kindOf(placement.name);
  const [yawLow, yawHigh] = startYaw(placement.yaw);
  for (let attempt = 0; attempt < TRIES_PER_OBJECT; attempt++) {
    const yaw = yawLow + (yawHigh - yawLow) * rng.uniform();
    const spot = drawSpot(task, placement.at, context);
    const candidate: Placed = { ...spot, z: spot.z + restHeight(kind), yaw, kind };
    const onTable = typeof placement.at !== "string";
    const free =
      placed.every((other) => areApart(candidate, other)) &&
      (!onTable || isClearOfFixtures(candidate, task, context.composed));
    if (free) return candidate;
  }
  return undefined;
}

/** A point on the support surface, world frame. */
function drawSpot(
  task: TaskSpec,
  at: Rect | string,
  { composed, slides, rng }: PlaceContext,
): { x: number; y: number; z: number } {
  if (typeof at !== "string") {
    const [x0, y0, x1, y1] = at;
    return { x: x0 + (x1 - x0) * rng.uniform(), y: y0 + (y1 - y0) * rng.uniform(), z: 0 };
  }
  for (const place of task.fixtures) {
    const surface = composed.fixtures.get(place.name)?.surfaces[at];
    if (surface === undefined) continue;
    const out = surface.joint === undefined ? 0 : (slides.get(surface.joint) ?? 0);
    const jitter = (): number => ON_FIXTURE_JITTER_M * (2 * rng.uniform() - 1);
    const [cx, cy, cz] = surface.centre;
    const [dx, dy] = turn(place.yaw, cx - out + jitter(), cy + jitter());
    return { x: place.x + dx, y: place.y + dy, z: cz };
  }
  throw new RangeError(`Cannot place objects of "${task.name}": there is no surface "${at}"`);
}

function areApart(a: Placed, b: Placed): boolean {
  const needed = Math.max(
    a.kind.radius + b.kind.radius + GAP_M,
    a.kind.graspable ? PINCH_CLEARANCE_M + b.kind.radius : 0,
    b.kind.graspable ? PINCH_CLEARANCE_M + a.kind.radius : 0,
  );
  return Math.hypot(a.x - b.x, a.y - b.y) >= needed;
}

function isClearOfFixtures(object: Placed, task: TaskSpec, composed: ComposedScene): boolean {
  const { x, y, kind } = object;
  // Nothing starts on a marked zone.
  const zoneFree = (task.zones ?? []).every(({ rect }) => distanceToRect(x, y, rect) > 0);
  return (
    zoneFree &&
    task.fixtures.every((place) => {
      const fixture = composed.fixtures.get(place.name)!;
      return keepOutsOf(fixture).every(({ rect, marginM }) => {
        const margin = Math.max(kind.graspable ? marginM : 0, kind.radius + GAP_M);
        return distanceToPlacedRect(x, y, { place, rect }) >= margin;
      });
    })
  );
}

function keepOutsOf(fixture: Fixture): readonly { rect: Rect; marginM: number }[] {
  const [hx, hy] = fixture.footprint;
  const body = { rect: [-hx, -hy, hx, hy] as const, marginM: fixture.keepOutM };
  if (fixture.sweepM === 0) return [body];
  // Where drawers and handles move.
  return [body, { rect: [-hx - fixture.sweepM, -hy, -hx, hy], marginM: 0 }];
}

function distanceToPlacedRect(
  x: number,
  y: number,
  { place, rect }: { place: FixturePlacement; rect: Rect },
): number {
  const [localX, localY] = turn(-place.yaw, x - place.x, y - place.y);
  return distanceToRect(localX, localY, rect);
}

function distanceToRect(x: number, y: number, [x0, y0, x1, y1]: Rect): number {
  return Math.hypot(Math.max(x0 - x, 0, x - x1), Math.max(y0 - y, 0, y - y1));
}

function stateOf(
  task: TaskSpec,
  { layout }: ComposedScene,
  drawn: { placed: readonly Placed[]; slides: ReadonlyMap<string, number>; rng: Rng },
): InitialState {
  const { placed, slides, rng } = drawn;
  const arm = rng.split("arm");
  const qpos = new Float64Array(layout.nq);
  const address = (joint: string): number => layout.qposAddress.get(joint)!;
  for (const [index, joint] of PANDA_NAMES.joints.entries()) {
    qpos[address(joint)] = PANDA_INITIAL_QPOS[index]! + ARM_JITTER_RAD * (2 * arm.uniform() - 1);
  }
  for (const [index, joint] of PANDA_NAMES.fingerJoints.entries()) {
    qpos[address(joint)] = PANDA_INITIAL_FINGERS[index]!;
  }
  for (const [joint, value] of slides) qpos[address(joint)] = value;
  for (const [index, { name }] of task.objects.entries()) {
    const { x, y, z, yaw } = placed[index]!;
    qpos.set([x, y, z, ...yawQuat(yaw)], address(freeJoint(name)));
  }
  return { qpos, qvel: new Float64Array(layout.nv) };
}
