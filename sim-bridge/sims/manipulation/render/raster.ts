/* eslint-disable max-params -- hot loop: positional parameters instead of an object per triangle */
import { VertexBuffer } from "./vertices.ts";
import { TriangleList } from "./triangles.ts";
import { clipAtNear, clipAtPlane } from "./clip.ts";
import { DepthTiles } from "./depth-tiles.ts";
import type { RasterMemory, SampleBuffer } from "./raster-memory.ts";
import type { Camera } from "./camera.ts";
import type { GeomLevel, RenderScene } from "./scene.ts";

/**
 * Column of the sample in each of the four sub-rows of a pixel (row 0 on top), one sample per sub-row:
 * the standard rotated pattern of 4x multisampling, so a frame with 4 samples is an ordinary scanline
 * image of 4 times the rows whose sample points are shifted sideways.
 */
const SAMPLE_COLUMN_4 = Float64Array.of(0.625, 0.125, 0.875, 0.375);

/**
 * When a triangle may be left out because it is hidden: how much nearer than its nearest corner rounding
 * can make a sample of it, relatively, and the smallest area (twice, px^2) for which that holds. Slivers
 * below it, whose depth plane is ill-conditioned, are always drawn.
 */
const DEPTH_MARGIN = 1 + 1e-6;
const MIN_SOUND_AREA = 1e-3;
/** Coordinates, px, beyond which the margin does not hold either. */
const MAX_SOUND_EXTENT = 1000;

/** The rectangle of pixels that triangles were drawn into; `max` is exclusive. */
export interface Extent {
  xMin: number;
  yMin: number;
  xMax: number;
  yMax: number;
}

/**
 * Draws triangles into a visibility buffer: for each sample, which triangle is nearest.
 *
 * Nothing is shaded here. Bounds of a span come from the edges alone, each evaluated from its upper
 * end, so two triangles that share an edge compute the same bound and neither leaves gaps nor overlaps
 * (half-open rule: a sample belongs to the triangle if `left <= x < right`, `top <= y < bottom`).
 * Between surfaces of equal depth the one drawn later wins, as with OpenGL's GEQUAL.
 *
 * This is plain JavaScript, and the definition; `KernelRasterizer`, which the renderer uses, gives the
 * same bits faster. So the order of the operations matters: change neither without the other.
 */
export class Rasterizer {
  readonly width: number;
  readonly height: number;
  readonly samples: 1 | 4;
  readonly vertices: VertexBuffer;
  /** Where triangles are recorded; one per camera that keeps a background. */
  triangles: TriangleList;
  /** Grows with every triangle drawn; reset by the caller. */
  readonly touched: Extent = { xMin: 0, yMin: 0, xMax: 0, yMax: 0 };
  protected readonly tiles: DepthTiles;
  /** int32[m, 3]: corners of all triangles of the scene, counter-clockwise where they are seen. */
  protected indices: Int32Array;
  readonly #corners: Int32Array;
  /** The same, turned round: in a mirror the other sense of rotation is seen. */
  readonly #mirroredCorners: Int32Array | undefined;
  #target: SampleBuffer;

  constructor(scene: RenderScene, memory: RasterMemory) {
    const { width, height, samples } = memory.size;
    this.width = width;
    this.height = height;
    this.samples = samples;
    this.vertices = new VertexBuffer(scene, memory);
    this.#corners = memory.int32(scene.indices.length);
    this.#corners.set(scene.indices);
    this.indices = this.#corners;
    if (memory.hasMirror) {
      const mirrored = memory.int32(scene.indices.length);
      for (let corner = 0; corner < mirrored.length; corner += 3) {
        mirrored[corner] = scene.indices[corner]!;
        mirrored[corner + 1] = scene.indices[corner + 2]!;
        mirrored[corner + 2] = scene.indices[corner + 1]!;
      }
      this.#mirroredCorners = mirrored;
    }
    this.tiles = new DepthTiles(memory);
    this.triangles = new TriangleList(memory);
    this.#target = memory.sampleBuffer();
  }

  /** Where samples are claimed. */
  get target(): SampleBuffer {
    return this.#target;
  }

  /**
   * Draws into `buffer` from now on; to be called anew whenever others have written depths into it.
   *
   * @param isMirrored whether the camera sees the world as in a mirror (a rotation of determinant -1)
   */
  begin(buffer: SampleBuffer, isMirrored = false): void {
    if (isMirrored && this.#mirroredCorners === undefined) {
      throw new Error("Cannot draw mirrored: the memory has no mirror, it must be made with one");
    }
    this.#target = buffer;
    this.indices = isMirrored ? this.#mirroredCorners! : this.#corners;
    this.tiles.reset();
  }

