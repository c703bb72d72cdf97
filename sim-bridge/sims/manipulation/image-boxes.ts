import type { ImageBox, Vec3 } from "../../../src/core/index.ts";
import { composePoses, invertPose, transformPoint, type Pose } from "../../../src/math/index.ts";

/** Where things are in an image: of what is drawn from its labels, of empty regions by projection. */

/**
 * The box around each geom's visible pixels.
 * @param segmentation uint16[height, width]: 0 = background, else 1 + geom id
 * @returns one entry per geom, undefined where it is not seen
 */
export function visibleBoxes(
  segmentation: Uint16Array,
  width: number,
  geomCount: number,
): readonly (ImageBox | undefined)[] {
  const xMin = new Int32Array(geomCount).fill(width);
  const xMax = new Int32Array(geomCount);
  const yMin = new Int32Array(geomCount).fill(segmentation.length);
  const yMax = new Int32Array(geomCount);
  for (let pixel = 0; pixel < segmentation.length; pixel++) {
    const geom = segmentation[pixel]! - 1;
    if (geom < 0) continue;
    const y = Math.floor(pixel / width);
    const x = pixel - y * width;
    if (x < xMin[geom]!) xMin[geom] = x;
    if (x >= xMax[geom]!) xMax[geom] = x + 1;
    if (y < yMin[geom]!) yMin[geom] = y;
    if (y >= yMax[geom]!) yMax[geom] = y + 1;
  }
  return Array.from({ length: geomCount }, (_, geom) =>
    xMax[geom] === 0
      ? undefined
      : { xMin: xMin[geom]!, yMin: yMin[geom]!, xMax: xMax[geom]!, yMax: yMax[geom]! },
  );
}

/** The smallest box around several, undefined where there is none. */
export function unionOfBoxes(boxes: readonly (ImageBox | undefined)[]): ImageBox | undefined {
  let union: ImageBox | undefined;
  for (const box of boxes) {
    if (box === undefined) continue;
    union =
      union === undefined
        ? box
        : {
            xMin: Math.min(union.xMin, box.xMin),
            yMin: Math.min(union.yMin, box.yMin),
            xMax: Math.max(union.xMax, box.xMax),
            yMax: Math.max(union.yMax, box.yMax),
          };
  }
  return union;
}

export interface PinholeView {
  /** The camera looks along its own -z, y up. */
  readonly worldFromCamera: Pose;
  readonly fovyRad: number;
  readonly width: number;
  readonly height: number;
}

/** Nothing nearer to the camera than this is projected, m. */
const NEAREST_M = 0.01;

/**
 * The box around the projection of a cuboid, whether or not something hides it.
 * @returns undefined if it lies outside the image, or partly behind the camera
 */
export function projectedBox(
  view: PinholeView,
  pose: Pose,
  halfExtents: Vec3,
): ImageBox | undefined {
  const { width, height } = view;
  const focalPx = height / 2 / Math.tan(view.fovyRad / 2);
  const cameraFromThing = composePoses(invertPose(view.worldFromCamera), pose);
  const xs: number[] = [];
  const ys: number[] = [];
  for (let corner = 0; corner < 8; corner++) {
    const [x, y, z] = transformPoint(cameraFromThing, [
      corner & 1 ? halfExtents[0] : -halfExtents[0],
      corner & 2 ? halfExtents[1] : -halfExtents[1],
      corner & 4 ? halfExtents[2] : -halfExtents[2],
    ]);
    if (z > -NEAREST_M) return undefined;
    xs.push(width / 2 - (focalPx * x) / z);
    ys.push(height / 2 + (focalPx * y) / z);
  }
  const box = {
    xMin: Math.max(0, Math.floor(Math.min(...xs))),
    yMin: Math.max(0, Math.floor(Math.min(...ys))),
    xMax: Math.min(width, Math.ceil(Math.max(...xs))),
    yMax: Math.min(height, Math.ceil(Math.max(...ys))),
  };
  return box.xMin < box.xMax && box.yMin < box.yMax ? box : undefined;
}
