import type { Camera } from "./camera.ts";
import type { RasterMemory } from "./raster-memory.ts";
import type { GeomLevel, RenderScene } from "./scene.ts";

/** A point on an edge, `fraction` of the way from the end that clipping keeps. */
interface CutEdge {
  readonly kept: number;
  readonly dropped: number;
  readonly fraction: number;
}

/**
 * Image positions of the vertices of the current frame: those of the scene, then those that clipping
 * made (each between two others, see `clip.ts`).
 */
export class VertexBuffer {
  /** Vertices of the scene; those from here on are made by clipping. */
  readonly sceneCount: number;
  readonly column: Float64Array;
  readonly row: Float64Array;
  /** 1 / w; 0 marks a vertex behind the near plane. */
  readonly inverseW: Float64Array;
  /** Camera coordinates, m, of geoms that may have to be clipped. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly w: Float64Array;
  /** Above the plane of a mirror, m: of geoms that may cross it, while they are drawn. */
  readonly heights: Float64Array;
  /** Of clipped vertices: the edge they lie on and how far from `parentA` to `parentB`, [0, 1]. */
  readonly parentA: Int32Array;
  readonly parentB: Int32Array;
  readonly fraction: Float64Array;
  clippedCount = 0;
  /** float32[sceneCount, 3]. */
  readonly positions: Float32Array;
  readonly #texcoords: Float32Array;

  constructor(scene: RenderScene, memory: RasterMemory) {
    const length = scene.vertexCount + memory.clippedCapacity;
    this.sceneCount = scene.vertexCount;
    this.positions = memory.float32(scene.positions.length);
    this.positions.set(scene.positions);
    this.#texcoords = scene.texcoords;
    this.column = memory.float64(length);
    this.row = memory.float64(length);
    this.inverseW = memory.float64(length);
    this.x = memory.float64(length);
    this.y = memory.float64(length);
    this.w = memory.float64(length);
    this.parentA = memory.int32(memory.clippedCapacity);
    this.parentB = memory.int32(memory.clippedCapacity);
    this.fraction = memory.float64(memory.clippedCapacity);
    this.heights = memory.float64(memory.hasMirror ? scene.vertexCount : 0);
  }

  /** Vertices of the scene and those that clipping made since. */
  get count(): number {
    return this.sceneCount + this.clippedCount;
  }

  /** Transforms and projects the vertices of one level; `view` as `viewFromPose` makes it. */
  project(camera: Camera, level: GeomLevel, view: Float64Array): void {
    const { column, row, inverseW, x, y, w, positions } = this;
    const { focalPx, near } = camera;
    const centerColumn = camera.width / 2;
    const centerRow = camera.height / 2;
    const m0 = view[0]!;
    const m1 = view[1]!;
    const m2 = view[2]!;
    const m3 = view[3]!;
    const m4 = view[4]!;
    const m5 = view[5]!;
    const m6 = view[6]!;
    const m7 = view[7]!;
    const m8 = view[8]!;
    const tx = view[9]!;
    const ty = view[10]!;
    const tw = view[11]!;
    const end = level.firstVertex + level.vertexCount;
    for (let vertex = level.firstVertex; vertex < end; vertex++) {
      const px = positions[3 * vertex]!;
      const py = positions[3 * vertex + 1]!;
      const pz = positions[3 * vertex + 2]!;
      const cameraX = m0 * px + m1 * py + m2 * pz + tx;
      const cameraY = m3 * px + m4 * py + m5 * pz + ty;
      const cameraW = m6 * px + m7 * py + m8 * pz + tw;
      x[vertex] = cameraX;
      y[vertex] = cameraY;
      w[vertex] = cameraW;
      if (cameraW > near) {
        const inverse = 1 / cameraW;
        const scale = focalPx * inverse;
        inverseW[vertex] = inverse;
        column[vertex] = centerColumn + cameraX * scale;
        row[vertex] = centerRow - cameraY * scale;
      } else {
        inverseW[vertex] = 0;
      }
    }
  }

  /** Signed distance from a plane given in camera coordinates, as `clipAtPlane` takes it. */
  height(vertex: number, plane: Float64Array): number {
    const { x, y, w } = this;
    return plane[0]! * x[vertex]! + plane[1]! * y[vertex]! + plane[2]! * w[vertex]! + plane[3]!;
  }

  /** Adds the point of the edge from `a` (in front) to `b` (behind) that is on the near plane. */
  addAtNear(camera: Camera, a: number, b: number): number {
    const { x, y, w } = this;
    const vertex = this.#add({
      kept: a,
      dropped: b,
      fraction: (camera.near - w[a]!) / (w[b]! - w[a]!),
    });
    w[vertex] = camera.near;
    this.inverseW[vertex] = 1 / camera.near;
    this.column[vertex] = camera.width / 2 + (x[vertex]! * camera.focalPx) / camera.near;
    this.row[vertex] = camera.height / 2 - (y[vertex]! * camera.focalPx) / camera.near;
    return vertex;
  }

  /** Adds the point at `fraction` of an edge, which may lie behind the near plane. */
  addBetween(camera: Camera, edge: CutEdge): number {
    const vertex = this.#add(edge);
    const w = this.w[vertex]!;
    const isInFront = w > camera.near;
    this.inverseW[vertex] = isInFront ? 1 / w : 0;
    if (!isInFront) return vertex;
    this.column[vertex] = camera.width / 2 + (this.x[vertex]! * camera.focalPx) / w;
    this.row[vertex] = camera.height / 2 - (this.y[vertex]! * camera.focalPx) / w;
    return vertex;
  }

  #add({ kept, dropped, fraction }: CutEdge): number {
    const index = this.clippedCount++;
    const vertex = this.sceneCount + index;
    const { x, y, w } = this;
    this.parentA[index] = kept;
    this.parentB[index] = dropped;
    this.fraction[index] = fraction;
    x[vertex] = x[kept]! + fraction * (x[dropped]! - x[kept]!);
    y[vertex] = y[kept]! + fraction * (y[dropped]! - y[kept]!);
    w[vertex] = w[kept]! + fraction * (w[dropped]! - w[kept]!);
    return vertex;
  }

  /** A vertex of the scene with the same geom and texture: itself, or the kept end of its edge. */
  sceneVertex(vertex: number): number {
    let ancestor = vertex;
    while (ancestor >= this.sceneCount) ancestor = this.parentA[ancestor - this.sceneCount]!;
    return ancestor;
  }

  /** Texture coordinate u (`axis` 0) or v (1); linear along a clipped edge. */
  texcoord(vertex: number, axis: number): number {
    if (vertex < this.sceneCount) return this.#texcoords[2 * vertex + axis]!;
    const index = vertex - this.sceneCount;
    const from = this.texcoord(this.parentA[index]!, axis);
    const to = this.texcoord(this.parentB[index]!, axis);
    return from + this.fraction[index]! * (to - from);
  }
}