  resetTouched(): void {
    this.touched.xMin = this.width;
    this.touched.yMin = this.height;
    this.touched.xMax = 0;
    this.touched.yMax = 0;
  }

  /**
   * Transforms one level of a geom and draws its front faces.
   *
   * @param view camera from geom, VIEW_STRIDE numbers
   * @param mayClip some vertices may lie behind the near plane
   */
  drawLevel(
    camera: Camera,
    level: GeomLevel,
    view: Float64Array,
    mayClip: boolean, // positional: called for every geom of every frame
  ): void {
    this.vertices.project(camera, level, view);
    const { indices } = this;
    const { column, row, inverseW } = this.vertices;
    const end = level.firstIndex + level.indexCount;
    for (let corner = level.firstIndex; corner < end; corner += 3) {
      const a = indices[corner]!;
      const b = indices[corner + 1]!;
      const c = indices[corner + 2]!;
      if (mayClip && (inverseW[a] === 0 || inverseW[b] === 0 || inverseW[c] === 0)) {
        this.drawClipped(camera, corner);
        continue;
      }
      const ax = column[a]!;
      const ay = row[a]!;
      // Rows grow downward, so a triangle that faces the camera has a negative area.
      const area = (column[b]! - ax) * (row[c]! - ay) - (column[c]! - ax) * (row[b]! - ay);
      if (area < 0) this.fillTriangle(a, b, c);
    }
  }

  /**
   * As `drawLevel`, but only what lies above a plane; slower, for geoms that cross it.
   *
   * @param plane in camera coordinates, as `clipAtPlane` takes it
   */
  drawLevelAbove(
    camera: Camera,
    level: GeomLevel,
    view: Float64Array,
    plane: Float64Array, // positional, as in `drawLevel`
  ): void {
    const { vertices, indices } = this;
    vertices.project(camera, level, view);
    const end = level.firstIndex + level.indexCount;
    for (let corner = level.firstIndex; corner < end; corner += 3) {
      const corners = [indices[corner]!, indices[corner + 1]!, indices[corner + 2]!] as const;
      const isCut = (vertex: number): boolean =>
        vertices.inverseW[vertex] === 0 || vertices.height(vertex, plane) < 0;
      if (corners.some(isCut)) this.drawCut(camera, plane, corner);
      else this.#drawPolygon(corners);
    }
  }

  /** Draws what lies above a plane, and in front of the near plane, of the triangle whose corners are at `corner`. */
  protected drawCut(camera: Camera, plane: Float64Array, corner: number): void {
    const { indices, vertices } = this;
    const corners = [indices[corner]!, indices[corner + 1]!, indices[corner + 2]!] as const;
    this.#drawPolygon(clipAtPlane(vertices, { camera, plane }, corners));
  }

  /** Draws what lies in front of the near plane of the triangle whose corners are at `corner` of the indices. */
  protected drawClipped(camera: Camera, corner: number): void {
    const { indices, vertices } = this;
    const corners = [indices[corner]!, indices[corner + 1]!, indices[corner + 2]!] as const;
    this.#drawPolygon(clipAtNear(vertices, camera, corners));
  }

