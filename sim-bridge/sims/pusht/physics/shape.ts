import type { Body } from "./body.ts";
import type { Bounds } from "./bounds.ts";
import type { Vec2 } from "./vector.ts";
import { cross, dot, sub, turnRight, unit } from "./vector.ts";

/** The order in which a pair of shapes is sorted before it is tested. */
export type ShapeKind = "circle" | "segment" | "polygon";

/**
 * A convex core, thickened by `radius`: a point (circle), a line (segment) or a polygon. `vertices` and
 * `normals` are in the body's frame; `points` and `directions` are the same in the world, after `update`.
 */
export class Shape {
  readonly kind: ShapeKind;
  readonly body: Body;
  readonly radius: number;
  /** Corners of the core; a polygon's are counter-clockwise. */
  readonly vertices: readonly Vec2[];
  /** For a polygon: `normals[i]` is that of the edge which ends at corner i. For a segment: one. */
  readonly normals: readonly Vec2[];
  points: readonly Vec2[] = [];
  directions: readonly Vec2[] = [];
  bounds: Bounds = { xMin: 0, yMin: 0, xMax: 0, yMax: 0 };

  private constructor(
    kind: ShapeKind,
    body: Body,
    { vertices, normals, radius }: Pick<Shape, "vertices" | "normals" | "radius">,
  ) {
    this.kind = kind;
    this.body = body;
    this.vertices = vertices;
    this.normals = normals;
    this.radius = radius;
    this.update();
  }

  /** A disc about the body's origin. */
  static circle(body: Body, radius: number): Shape {
    return new Shape("circle", body, { vertices: [{ x: 0, y: 0 }], normals: [], radius });
  }

  /** A line with round ends. */
  static segment(body: Body, [start, end]: readonly [Vec2, Vec2], radius: number): Shape {
    const normals = [turnRight(unit(sub(end, start)))];
    return new Shape("segment", body, { vertices: [start, end], normals, radius });
  }

  /** @throws {RangeError} unless the corners are strictly convex and counter-clockwise */
  static polygon(body: Body, vertices: readonly Vec2[]): Shape {
    assertConvex(vertices);
    const normals = vertices.map((vertex, i) => unit(turnRight(sub(vertex, vertices.at(i - 1)!))));
    return new Shape("polygon", body, { vertices, normals, radius: 0 });
  }

  /** Brings `points`, `directions` and `bounds` to where the body is. */
  update(): void {
    const { body, radius } = this;
    this.points = this.vertices.map((vertex) => body.toWorld(vertex));
    this.directions = this.normals.map((normal) => body.toWorldDirection(normal));
    let xMin = Infinity;
    let yMin = Infinity;
    let xMax = -Infinity;
    let yMax = -Infinity;
    for (const { x, y } of this.points) {
      if (x < xMin) xMin = x;
      if (x > xMax) xMax = x;
      if (y < yMin) yMin = y;
      if (y > yMax) yMax = y;
    }
    this.bounds = {
      xMin: xMin - radius,
      yMin: yMin - radius,
      xMax: xMax + radius,
      yMax: yMax + radius,
    };
  }

  /** Index of the corner that lies farthest along `direction`; of equal ones a polygon's first, a segment's last. */
  support(direction: Vec2): number {
    const { points } = this;
    if (this.kind === "segment")
      return dot(points[0]!, direction) > dot(points[1]!, direction) ? 0 : 1;
    let best = 0;
    let farthest = -Infinity;
    for (let i = 0; i < points.length; i++) {
      const distance = dot(points[i]!, direction);
      if (distance <= farthest) continue;
      farthest = distance;
      best = i;
    }
    return best;
  }
}

function assertConvex(vertices: readonly Vec2[]): void {
  const count = vertices.length;
  const bend = (i: number): number => {
    const [before, at, after] = [vertices.at(i - 1)!, vertices[i]!, vertices[(i + 1) % count]!];
    return cross(sub(at, before), sub(after, at));
  };
  if (count >= 3 && vertices.every((_, i) => bend(i) > 0)) return;
  throw new RangeError(
    `Cannot make a polygon of ${count} corners: it is not convex, must turn left at every corner`,
  );
}
