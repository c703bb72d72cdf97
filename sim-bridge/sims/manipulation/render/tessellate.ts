import { GEOM_TYPE } from "./types.ts";
import type { RenderMesh } from "./types.ts";

/**
 * Triangles of the drawable shapes, each in the frame of its geom, counter-clockwise from outside.
 *
 * Texture coordinates, and the quads of boxes and planes, are laid out as MuJoCo's own renderer lays
 * them out (`render_context.c`): light is computed at vertices, so where the vertices are is visible.
 */
export interface Tessellation {
  /** float32[n, 3], m, geom frame. */
  readonly positions: Float32Array;
  /** float32[n, 3], unit. */
  readonly normals: Float32Array;
  /** float32[n, 2], before `texRepeat`. */
  readonly texcoords: Float32Array;
  /** int32[m, 3]. */
  readonly indices: Int32Array;
}

type Triple = readonly [number, number, number];

/** How finely, and how exactly, shapes are divided. */
export interface Detail {
  readonly slices: number;
  readonly stacks: number;
  /**
   * Whether vertices and triangles are exactly those that MuJoCo gives to OpenGL and Mesa makes of them:
   * quads cut between their second and fourth corner, flat ends and sides of cylinders in as many rings
   * as MuJoCo has, planes in its grid. Otherwise what cannot be seen at low resolution is left out.
   */
  readonly isExact: boolean;
}

class Builder {
  readonly #isExact: boolean;
  readonly #positions: number[] = [];
  readonly #normals: number[] = [];
  readonly #texcoords: number[] = [];
  readonly #indices: number[] = [];

  constructor(isExact = false) {
    this.#isExact = isExact;
  }

  vertex(position: Triple, normal: Triple, texcoord: readonly [number, number]): number {
    this.#positions.push(...position);
    this.#normals.push(...normal);
    this.#texcoords.push(...texcoord);
    return this.#texcoords.length / 2 - 1;
  }

  triangle(a: number, b: number, c: number): void {
    this.#indices.push(a, b, c);
  }