  /** Draws those triangles of a convex polygon that face the camera. */
  #drawPolygon(polygon: readonly number[]): void {
    const { column, row } = this.vertices;
    const a = polygon[0]!;
    for (let next = 1; next + 1 < polygon.length; next++) {
      const b = polygon[next]!;
      const c = polygon[next + 1]!;
      const area =
        (column[b]! - column[a]!) * (row[c]! - row[a]!) -
        (column[c]! - column[a]!) * (row[b]! - row[a]!);
      if (area < 0) this.fillTriangle(a, b, c);
    }
  }

  /**
   * Records a triangle that faces the camera and claims the samples where it is nearest.
   *
   * Long and with positional parameters on purpose: this is the innermost loop, called some thousand
   * times per frame, and calls or objects within it would double its cost.
   */
  // eslint-disable-next-line max-lines-per-function -- innermost loop, see above
  fillTriangle(a: number, b: number, c: number): void {
    const { column, row, inverseW } = this.vertices;
    const { width, height, samples, touched } = this;
    const { inverseDepth, triangle } = this.#target;
    // Sort by row: top, mid, low.
    let top = a;
    let mid = b;
    let low = c;
    if (row[top]! > row[mid]!) {
      top = b;
      mid = a;
    }
    if (row[mid]! > row[low]!) {
      low = mid;
      mid = c;
      if (row[top]! > row[mid]!) {
        mid = top;
        top = c;
      }
    }
    const y0 = row[top]!;
    const y1 = row[mid]!;
    const y2 = row[low]!;
    // Sub-row r has its samples at y = (r + 1/2) / samples.
    if (y2 <= 0 || y0 >= height) return;
    const rows = height * samples;
    const first = y0 > 0 ? Math.ceil(y0 * samples - 0.5) | 0 : 0;
    const end = y2 < height ? Math.ceil(y2 * samples - 0.5) | 0 : rows;
    if (first >= end) return;
    const x0 = column[top]!;
    const x1 = column[mid]!;
    const x2 = column[low]!;
    const left = x0 < x1 ? (x0 < x2 ? x0 : x2) : x1 < x2 ? x1 : x2;
    const right = x0 > x1 ? (x0 > x2 ? x0 : x2) : x1 > x2 ? x1 : x2;
    if (right <= 0 || left >= width) return;

    const rowMin = (first / samples) | 0;
    const rowMax = ((end + samples - 1) / samples) | 0;

    // 1/w is linear in the image: 1/w = base + dx x + dy y.
    const ax = column[a]!;
    const ay = row[a]!;
    const wa = inverseW[a]!;
    const wb = inverseW[b]! - wa;
    const wc = inverseW[c]! - wa;
    const bx = column[b]! - ax;
    const by = row[b]! - ay;
    const cx = column[c]! - ax;
    const cy = row[c]! - ay;
    const area = bx * cy - cx * by;
    if (area < -MIN_SOUND_AREA && right - left < MAX_SOUND_EXTENT && y2 - y0 < MAX_SOUND_EXTENT) {
      const wMax = wb > wc ? (wb > 0 ? wb : 0) : wc > 0 ? wc : 0;
      const xMin = left > 0 ? left | 0 : 0;
      const xMax = right < width ? right | 0 : width - 1;
      const nearest = (wa + wMax) * DEPTH_MARGIN;
      if (this.tiles.hides(inverseDepth, xMin, xMax, rowMin, rowMax - 1, nearest)) return;
    }
    const dx = (wb * cy - wc * by) / area;
    const dy = (wc * bx - wb * cx) / area;
    const base = wa - dx * ax - dy * ay;
    const id = this.triangles.add(a, b, c);
    this.triangles.setPlane(id, base, dx, dy);

    if (left < touched.xMin) touched.xMin = left < 0 ? 0 : left | 0;
    if (right > touched.xMax) touched.xMax = right > width ? width : Math.ceil(right);
    if (rowMin < touched.yMin) touched.yMin = rowMin;
    if (rowMax > touched.yMax) touched.yMax = rowMax;

    // All bounds of loops are small integers: a double among them would make every row slower.
    const middle = y1 > 0 ? (y1 < height ? Math.ceil(y1 * samples - 0.5) | 0 : rows) : 0;
    const longSlope = (x2 - x0) / (y2 - y0);
    const longIsLeft = x0 + (y1 - y0) * longSlope < x1;
    const subRow = 1 / samples;
    // The part above the middle corner, then the part below: one edge runs through both.
    for (let part = 0; part < 2; part++) {
      const isUpper = part === 0;
      const shortX = isUpper ? x0 : x1;
      const shortY = isUpper ? y0 : y1;
      const shortSlope = isUpper ? (x1 - x0) / (y1 - y0) : (x2 - x1) / (y2 - y1);
      const leftX = longIsLeft ? x0 : shortX;
      const leftY = longIsLeft ? y0 : shortY;
      const leftSlope = longIsLeft ? longSlope : shortSlope;
      const rightX = longIsLeft ? shortX : x0;
      const rightY = longIsLeft ? shortY : y0;
      const rightSlope = longIsLeft ? shortSlope : longSlope;
      const partFirst = isUpper || middle < first ? first : middle;
      const partEnd = isUpper && middle < end ? middle : end;
      for (let r = partFirst; r < partEnd; r++) {
        const y = (r + 0.5) * subRow;
        const offset = samples === 1 ? 0.5 : SAMPLE_COLUMN_4[r & 3]!;
        const from = leftX + (y - leftY) * leftSlope - offset;
        const to = rightX + (y - rightY) * rightSlope - offset;
        const start = from > 0 ? (from < width ? Math.ceil(from) | 0 : width) : 0;
        const stop = to > 0 ? (to < width ? Math.ceil(to) | 0 : width) : 0;
        if (start >= stop) continue;
        const z0 = base + dx * (start + offset) + dy * y;
        const line = r * width + start;
        for (let step = 0; step < stop - start; step++) {
          const z = z0 + dx * step;
          if (z < inverseDepth[line + step]!) continue;
          inverseDepth[line + step] = z;
          triangle[line + step] = id;
        }
      }
    }
  }
}
