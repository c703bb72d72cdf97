import type { Background } from "./background.ts";
import { blendGeoms } from "./blend.ts";
import type { DrawingParts } from "./blend.ts";
import type { Camera } from "./camera.ts";
import { MirrorView, rectangleOf, seenSphere } from "./mirror-view.ts";
import { POSE_STRIDE } from "./pose.ts";
import type { Extent } from "./raster.ts";
import type { SampleBuffer } from "./raster-memory.ts";
import { KeptReflection } from "./reflection.ts";
import type { DrawnReflection } from "./reflection.ts";
import type { Backdrop, Resolver } from "./resolve.ts";
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
  /** What the picture was drawn over, if it was. */
  readonly background: Background | undefined;
}

/** Cosine above which a corner's normal, in the frame of the geom, is that of the Z+ face. */
const FACE_COSINE = 0.5;
/** Nothing is seen where the mirror is not: whatever lies behind this 1/w is hidden. */
const HIDDEN = Infinity;
const BLACK: Backdrop = { isBlack: true, shadePixel: () => 0 };

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
 * background. The reflection of a background's geoms is kept with it, and used while nothing else is seen there.
 */
export class Mirror {
  readonly #parts: DrawingParts;
  readonly #resolver: Resolver;
  /** Closed, that is, nearer than anything, but at the samples of `#extent` that show the face. */
  readonly #buffer: SampleBuffer;
  readonly #triangles: TriangleList;
  /** Of this frame. */
  readonly #drawn: DrawnReflection;
  /** Rows of the geoms that mirror if no earlier one does. */
  readonly #candidates: readonly number[];
  /** For each list of triangles, which of them belong to the Z+ face of a candidate. */
  readonly #faces = new Map<TriangleList, Uint8Array>();
  readonly #view = new MirrorView();
  readonly #extent: Extent = { xMin: 0, yMin: 0, xMax: 0, yMax: 0 };
  readonly #kept = new WeakMap<Background, KeptReflection>();
  #hasDrawn = false;

  constructor(parts: DrawingParts) {
    const { scene, memory, createResolver } = parts;
    this.#parts = parts;
    this.#buffer = memory.sampleBuffer();
    this.#buffer.inverseDepth.fill(HIDDEN);
    this.#triangles = new TriangleList(memory);
    this.#resolver = createResolver(BLACK);
    const { inverseDepth } = this.#buffer;
    this.#drawn = {
      extent: this.#extent,
      rgb: new Uint8Array(3 * memory.size.width * memory.size.height),
      samples: new Int32Array(inverseDepth.length),
      inverseDepth,
    };
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
   * Adds the reflection to a picture.
   *
   * @param rgb uint8[height, width, 3], everything opaque
   * @returns whether the rasteriser, the lighting and the shader were used, and are left as the mirrored frame needs them
   */
  addTo(rgb: Uint8Array, frame: MirroredFrame): boolean {
    this.#hasDrawn = false;
    const row = this.#mirrorRow(frame);
    if (row === undefined) return false;
    const camera = this.#view.mirror(frame.camera);
    const kept = this.#keptReflection(row, camera, frame);
    const others = kept && this.#seenBesides(camera, kept, frame);
    if (kept !== undefined && others !== undefined) {
      this.#drawOver(kept, others, { row, camera, frame });
    } else if (this.#markSamples(row, frame)) {
      this.#draw(row, camera, frame);
    }
    this.#add(rgb);
    return this.#hasDrawn;
  }

  /** Places the plane of the geom that mirrors towards a camera; undefined = none. */
  #mirrorRow({ camera, opaqueRows }: MirroredFrame): number | undefined {
    const { geomPoses, scene } = this.#parts;
    for (const row of this.#candidates) {
      if (!opaqueRows.includes(row)) continue;
      const geom = scene.geoms[row]!;
      this.#view.placePlane(geom, geomPoses, POSE_STRIDE * row);
      if (this.#view.heightOf(camera) >= 0) return row;
      // Seen from behind, a plane is no candidate (MuJoCo counts it as see-through), but a box remains it.
      if (!geom.isPlane) return undefined;
    }
    return undefined;
  }

  /**
   * What of a frame's background is seen in its mirror, made when first asked for; undefined if there is no background or
   * the geom that mirrors is not in it.
   */
  #keptReflection(row: number, camera: Camera, frame: MirroredFrame): KeptReflection | undefined {
    const { background } = frame;
    if (background?.contains(row) !== true) return undefined;
    const known = this.#kept.get(background);
    if (known !== undefined) return known;
    const { raster } = this.#parts;
    const seen = background.buffer;
    if (this.#markSamples(row, { ...frame, target: seen })) {
      const opaqueRows = frame.opaqueRows.filter((other) => background.contains(other));
      this.#draw(row, camera, { ...frame, opaqueRows, blendedRows: [] });
    }
    const samples = this.#resolver.sampleColours(this.#buffer);
    const kept = new KeptReflection({ ...this.#drawn, samples }, { seen, size: raster });
    this.#kept.set(background, kept);
    return kept;
  }

  /**
   * Rows of opaque geoms that are not in the background and may be seen in the part of the picture that mirrors; undefined
   * if see-through ones may be.
   */
  #seenBesides(
    camera: Camera,
    kept: KeptReflection,
    { background, blendedRows, opaqueRows }: MirroredFrame,
  ): readonly number[] | undefined {
    const { drawer, scene } = this.#parts;
    const mayBeSeen = (row: number): boolean =>
      drawer.look(camera, row) &&
      this.#view.mayShow(camera, seenSphere(scene.geoms[row]!, drawer.view), kept.extent);
    if (blendedRows.some(mayBeSeen)) return undefined;
    return opaqueRows.filter((row) => background?.contains(row) !== true && mayBeSeen(row));
  }

