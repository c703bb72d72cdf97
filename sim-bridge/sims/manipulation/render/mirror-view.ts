import type { Camera } from "./camera.ts";
import { POSE_STRIDE } from "./pose.ts";
import type { Extent } from "./raster.ts";
import type { SceneGeom } from "./scene.ts";

/** A bounding sphere in coordinates of a camera, m. */
export interface SeenSphere {
  readonly x: number;
  readonly y: number;
  /** Depth along the optical axis. */
  readonly w: number;
  readonly radius: number;
}

/** @param view camera from geom, as `viewFromPose` makes it */
export function seenSphere({ center, radius }: SceneGeom, view: Float64Array): SeenSphere {
  const along = (axis: 0 | 1 | 2): number =>
    view[3 * axis]! * center[0]! +
    view[3 * axis + 1]! * center[1]! +
    view[3 * axis + 2]! * center[2]! +
    view[9 + axis]!;
  return { x: along(0), y: along(1), w: along(2), radius };
}

/** Pixels outside of which nothing inside a sphere is seen. */
export function rectangleOf(camera: Camera, sphere: SeenSphere): Extent {
  const { width, height, focalPx, near } = camera;
  const { x, y, w, radius } = sphere;
  const nearest = w - radius;
  if (nearest <= near) return { xMin: 0, yMin: 0, xMax: width, yMax: height };
  const edgePx = (center: number, side: 1 | -1): number => {
    const edge = center + side * radius;
    return (focalPx * edge) / (edge * side > 0 ? nearest : w + radius);
  };
  const clamp = (px: number, most: number): number => Math.min(Math.max(px, 0), most);
  return {
    xMin: clamp(Math.floor(width / 2 + edgePx(x, -1)), width),
    xMax: clamp(Math.ceil(width / 2 + edgePx(x, 1)), width),
    yMin: clamp(Math.floor(height / 2 - edgePx(y, 1)), height),
    yMax: clamp(Math.ceil(height / 2 - edgePx(y, -1)), height),
  };
}

/** Whether a sphere lies wholly beside a rectangle of pixels. */
function isBeside(
  { width, height, focalPx }: Camera,
  { x, y, w, radius }: SeenSphere,
  { xMin, xMax, yMin, yMax }: Extent,
): boolean {
  const isBeyond = (distance: number, slope: number): boolean =>
    distance > radius * Math.sqrt(1 + slope * slope);
  const left = (xMin - width / 2) / focalPx;
  const right = (xMax - width / 2) / focalPx;
  const top = (height / 2 - yMin) / focalPx;
  const bottom = (height / 2 - yMax) / focalPx;
  return (
    isBeyond(left * w - x, left) ||
    isBeyond(x - right * w, right) ||
    isBeyond(y - top * w, top) ||
    isBeyond(bottom * w - y, bottom)
  );
}

/** The plane of a mirror in one frame, and the camera behind it. */
export class MirrorView {
  /** The plane in coordinates of the mirrored camera, as `clipAtPlane` takes it. */
  readonly cameraPlane = new Float64Array(4);
  /** Pose of the mirrored camera. */
  readonly pose = new Float64Array(POSE_STRIDE);
  /** In the world: unit normal and offset, `normal . p + offset` = height above the plane. */
  readonly #plane = new Float64Array(4);

  /** @param at where the pose of the geom begins in `geomPoses` */
  placePlane({ faceHeight }: SceneGeom, geomPoses: Float64Array, at: number): void {
    const plane = this.#plane;
    let offset = -faceHeight;
    for (let axis = 0; axis < 3; axis++) {
      plane[axis] = geomPoses[at + 5 + 3 * axis]!;
      offset -= plane[axis]! * geomPoses[at + axis]!;
    }
    plane[3] = offset;
  }

  /** How far above the plane a camera is, m. */
  heightOf({ pose }: Camera): number {
    const [nx, ny, nz, d] = this.#plane as unknown as [number, number, number, number];
    return nx * pose[0]! + ny * pose[1]! + nz * pose[2]! + d;
  }

  /** Mirrors a camera: `p - 2 height(p) normal` for its place, the same without offset for its axes. */
  mirror(camera: Camera): Camera {
    const { pose } = camera;
    const mirrored = this.pose;
    const plane = this.#plane;
    const height = this.heightOf(camera);
    for (let row = 0; row < 3; row++) mirrored[row] = pose[row]! - 2 * height * plane[row]!;
    this.cameraPlane[3] = -height; // as far below the plane as the camera is above it
    for (let axis = 0; axis < 3; axis++) {
      let along = 0;
      for (let row = 0; row < 3; row++) along += plane[row]! * pose[3 + 3 * row + axis]!;
      for (let row = 0; row < 3; row++) {
        const entry = 3 + 3 * row + axis;
        mirrored[entry] = pose[entry]! - 2 * along * plane[row]!;
      }
      // Along the mirrored axis the height falls where it rose; w runs against the third axis.
      this.cameraPlane[axis] = axis === 2 ? along : -along;
    }
    return { ...camera, pose: mirrored };
  }

  /** Height of a sphere's centre, in coordinates of the mirrored camera, above the plane, m. */
  heightOfSphere({ x, y, w }: SeenSphere): number {
    const plane = this.cameraPlane;
    return plane[0]! * x + plane[1]! * y + plane[2]! * w + plane[3]!;
  }

  /** Whether a part of a sphere is above the plane and may be seen in a rectangle of pixels. */
  mayShow(camera: Camera, sphere: SeenSphere, extent: Extent): boolean {
    return this.heightOfSphere(sphere) >= -sphere.radius && !isBeside(camera, sphere, extent);
  }
}
