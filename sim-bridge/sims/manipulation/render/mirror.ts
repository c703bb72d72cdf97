import { blendGeoms } from "./blend.ts";
import type { DrawingParts } from "./blend.ts";
import type { Camera } from "./camera.ts";
import { POSE_STRIDE } from "./pose.ts";
import type { Extent } from "./raster.ts";
import type { SampleBuffer } from "./raster-memory.ts";
import { Resolver } from "./resolve.ts";
import type { RenderScene } from "./scene.ts";
import { TriangleList } from "./triangles.ts";
import type { BodyPoses } from "./types.ts";

/** A picture that was drawn and coloured, and what may be seen in its mirror. */
export interface MirroredFrame {
  readonly camera: Camera;
  readonly target: SampleBuffer;
  readonly triangles: TriangleList;
  readonly poses: BodyPoses;
  readonly opaqueRows: readonly number[];
  readonly blendedRows: readonly number[];
}

/** Cosine above which a corner's normal, in the frame of the geom, is that of the Z+ face. */
const FACE_COSINE = 0.5;
/** Nothing is seen where the mirror is not: whatever lies behind this 1/w is hidden. */
const HIDDEN = Infinity;
const BLACK = { shadePixel: () => 0 };

/** Whether any geom of the scene mirrors. */
export function hasMirror({ geoms }: RenderScene): boolean {
  return geoms.some(({ reflectance }) => reflectance > 0);
}

/**
 * The planar reflection of MuJoCo's renderer (`render_gl3.c`).
 *
 * The first opaque plane or box whose material has a reflectance mirrors, with its Z+ face alone, and only
 * towards a camera in front of it. What lies in front of the face is drawn once more through the mirrored
 * camera: under the lights of the world, its diffuse colour (not its highlights) scaled by the reflectance,
 * without sky and without mirrors in the mirror. That is added to the colours of the face.
 *
 * It is done last, on the finished picture of everything opaque: so the face may be part of a baked
 * background, and only the reflection is drawn in every frame.
 */
export class Mirror {
  readonly #parts: DrawingParts;
  readonly #resolver: Resolver;
  readonly #buffer: SampleBuffer;
  readonly #triangles: TriangleList;
  readonly #rgb: Uint8Array;
  /** Rows of the geoms that mirror if no earlier one does. */
  readonly #candidates: readonly number[];
  /** For each list of triangles, which of them belong to the Z+ face of a candidate. */
  readonly #faces = new Map<TriangleList, Uint8Array>();
  readonly #pose = new Float64Array(POSE_STRIDE);
  /** The mirror's plane in the world: unit normal and offset, `normal . p + offset` = height above it. */
  readonly #plane = new Float64Array(4);
  /** The same in coordinates of the mirrored camera, as `clipAtPlane` takes it. */
  readonly #cameraPlane = new Float64Array(4);
  readonly #extent: Extent = { xMin: 0, yMin: 0, xMax: 0, yMax: 0 };

  constructor(parts: DrawingParts) {
    const { scene, memory, shader, isExact } = parts;
    this.#parts = parts;
    this.#buffer = memory.sampleBuffer();
    this.#triangles = new TriangleList(memory);
    this.#resolver = new Resolver(memory.size, { shader, sky: BLACK, isExact });
    this.#rgb = new Uint8Array(3 * memory.size.width * memory.size.height);
    this.#candidates = [...scene.geoms.keys()].filter((row) => scene.geoms[row]!.reflectance > 0);
  }

  /**
   * Notes which triangles from number `first` on belong to a face that may mirror; to be called before
   * the vertices that clipping made are forgotten.
   */
  mark(triangles: TriangleList, first: number): void {
    const { scene, raster } = this.#parts;
    const faces = this.#faces.get(triangles) ?? new Uint8Array(triangles.capacity + 1);
    this.#faces.set(triangles, faces);
    for (let id = first; id <= triangles.count; id++) {
      const isCandidate = scene.geoms[triangles.geom[id]!]!.reflectance > 0;
      const corner = isCandidate ? raster.vertices.sceneVertex(triangles.a[id]!) : 0;
      faces[id] = Number(isCandidate && scene.normals[3 * corner + 2]! > FACE_COSINE);
    }
  }