  /** Draws further geoms over a kept reflection. */
  #drawOver(
    kept: KeptReflection,
    others: readonly number[],
    { row, camera, frame }: { row: number; camera: Camera; frame: MirroredFrame },
  ): void {
    this.#close();
    kept.copyTo(this.#drawn, frame.target);
    Object.assign(this.#extent, kept.extent);
    if (others.length === 0) return;
    this.#drawRows(others, camera);
    this.#beginShading(row, camera, frame);
    const { rgb, samples } = this.#drawn;
    const baked = { rgb, samples, triangleCount: 0 };
    this.#resolver.resolve(this.#buffer, rgb, { extent: this.#extent, baked });
  }

  /** Opens the mirror's buffer at the samples that show its face; false if none does. */
  #markSamples(row: number, { target, triangles, camera }: MirroredFrame): boolean {
    const { drawer, raster, scene } = this.#parts;
    const { width, samples } = raster;
    const { inverseDepth, triangle } = this.#buffer;
    const extent = this.#extent;
    this.#close();
    Object.assign(extent, { xMin: width, yMin: camera.height, xMax: 0, yMax: 0 });
    if (!drawer.look(camera, row)) return false;
    const within = rectangleOf(camera, seenSphere(scene.geoms[row]!, drawer.view));
    const faces = this.#faces.get(triangles)!;
    const open = 1 / camera.far;
    const ids = target.triangle;
    for (let line = within.yMin * samples; line < within.yMax * samples; line++) {
      for (let column = within.xMin; column < within.xMax; column++) {
        const sample = line * width + column;
        const id = ids[sample]!;
        if (faces[id] === 0 || triangles.geom[id] !== row) continue;
        inverseDepth[sample] = open;
        triangle[sample] = 0;
        if (column < extent.xMin) extent.xMin = column;
        if (column >= extent.xMax) extent.xMax = column + 1;
        const pixelRow = (line / samples) | 0;
        if (pixelRow < extent.yMin) extent.yMin = pixelRow;
        extent.yMax = pixelRow + 1;
      }
    }
    return extent.xMax > 0;
  }

  /** Hides the samples that were opened last: nothing was drawn elsewhere. */
  #close(): void {
    const { width, samples } = this.#parts.raster;
    const { inverseDepth, triangle } = this.#buffer;
    const { xMin, yMin, xMax, yMax } = this.#extent;
    for (let line = yMin * samples; line < yMax * samples; line++) {
      inverseDepth.fill(HIDDEN, line * width + xMin, line * width + xMax);
      triangle.fill(0, line * width + xMin, line * width + xMax);
    }
  }

  /** Draws the mirrored world into the samples that are open, and colours it. */
  #draw(row: number, camera: Camera, frame: MirroredFrame): void {
    const others = frame.opaqueRows.filter((other) => other !== row);
    this.#drawRows(others, camera);
    this.#beginShading(row, camera, frame);
    const { rgb } = this.#drawn;
    this.#resolver.resolve(this.#buffer, rgb, { extent: this.#extent });
    blendGeoms(frame.blendedRows, this.#parts, {
      camera,
      opaque: this.#buffer,
      rgb,
      isMirrored: true,
      drawRow: (other) => this.#drawRow(camera, other),
    });
  }

  #drawRows(rows: readonly number[], camera: Camera): void {
    const { raster, drawer } = this.#parts;
    this.#hasDrawn = true;
    raster.triangles = this.#triangles;
    this.#triangles.count = 0;
    raster.vertices.clippedCount = 0;
    raster.resetTouched();
    raster.begin(this.#buffer, true);
    for (const row of drawer.visibleRows(camera, rows)) this.#drawRow(camera, row);
  }

  #beginShading(row: number, camera: Camera, { camera: viewer, poses }: MirroredFrame): void {
    const { lighting, shader, geomPoses, scene } = this.#parts;
    const mirrored = { eye: camera.pose, reflectance: scene.geoms[row]!.reflectance };
    lighting.begin({ eye: viewer.pose, geomPoses, poses, mirrored });
    shader.begin(this.#triangles);
  }

  /** Draws what of a geom lies above the plane and may be seen in the mirror's part of the picture. */
  #drawRow(camera: Camera, row: number): void {
    const { drawer, raster, scene } = this.#parts;
    if (!drawer.look(camera, row)) return;
    const view = this.#view;
    const sphere = seenSphere(scene.geoms[row]!, drawer.view);
    if (!view.mayShow(camera, sphere, this.#extent)) return;
    const level = drawer.levelOf(camera, row);
    raster.triangles.currentGeom = row;
    if (view.heightOfSphere(sphere) >= sphere.radius) {
      raster.drawLevel(camera, level, drawer.view, drawer.sphere.crossesNear);
    } else raster.drawLevelAbove(camera, level, drawer.view, view.cameraPlane);
  }

  #add(rgb: Uint8Array): void {
    const { xMin, xMax, yMin, yMax } = this.#extent;
    const { width } = this.#parts.raster;
    const mirrored = this.#drawn.rgb;
    for (let row = yMin; row < yMax; row++) {
      const end = 3 * (row * width + xMax);
      for (let byte = 3 * (row * width + xMin); byte < end; byte++) {
        const sum = rgb[byte]! + mirrored[byte]!;
        rgb[byte] = sum < 255 ? sum : 255;
      }
    }
  }
}