  /** Quads between neighbouring vertices of a grid stored row by row; `flip` turns them round. */
  grid(first: number, size: { columns: number; rows: number }, flip = false): void {
    const { columns, rows } = size;
    for (let row = 0; row + 1 < rows; row++) {
      for (let column = 0; column + 1 < columns; column++) {
        const a = first + row * columns + column;
        const [b, d] = flip ? [a + columns, a + 1] : [a + 1, a + columns];
        const c = a + columns + 1;
        // Of quads that are turned round, the second and fourth corner are `a` and `c`.
        if (this.#isExact && !flip) this.#indices.push(a, b, d, b, c, d);
        else this.#indices.push(a, b, c, a, c, d);
      }
    }
  }

  build(): Tessellation {
    return {
      positions: Float32Array.from(this.#positions),
      normals: Float32Array.from(this.#normals),
      texcoords: Float32Array.from(this.#texcoords),
      indices: Int32Array.from(this.#indices),
    };
  }
}

/**
 * Box of half extents `size`, `quads` x `quads` per face.
 *
 * The image spans each face once: u along the lower-numbered axis of the face, v against the other, so
 * opposite faces are mirror images.
 */
export function tessellateBox(size: Triple, quads: number, isExact = false): Tessellation {
  const builder = new Builder(isExact);
  for (let axis = 0; axis < 3; axis++) {
    for (const sign of [1, -1]) {
      const first = boxFace(builder, { axis, sign, size, quads });
      builder.grid(first, { columns: quads + 1, rows: quads + 1 }, sign < 0 !== (axis === 1));
    }
  }
  return builder.build();
}

function boxFace(
  builder: Builder,
  face: { axis: number; sign: number; size: Triple; quads: number },
): number {
  const { axis, sign, size, quads } = face;
  const [uAxis, vAxis] = axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];
  const normal: Triple = [axis === 0 ? sign : 0, axis === 1 ? sign : 0, axis === 2 ? sign : 0];
  let first = -1;
  for (let row = 0; row <= quads; row++) {
    for (let column = 0; column <= quads; column++) {
      const position: [number, number, number] = [0, 0, 0];
      position[axis] = sign * size[axis]!;
      position[uAxis] = ((2 * column) / quads - 1) * size[uAxis]!;
      position[vAxis] = ((2 * row) / quads - 1) * size[vAxis]!;
      const index = builder.vertex(position, normal, [column / quads, 1 - row / quads]);
      if (first < 0) first = index;
    }
  }
  return first;
}

/** A surface of revolution about z: one ring per profile point (radius, height and their normal). */
interface ProfilePoint {
  readonly radius: number;
  readonly z: number;
  readonly normalRadius: number;
  readonly normalZ: number;
  readonly v: number;
}

function revolve(builder: Builder, profile: readonly ProfilePoint[], slices: number): void {
  let first = -1;
  for (const point of profile) {
    for (let slice = 0; slice <= slices; slice++) {
      const angle = (2 * Math.PI * slice) / slices;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const index = builder.vertex(
        [point.radius * cos, point.radius * sin, point.z],
        [point.normalRadius * cos, point.normalRadius * sin, point.normalZ],
        [slice / slices, point.v],
      );
      if (first < 0) first = index;
    }
  }
  builder.grid(first, { columns: slices + 1, rows: profile.length });
}

/** Ellipsoid (a sphere has three equal radii): latitude rings from the south to the north pole. */
export function tessellateEllipsoid(radii: Triple, detail: Detail): Tessellation {
  const { slices, stacks } = detail;
  const builder = new Builder(detail.isExact);
  let first = -1;
  for (let stack = 0; stack <= stacks; stack++) {
    const elevation = Math.PI * (stack / stacks - 0.5);
    for (let slice = 0; slice <= slices; slice++) {
      const angle = (2 * Math.PI * slice) / slices;
      const unit: Triple = [
        Math.cos(angle) * Math.cos(elevation),
        Math.sin(angle) * Math.cos(elevation),
        Math.sin(elevation),
      ];
      const index = builder.vertex(
        [unit[0] * radii[0], unit[1] * radii[1], unit[2] * radii[2]],
        ellipsoidNormal(unit, radii),
        [slice / slices, 1 - stack / stacks],
      );
      if (first < 0) first = index;
    }
  }
  builder.grid(first, { columns: slices + 1, rows: stacks + 1 });
  return builder.build();
}

/** Gradient of `|p / radii|` at `unit * radii`, normalised. */
function ellipsoidNormal(unit: Triple, radii: Triple): Triple {
  const gradient: Triple = [unit[0] / radii[0], unit[1] / radii[1], unit[2] / radii[2]];
  const length = Math.hypot(...gradient);
  return [gradient[0] / length, gradient[1] / length, gradient[2] / length];
}

/** Capsule about z: a cylinder of `halfLength` with a hemisphere beyond each end. */
export function tessellateCapsule(
  radius: number,
  halfLength: number,
  detail: Detail,
): Tessellation {
  const builder = new Builder(detail.isExact);
  const half = Math.max(2, Math.round(detail.stacks / 2));
  const profile: ProfilePoint[] = [];
  for (const end of [-1, 1]) {
    for (let ring = 0; ring <= half; ring++) {
      const elevation = (Math.PI / 2) * (end < 0 ? ring / half - 1 : ring / half);
      const [cos, sin] = [Math.cos(elevation), Math.sin(elevation)];
      const z = end * halfLength + radius * sin;
      const v = 0.5 - z / (2 * (halfLength + radius));
      profile.push({ radius: radius * cos, z, normalRadius: cos, normalZ: sin, v });
    }
    if (end < 0 && detail.isExact) profile.push(...sideOfCapsule(radius, halfLength, detail));
  }
  revolve(builder, profile, detail.slices);
  return builder.build();
}

/** The rings between the ends of a capsule's straight part. */
function sideOfCapsule(radius: number, halfLength: number, { stacks }: Detail): ProfilePoint[] {
  return Array.from({ length: stacks - 1 }, (_, band) => {
    const z = halfLength * ((2 * (band + 1)) / stacks - 1);
    const v = 0.5 - z / (2 * (halfLength + radius));
    return { radius, z, normalRadius: 1, normalZ: 0, v };
  });
}

/** Cylinder about z with flat caps. */
export function tessellateCylinder(
  radius: number,
  halfLength: number,
  detail: Detail,
): Tessellation {
  const builder = new Builder(detail.isExact);
  const { slices, stacks } = detail;
  // Straight sides need few rings. Small ones need no vertices in between.
  const coarse = slices <= 16 ? 1 : Math.min(stacks, 4);
  const bands = detail.isExact ? stacks : coarse;
  const profile: ProfilePoint[] = [];
  for (let band = 0; band <= bands; band++) {
    const height = (2 * band) / bands - 1;
    profile.push({
      radius,
      z: height * halfLength,
      normalRadius: 1,
      normalZ: 0,
      v: (1 - height) / 2,
    });
  }
  revolve(builder, profile, slices);
  const rings = detail.isExact ? Math.max(1, Math.floor(stacks / 2)) : 1;
  for (const end of [1, -1]) disk(builder, { radius, z: end * halfLength, end, slices, rings });
  return builder.build();
}

/** A flat end of a cylinder in concentric rings; `end` is 1 for the upper one, -1 for the lower one. */
function disk(
  builder: Builder,
  { radius, z, end, slices, rings }: Record<"radius" | "z" | "end" | "slices" | "rings", number>,
): void {
  const centre = builder.vertex([0, 0, z], [0, 0, end], [0.5, 0.5]);
  for (let ring = 1; ring <= rings; ring++) {
    for (let slice = 0; slice < slices; slice++) {
      const angle = (2 * Math.PI * slice) / slices;
      const [cos, sin] = [(Math.cos(angle) * ring) / rings, (Math.sin(angle) * ring) / rings];
      const at: Triple = [radius * cos, radius * sin, z];
      builder.vertex(at, [0, 0, end], [0.5 + cos / 2, 0.5 + sin / 2]);
    }
  }
  for (let ring = 0; ring < rings; ring++) {
    for (let slice = 0; slice < slices; slice++) {
      const outer = centre + 1 + ring * slices + slice;
      const nextOuter = centre + 1 + ring * slices + ((slice + 1) % slices);
      const turn = (a: number, b: number, c: number): void =>
        end > 0 ? builder.triangle(a, b, c) : builder.triangle(a, c, b);
      if (ring === 0) {
        turn(centre, outer, nextOuter);
        continue;
      }
      const [inner, nextInner] = [outer - slices, nextOuter - slices];
      if (end > 0) {
        turn(outer, nextOuter, inner);
        turn(nextOuter, nextInner, inner);
      } else {
        turn(outer, nextOuter, nextInner);
        turn(outer, nextInner, inner);
      }
    }
  }
}

/** Most cells along one side of a plane; more than this is seldom visible. */
const MAX_PLANE_CELLS = 20;
/** MuJoCo's own limit (`mjMAXPLANEGRID`), padding at both ends included. */
const MAX_EXACT_CELLS = 200;

/**
 * Rectangle in the xy plane of the geom, normal +z; an extent of 0 is unbounded and drawn to `reach`
 * metres from the geom's origin, with cells that grow with distance.
 *
 * @param size half extents in x and y, and the spacing of the grid
 */
export function tessellatePlane(size: Triple, reach: number, isExact = false): Tessellation {
  const builder = new Builder(isExact);
  const [columns, rows] = [size[0], size[1]].map((half) =>
    isExact && half > 0 ? exactPlaneLines(half, size[2]) : planeLines(half, size[2], reach),
  ) as [number[], number[]];
  let first = -1;
  for (const y of rows) {
    for (const x of columns) {
      // Bounded: the image spans the plane once. Unbounded: once per two metres.
      const u = size[0] > 0 ? (x + size[0]) / (2 * size[0]) : 0.5 * x;
      const v = size[1] > 0 ? 1 - (y + size[1]) / (2 * size[1]) : -0.5 * y;
      const index = builder.vertex([x, y, 0], [0, 0, 1], [u, v]);
      if (first < 0) first = index;
    }
  }
  builder.grid(first, { columns: columns.length, rows: rows.length });
  return builder.build();
}

/** Cells of twice the spacing, an even number of them, and a narrower one at either end. */
function exactPlaneLines(halfExtent: number, spacing: number): number[] {
  const half = Math.max(spacing, halfExtent / (MAX_EXACT_CELLS - 2));
  const whole = Math.floor(halfExtent / half);
  const cells = whole - (whole % 2);
  const pad = halfExtent - cells * half;
  const lines = Array.from({ length: cells + 1 }, (_, line) => pad - halfExtent + 2 * half * line);
  return pad > 0 ? [-halfExtent, ...lines, halfExtent] : lines;
}

function planeLines(halfExtent: number, spacing: number, reach: number): number[] {
  if (halfExtent <= 0) {
    return Array.from({ length: MAX_PLANE_CELLS + 1 }, (_, line) => {
      const fraction = (2 * line) / MAX_PLANE_CELLS - 1;
      return Math.sign(fraction) * fraction * fraction * reach;
    });
  }
  const cells = Math.min(
    MAX_PLANE_CELLS,
    Math.max(1, Math.ceil(halfExtent / Math.max(spacing, 1e-6))),
  );
  return Array.from({ length: cells + 1 }, (_, line) => ((2 * line) / cells - 1) * halfExtent);
}

/** Cosine beyond which a corner of a mesh without texture coordinates is drawn flat, as MuJoCo does. */
const SMOOTH_COSINE = 0.8;

/**
 * Mesh with one vertex per distinct (position, normal, texture coordinate).
 *
 * A corner whose stored normal is more than about 37 degrees off its face takes the face's normal,
 * unless the mesh has texture coordinates (`render_context.c`, `mjr_uploadMesh`). A mesh whose corners
 * share one list of indices (`faceNormals` is `faces`) is taken as it is: whoever made it decided that.
 */
export function tessellateMesh(mesh: RenderMesh): Tessellation {
  if (mesh.faceNormals === mesh.faces) return indexedMesh(mesh);
  const builder = new Builder();
  const known = new Map<string, number>();
  const textured = mesh.faceTexcoords.length > 0;
  for (let face = 0; face + 2 < mesh.faces.length; face += 3) {
    const flat = faceNormal(mesh, face);
    const corners: number[] = [];
    for (let corner = face; corner < face + 3; corner++) {
      const position = triple(mesh.vertices, mesh.faces[corner]!);
      let normal = triple(mesh.normals, mesh.faceNormals[corner]!);
      const cosine = normal[0] * flat[0] + normal[1] * flat[1] + normal[2] * flat[2];
      if (!textured && cosine < SMOOTH_COSINE) normal = flat;
      const texcoord = textured ? mesh.faceTexcoords[corner]! : 0;
      const uv: [number, number] = textured
        ? [mesh.texcoords[2 * texcoord]!, mesh.texcoords[2 * texcoord + 1]!]
        : [0, 0];
      const key = [...position, ...normal, ...uv].join();
      let index = known.get(key);
      if (index === undefined) known.set(key, (index = builder.vertex(position, normal, uv)));
      corners.push(index);
    }
    builder.triangle(corners[0]!, corners[1]!, corners[2]!);
  }
  return builder.build();
}

function indexedMesh({ vertices, normals, texcoords, faces }: RenderMesh): Tessellation {
  const hasTexcoords = texcoords.length > 0;
  return {
    positions: vertices,
    normals,
    texcoords: hasTexcoords ? texcoords : new Float32Array((2 * vertices.length) / 3),
    indices: faces,
  };
}

function triple(rows: Float32Array, index: number): Triple {
  return [rows[3 * index]!, rows[3 * index + 1]!, rows[3 * index + 2]!];
}

function faceNormal(mesh: RenderMesh, face: number): Triple {
  const [a, b, c] = [0, 1, 2].map((corner) =>
    triple(mesh.vertices, mesh.faces[face + corner]!),
  ) as [Triple, Triple, Triple];
  const [ux, uy, uz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const [vx, vy, vz] = [c[0] - a[0], c[1] - a[1], c[2] - a[2]];
  const normal: Triple = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.max(Math.hypot(...normal), 1e-20);
  return [normal[0] / length, normal[1] / length, normal[2] / length];
}

/** True for shapes whose outline is curved, so that their tessellation shows. */
export function isRound(type: number): boolean {
  return (
    type === GEOM_TYPE.sphere ||
    type === GEOM_TYPE.capsule ||
    type === GEOM_TYPE.ellipsoid ||
    type === GEOM_TYPE.cylinder
  );
}