  /**
   * Adds the reflection to a picture. The rasteriser, the lighting and the shader are left as the mirrored
   * frame needs them.
   *
   * @param rgb uint8[height, width, 3], everything opaque
   * @returns whether there was any
   */
  addTo(rgb: Uint8Array, frame: MirroredFrame): boolean {
    const row = this.#mirrorRow(frame);
    if (row === undefined || !this.#markSamples(row, frame)) return false;
    const { raster, lighting, shader, geomPoses, scene } = this.#parts;
    const camera = { ...frame.camera, pose: this.#pose };
    this.#placeCamera(frame.camera);
    raster.triangles = this.#triangles;
    this.#triangles.count = 0;
    raster.vertices.clippedCount = 0;
    raster.resetTouched();
    raster.begin(this.#buffer, true);
    const others = frame.opaqueRows.filter((other) => other !== row);
    for (const other of this.#parts.drawer.visibleRows(camera, others)) {
      this.#drawRow(camera, other);
    }
    const { reflectance } = scene.geoms[row]!;
    const { camera: viewer, poses } = frame;
    const mirrored = { eye: this.#pose, reflectance };
    lighting.begin({ eye: viewer.pose, geomPoses, poses, mirrored });
    shader.begin(this.#triangles);
    this.#resolver.resolve(this.#buffer, this.#rgb, { extent: this.#extent });
    blendGeoms(frame.blendedRows, this.#parts, {
      camera,
      opaque: this.#buffer,
      rgb: this.#rgb,
      isMirrored: true,
      drawRow: (other) => this.#drawRow(camera, other),
    });
    this.#add(rgb);
    return true;
  }

  /** Places the plane of the geom that mirrors towards a camera; undefined = none. */
  #mirrorRow({ camera, opaqueRows }: MirroredFrame): number | undefined {
    const { geomPoses, scene } = this.#parts;
    for (const row of this.#candidates) {
      if (!opaqueRows.includes(row)) continue;
      const plane = this.#plane;
      const at = POSE_STRIDE * row;
      const { faceHeight, isPlane } = scene.geoms[row]!;
      let offset = -faceHeight;
      for (let axis = 0; axis < 3; axis++) {
        plane[axis] = geomPoses[at + 5 + 3 * axis]!;
        offset -= plane[axis]! * geomPoses[at + axis]!;
      }
      plane[3] = offset;
      if (this.#heightOf(camera.pose, 0) >= 0) return row;
      // Seen from behind, a plane is no candidate (MuJoCo counts it as see-through), but a box remains it.
      if (!isPlane) return undefined;
    }
    return undefined;
  }

  #heightOf(points: Float64Array, offset: number): number {
    const [nx, ny, nz, d] = this.#plane as unknown as [number, number, number, number];
    return nx * points[offset]! + ny * points[offset + 1]! + nz * points[offset + 2]! + d;
  }

  /** Opens the mirror's buffer at the samples that show its face; false if none does. */
  #markSamples(row: number, { target, triangles, camera }: MirroredFrame): boolean {
    const { width, samples } = this.#parts.raster;
    const faces = this.#faces.get(triangles)!;
    const { inverseDepth, triangle } = this.#buffer;
    const open = 1 / camera.far;
    inverseDepth.fill(HIDDEN);
    triangle.fill(0);
    const extent = this.#extent;
    Object.assign(extent, { xMin: width, yMin: camera.height, xMax: 0, yMax: 0 });
    const ids = target.triangle;
    for (let sample = 0; sample < ids.length; sample++) {
      const id = ids[sample]!;
      if (faces[id] === 0 || triangles.geom[id] !== row) continue;
      inverseDepth[sample] = open;
      const line = (sample / width) | 0;
      const column = sample - line * width;
      const pixelRow = (line / samples) | 0;
      if (column < extent.xMin) extent.xMin = column;
      if (column >= extent.xMax) extent.xMax = column + 1;
      if (pixelRow < extent.yMin) extent.yMin = pixelRow;
      extent.yMax = pixelRow + 1;
    }
    return extent.xMax > 0;
  }

  /** Mirrors the camera: `p - 2 height(p) normal` for its place, the same without offset for its axes. */
  #placeCamera({ pose }: Camera): void {
    const mirrored = this.#pose;
    const plane = this.#plane;
    const height = this.#heightOf(pose, 0);
    for (let row = 0; row < 3; row++) mirrored[row] = pose[row]! - 2 * height * plane[row]!;
    this.#cameraPlane[3] = -height; // as far below the plane as the camera is above it
    for (let axis = 0; axis < 3; axis++) {
      let along = 0;
      for (let row = 0; row < 3; row++) along += plane[row]! * pose[3 + 3 * row + axis]!;
      for (let row = 0; row < 3; row++) {
        const entry = 3 + 3 * row + axis;
        mirrored[entry] = pose[entry]! - 2 * along * plane[row]!;
      }
      // Along the mirrored axis the height falls where it rose; w runs against the third axis.
      this.#cameraPlane[axis] = axis === 2 ? along : -along;
    }
  }

  /** Draws what of a geom lies above the plane and may be seen in the mirror's part of the picture. */
  #drawRow(camera: Camera, row: number): void {
    const { drawer, raster, scene } = this.#parts;
    if (!drawer.look(camera, row)) return;
    const { center, radius } = scene.geoms[row]!;
    const { view } = drawer;
    const [x, y, w] = [0, 1, 2].map(
      (axis) =>
        view[3 * axis]! * center[0]! +
        view[3 * axis + 1]! * center[1]! +
        view[3 * axis + 2]! * center[2]! +
        view[9 + axis]!,
    ) as [number, number, number];
    const plane = this.#cameraPlane;
    const height = plane[0]! * x + plane[1]! * y + plane[2]! * w + plane[3]!;
    if (height < -radius || this.#isOutside(camera, { x, y, w, radius })) return;
    const level = drawer.levelOf(camera, row);
    raster.triangles.currentGeom = row;
    if (height >= radius) raster.drawLevel(camera, level, view, drawer.sphere.crossesNear);
    else raster.drawLevelAbove(camera, level, view, plane);
  }

  /** Whether a sphere lies wholly beside the rectangle of pixels that shows the mirror. */
  #isOutside(
    { width, height, focalPx }: Camera,
    sphere: { x: number; y: number; w: number; radius: number },
  ): boolean {
    const { xMin, xMax, yMin, yMax } = this.#extent;
    const { x, y, w, radius } = sphere;
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

  #add(rgb: Uint8Array): void {
    const { xMin, xMax, yMin, yMax } = this.#extent;
    const { width } = this.#parts.raster;
    const mirrored = this.#rgb;
    for (let row = yMin; row < yMax; row++) {
      const end = 3 * (row * width + xMax);
      for (let byte = 3 * (row * width + xMin); byte < end; byte++) {
        const sum = rgb[byte]! + mirrored[byte]!;
        rgb[byte] = sum < 255 ? sum : 255;
      }
    }
  }
}
