/* eslint-disable max-params -- hot loop: positional parameters instead of an object per triangle */
import type { RasterMemory } from "./raster-memory.ts";

/** Numbers per triangle in `planes`: 1/w = base + dx column + dy row. */
export const PLANE_STRIDE = 3;

/** The front-facing triangles that were drawn, numbered from 1; 0 means nothing. */
export class TriangleList {
  count = 0;
  /** Row of the geom whose triangles are being added. */
  currentGeom = 0;
  /** Corner vertices. */
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly c: Int32Array;
  /** Row of the scene's geoms. */
  readonly geom: Int32Array;
  /** float64[capacity + 1, PLANE_STRIDE]. */
  readonly planes: Float64Array;
  readonly capacity: number;

  constructor(memory: RasterMemory) {
    this.capacity = memory.triangleCapacity;
    const length = this.capacity + 1;
    this.a = memory.int32(length);
    this.b = memory.int32(length);
    this.c = memory.int32(length);
    this.geom = memory.int32(length);
    this.planes = memory.float64(PLANE_STRIDE * length);
  }

  add(a: number, b: number, c: number): number {
    const id = ++this.count;
    this.a[id] = a;
    this.b[id] = b;
    this.c[id] = c;
    this.geom[id] = this.currentGeom;
    return id;
  }

  setPlane(id: number, base: number, dx: number, dy: number): void {
    const { planes } = this;
    planes[PLANE_STRIDE * id] = base;
    planes[PLANE_STRIDE * id + 1] = dx;
    planes[PLANE_STRIDE * id + 2] = dy;
  }
}
