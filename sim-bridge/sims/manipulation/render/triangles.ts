/* eslint-disable max-params -- hot loop: positional parameters instead of an object per triangle */
/** Numbers per triangle in `planes`: 1/w = base + dx column + dy row. */
export const PLANE_STRIDE = 3;

/** The front-facing triangles that were drawn, numbered from 1; 0 means nothing. */
export class TriangleList {
  count = 0;
  /** Corner vertices. */
  a = new Int32Array(0);
  b = new Int32Array(0);
  c = new Int32Array(0);
  /** Row of the scene's geoms. */
  geom = new Int32Array(0);
  planes = new Float64Array(0);
  /** Row of the geom whose triangles are being added. */
  currentGeom = 0;

  /** Makes room for `extra` more, so that `add` need not check. */
  ensure(extra: number): void {
    const needed = this.count + 1 + extra;
    if (needed <= this.a.length) return;
    const capacity = Math.max(1024, 2 * needed);
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(capacity);
      array.set(old);
      return array;
    };
    this.a = grown(this.a);
    this.b = grown(this.b);
    this.c = grown(this.c);
    this.geom = grown(this.geom);
    const planes = new Float64Array(PLANE_STRIDE * capacity);
    planes.set(this.planes);
    this.planes = planes;
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
