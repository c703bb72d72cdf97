import type { Camera } from "./camera.ts";
import { POSE_STRIDE } from "./pose.ts";
import type { Extent } from "./raster.ts";
import type { SampleBuffer } from "./raster-memory.ts";
import type { BakedColours } from "./resolve.ts";

/** What was drawn and coloured to be kept, see `Background`. */
export interface BakedPicture extends BakedColours {
  /** Copied here. */
  readonly buffer: SampleBuffer;
  /** Rows of the geoms in it that could move, ascending. */
  readonly restingRows: readonly number[];
}

/**
 * The picture of what never moves and of what rests, as a camera that never moves sees it. Frames are drawn over a copy
 * of its samples, of which only the rows that the last frame touched must be restored.
 */
export class Background implements BakedColours {
  readonly rgb: Uint8Array;
  readonly samples: Int32Array;
  readonly triangleCount: number;
  readonly restingRows: readonly number[];
  /** Where the frames are drawn. */
  readonly frame: SampleBuffer;
  /** What the last frame drew over. */
  readonly changed: Extent = { xMin: 0, yMin: 0, xMax: 0, yMax: 0 };
  /** As it was baked. */
  readonly buffer: SampleBuffer;
  readonly #samplesPerRow: number;
  readonly #poses: Float64Array;
  readonly #fixedRows: readonly number[];
  readonly #contained: ReadonlySet<number>;

  /**
   * @param place where the camera is, the geoms that never move and poses of all geoms, POSE_STRIDE numbers each
   */
  constructor(
    picture: BakedPicture,
    frame: SampleBuffer,
    place: { camera: Camera; fixedRows: readonly number[]; geomPoses: Float64Array },
  ) {
    this.rgb = picture.rgb;
    this.samples = picture.samples;
    this.triangleCount = picture.triangleCount;
    this.restingRows = picture.restingRows;
    this.#contained = new Set([...place.fixedRows, ...picture.restingRows]);
    this.frame = frame;
    const { inverseDepth, triangle } = picture.buffer;
    this.buffer = { inverseDepth: inverseDepth.slice(), triangle: triangle.slice() };
    this.#samplesPerRow = triangle.length / place.camera.height;
    frame.inverseDepth.set(inverseDepth);
    frame.triangle.set(triangle);
    const { camera, fixedRows, geomPoses } = place;
    this.#fixedRows = fixedRows;
    this.#poses = new Float64Array(POSE_STRIDE * (1 + fixedRows.length));
    this.#poses.set(camera.pose);
    fixedRows.forEach((row, index) => {
      const from = POSE_STRIDE * row;
      this.#poses.set(geomPoses.subarray(from, from + POSE_STRIDE), POSE_STRIDE * (1 + index));
    });
  }

  /** Takes what the last frame drew away again. */
  restore(): void {
    const { frame, changed } = this;
    const start = changed.yMin * this.#samplesPerRow;
    const end = changed.yMax * this.#samplesPerRow;
    if (end <= start) return;
    frame.inverseDepth.set(this.buffer.inverseDepth.subarray(start, end), start);
    frame.triangle.set(this.buffer.triangle.subarray(start, end), start);
  }

  /** Whether a row's geom is in the picture. */
  contains(row: number): boolean {
    return this.#contained.has(row);
  }

  /** Whether the camera is elsewhere than it was. */
  hasOtherView({ pose }: Camera): boolean {
    return !this.#isSame(0, pose, 0);
  }

  /** Those of the geoms that never move which did. */
  movedRows(geomPoses: Float64Array): readonly number[] {
    return this.#fixedRows.filter(
      (row, index) => !this.#isSame(POSE_STRIDE * (1 + index), geomPoses, POSE_STRIDE * row),
    );
  }

  #isSame(then: number, now: Float64Array, offset: number): boolean {
    for (let i = 0; i < POSE_STRIDE; i++) {
      if (this.#poses[then + i] !== now[offset + i]) return false;
    }
    return true;
  }
}

/** Makes an extent hold another one as well. */
export function widen(extent: Extent, other: Extent): void {
  if (other.xMax <= other.xMin || other.yMax <= other.yMin) return;
  extent.xMin = Math.min(extent.xMin, other.xMin);
  extent.yMin = Math.min(extent.yMin, other.yMin);
  extent.xMax = Math.max(extent.xMax, other.xMax);
  extent.yMax = Math.max(extent.yMax, other.yMax);
}
