/**
 * The camera image: the workspace painted at one pixel per unit, reduced to 96 x 96 as OpenCV's bilinear `resize`
 * does it, in 11-bit fixed point. Colours, order and rounding of corners are gym-pusht's; which pixels lie on an
 * edge is decided by distance here and by pygame's integer lines there, so edges can differ.
 */
import { GOAL_PARTS } from "./coverage.ts";
import type { PushTDynamics } from "./dynamics.ts";
import { PUSHER_RADIUS, T_PARTS, WALLS, WALL_RADIUS } from "./dynamics.ts";
import type { Vec2 } from "./physics/vector.ts";

export const IMAGE_SIZE = 96;
const CANVAS = 512;
const OUTLINE_RADIUS = 2;

/** sRGB by what a canvas pixel holds. */
const COLOURS: readonly (readonly [number, number, number])[] = [
  [255, 255, 255],
  [144, 238, 144],
  [143, 163, 184],
  [119, 136, 153],
  [65, 105, 225],
  [78, 126, 255],
  [211, 211, 211],
];
const [GOAL, BLOCK, BLOCK_EDGE, PUSHER_EDGE, PUSHER, WALL] = [1, 2, 3, 4, 5, 6] as const;

/** The empty workspace with the goal on it. */
const BACKGROUND = new Uint8Array(CANVAS * CANVAS);
for (const part of GOAL_PARTS) fillPolygon(BACKGROUND, part.map(rounded), GOAL);

/** @returns `uint8[96, 96, 3]`, row 0 at the top */
export function renderImage({ block, pusher }: PushTDynamics): Uint8Array {
  const canvas = BACKGROUND.slice();
  for (const corners of T_PARTS) {
    const part = corners.map((corner) => block.toWorld(corner));
    fillPolygon(canvas, part.map(rounded), BLOCK);
    part.forEach((start, i) => {
      fillLine(canvas, [start, part[(i + 1) % part.length]!], BLOCK_EDGE);
    });
  }
  fillDisc(canvas, rounded(pusher.position), { radius: PUSHER_RADIUS, colour: PUSHER_EDGE });
  fillDisc(canvas, rounded(pusher.position), { radius: PUSHER_RADIUS - 4, colour: PUSHER });
  for (const ends of WALLS) fillLine(canvas, ends, WALL);
  return reduced(canvas);
}

/** Halves go to the even neighbour, as in Python. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function rounded({ x, y }: Vec2): Vec2 {
  return { x: roundHalfEven(x), y: roundHalfEven(y) };
}

/** A line as wide as a wall, with round ends. */
function fillLine(canvas: Uint8Array, [from, to]: readonly [Vec2, Vec2], colour: number): void {
  const [a, b] = [rounded(from), rounded(to)];
  const [dx, dy] = [Math.abs(b.y - a.y), Math.abs(b.x - a.x)];
  const length = Math.hypot(dx, dy);
  if (length === 0) return;
  const across = {
    x: roundHalfEven((dx * WALL_RADIUS) / length),
    y: roundHalfEven((dy * WALL_RADIUS) / length),
  };
  // As in the original, the offset is across the line only where x and y change in opposite directions.
  const quad = [
    { x: a.x - across.x, y: a.y - across.y },
    { x: a.x + across.x, y: a.y + across.y },
    { x: b.x + across.x, y: b.y + across.y },
    { x: b.x - across.x, y: b.y - across.y },
  ];
  fillPolygon(canvas, quad, colour);
  fillCapsule(canvas, [a, b], colour);
  for (const end of [a, b]) fillDisc(canvas, end, { radius: OUTLINE_RADIUS, colour });
}

/** Calls back with every canvas pixel in a box around the points. */
function eachPixel(
  points: readonly Vec2[],
  margin: number,
  visit: (x: number, y: number, at: number) => void,
): void {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const right = Math.min(CANVAS - 1, Math.max(...xs) + margin);
  const bottom = Math.min(CANVAS - 1, Math.max(...ys) + margin);
  for (let y = Math.max(0, Math.min(...ys) - margin); y <= bottom; y++) {
    for (let x = Math.max(0, Math.min(...xs) - margin); x <= right; x++)
      visit(x, y, y * CANVAS + x);
  }
}

/** Even-odd filling; pixels within half a pixel of an edge belong to it. */
function fillPolygon(canvas: Uint8Array, corners: readonly Vec2[], colour: number): void {
  eachPixel(corners, 0, (x, y, at) => {
    let inside = false;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
      const [a, b] = [corners[i]!, corners[j]!];
      if (squaredDistance({ x, y }, [a, b]) <= 0.25) {
        canvas[at] = colour;
        return;
      }
      if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x)
        inside = !inside;
    }
    if (inside) canvas[at] = colour;
  });
}

function fillCapsule(canvas: Uint8Array, ends: readonly [Vec2, Vec2], colour: number): void {
  eachPixel(ends, OUTLINE_RADIUS, (x, y, at) => {
    if (squaredDistance({ x, y }, ends) <= OUTLINE_RADIUS ** 2) canvas[at] = colour;
  });
}

function fillDisc(
  canvas: Uint8Array,
  centre: Vec2,
  { radius, colour }: { radius: number; colour: number },
): void {
  eachPixel([centre], radius, (x, y, at) => {
    // pygame's discs have an even diameter: their middle lies between pixels.
    if ((x - centre.x + 0.5) ** 2 + (y - centre.y + 0.5) ** 2 <= radius ** 2) canvas[at] = colour;
  });
}

function squaredDistance({ x, y }: Vec2, [a, b]: readonly [Vec2, Vec2]): number {
  const [ex, ey] = [b.x - a.x, b.y - a.y];
  const squared = ex * ex + ey * ey;
  const t =
    squared === 0 ? 0 : Math.min(Math.max(((x - a.x) * ex + (y - a.y) * ey) / squared, 0), 1);
  return (x - a.x - t * ex) ** 2 + (y - a.y - t * ey) ** 2;
}

interface Tap {
  readonly at: number;
  readonly near: number;
  readonly far: number;
}

/** For every image row or column: the canvas pixel before it, and 11-bit weights of that and the next. */
const TAPS: readonly Tap[] = Array.from({ length: IMAGE_SIZE }, (_, i) => {
  const centre = (i + 0.5) * (CANVAS / IMAGE_SIZE) - 0.5;
  const at = Math.floor(centre);
  return {
    at,
    near: Math.round((1 - (centre - at)) * 2048),
    far: Math.round((centre - at) * 2048),
  };
});

function reduced(canvas: Uint8Array): Uint8Array {
  const image = new Uint8Array(IMAGE_SIZE * IMAGE_SIZE * 3);
  let to = 0;
  for (const row of TAPS) {
    for (const column of TAPS) {
      const at = row.at * CANVAS + column.at;
      const [a, b] = [COLOURS[canvas[at]!]!, COLOURS[canvas[at + 1]!]!];
      const [c, d] = [COLOURS[canvas[at + CANVAS]!]!, COLOURS[canvas[at + CANVAS + 1]!]!];
      for (let channel = 0; channel < 3; channel++) {
        const above = (a[channel]! * column.near + b[channel]! * column.far) >> 4;
        const below = (c[channel]! * column.near + d[channel]! * column.far) >> 4;
        image[to++] = (((row.near * above) >> 16) + ((row.far * below) >> 16) + 2) >> 2;
      }
    }
  }
  return image;
}
