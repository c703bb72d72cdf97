/**
 * Camera images of a MuJoCo scene in plain TypeScript: colour, depth and geom labels, without GPU or
 * native code, the same bytes on every machine.
 *
 * The colours follow MuJoCo's own OpenGL renderer (fixed-function lighting at vertices, mip-mapped
 * textures, 4 samples per pixel, a planar mirror). Not drawn: height fields, skins, flexes, tendons,
 * sites, fog, shadows. The renderer knows no engine: see `types.ts` for what it is given.
 */
import { blendGeoms } from "./blend.ts";
import type { DrawingParts } from "./blend.ts";
import type { Camera } from "./camera.ts";
import { GeomColours } from "./colours.ts";
import { GeomDrawer } from "./draw.ts";
import { depthImage, segmentationImage } from "./labels.ts";
import { VertexLighting } from "./lighting.ts";
import { Mirror, hasMirror } from "./mirror.ts";
import { POSE_STRIDE, createMount, geomMounts, placeMount } from "./pose.ts";
import type { Mount } from "./pose.ts";
import { KernelRasterizer } from "./kernel-raster.ts";
import type { Extent, Rasterizer } from "./raster.ts";
import { RasterMemory } from "./raster-memory.ts";
import type { SampleBuffer } from "./raster-memory.ts";
import { Resolver } from "./resolve.ts";
import type { BakedColours } from "./resolve.ts";
import { buildScene } from "./scene.ts";
import type { RenderScene } from "./scene.ts";
import { Shader } from "./shade.ts";
import { Sky } from "./sky.ts";
import { TriangleList } from "./triangles.ts";
import type {
  BodyPoses,
  CameraImages,
  CameraOutputs,
  CameraRenderer,
  CameraRendererOptions,
  RenderCamera,
  RenderModel,
} from "./types.ts";

/** Groups MuJoCo shows unless told otherwise. */
const DEFAULT_GROUPS = [0, 1, 2];

/** What is kept of a camera between frames. */
interface CameraState {
  readonly mount: Mount;
  readonly camera: Camera;
  /** Where a camera that is fixed to the world, so that what never moves can be baked, draws its frames. */
  readonly frame: SampleBuffer | undefined;
  /** Static cameras have a list of their own: its first entries are the baked triangles. */
  readonly triangles: TriangleList;
  background: Background | undefined;
}

interface Background extends BakedColours {
  readonly buffer: SampleBuffer;
  /** Where the frames are drawn: the same but in `changed`, so that only that must be restored. */
  readonly frame: SampleBuffer;
  readonly changed: Extent;
  /** Pose of the camera, then those of the baked geoms, at the time of baking. */
  readonly poses: Float64Array;
}

/**
 * Prepares to draw the cameras of a model at one size.
 *
 * @throws {RangeError} if the size or the number of samples cannot be drawn
 */
export function createCameraRenderer(
  model: RenderModel,
  options: CameraRendererOptions,
): CameraRenderer {
  const { width, height, samples = 4 } = options;
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1 || value > 8192) {
      throw new RangeError(
        `Cannot create camera renderer: ${name} is ${value}, it must be an integer from 1 to 8192`,
      );
    }
  }
  if (samples !== 1 && samples !== 4) {
    throw new RangeError(
      `Cannot create camera renderer: samples is ${String(samples)}, it must be 1 or 4`,
    );
  }
  const { fidelity = "fast" } = options;
  if (fidelity !== "fast" && fidelity !== "exact") {
    throw new RangeError(
      `Cannot create camera renderer: fidelity is ${String(fidelity)}, it must be "fast" or "exact"`,
    );
  }
  const groups = options.visibleGroups ?? DEFAULT_GROUPS;
  return new SoftwareRenderer(model, buildScene(model, groups, fidelity), options);
}

class SoftwareRenderer implements CameraRenderer {
  readonly width: number;
  readonly height: number;
  readonly #model: RenderModel;
  readonly #scene: RenderScene;
  readonly #options: CameraRendererOptions;
  /** Depth and labels are those at pixel centres: with 4 samples, drawn by a second renderer with 1. */
  #centres: SoftwareRenderer | undefined;
  readonly #mounts: readonly Mount[];
  readonly #geomIds: readonly number[];
  readonly #cameras = new Map<string, CameraState>();
  readonly #raster: Rasterizer;
  readonly #lighting: VertexLighting;
  readonly #shader: Shader;
  readonly #sky: Sky;
  readonly #resolver: Resolver;
  readonly #buffer: SampleBuffer;
  readonly #cachesBackground: boolean;
  /** World poses of the geoms, POSE_STRIDE numbers each. */
  readonly #poses: Float64Array;
  /** Rows of the geoms whose colours never change: what never moves, what moves, what is see-through. */
  #fixedRows: readonly number[] = [];
  #movingRows: readonly number[] = [];
  readonly #blendedRows: readonly number[];
  readonly #colours: GeomColours;
  readonly #drawer: GeomDrawer;
  readonly #parts: DrawingParts;
  /** Only where something mirrors. */
  readonly #mirror: Mirror | undefined;
  #isDisposed = false;

  constructor(model: RenderModel, scene: RenderScene, options: CameraRendererOptions) {
    const { width, height, samples = 4 } = options;
    const size = { width, height, samples };
    const isExact = options.fidelity === "exact";
    const isStatic = ({ bodyId }: RenderCamera): boolean => model.bodyWeldId[bodyId] === 0;
    this.width = width;
    this.height = height;
    this.#model = model;
    this.#scene = scene;
    this.#options = options;
    const { geoms } = this.#scene;
    this.#mounts = geomMounts(model, geoms);
    this.#colours = new GeomColours(model, scene);
    this.#geomIds = geoms.map(({ id }) => id);
    this.#cachesBackground = options.cacheBackground ?? true;
    const fixed = model.cameras.filter(isStatic).length;
    const mirror = hasMirror(scene);
    const more = fixed + Number(mirror);
    const memory = new RasterMemory(scene, size, { buffers: 2 + more, lists: 1 + more, mirror });
    this.#raster = new KernelRasterizer(scene, memory);
    this.#buffer = this.#raster.target;
    this.#lighting = new VertexLighting(model, scene, {
      vertices: this.#raster.vertices,
      rgba: this.#colours.rgba,
    });
    this.#shader = new Shader(this.#scene, this.#raster, { lighting: this.#lighting, isExact });
    this.#sky = new Sky(model, this.#scene.textures);
    this.#resolver = new Resolver(size, { shader: this.#shader, sky: this.#sky, isExact });
    this.#poses = new Float64Array(POSE_STRIDE * geoms.length);
    this.#drawer = new GeomDrawer(scene, this.#raster, this.#poses);
    this.#parts = {
      scene,
      memory,
      raster: this.#raster,
      drawer: this.#drawer,
      lighting: this.#lighting,
      shader: this.#shader,
      colours: this.#colours,
      overlay: memory.sampleBuffer(),
      geomPoses: this.#poses,
      isExact,
    };
    this.#mirror = mirror ? new Mirror(this.#parts) : undefined;
    this.#blendedRows = this.#unchangingRows((row) => this.#colours.isSeeThrough(row));
    this.invalidate();
    const { triangles } = this.#raster;
    for (const camera of model.cameras) {
      this.#cameras.set(camera.name, {
        mount: createMount(camera.bodyId, camera.pos, camera.quatWxyz),
        camera: {
          pose: new Float64Array(POSE_STRIDE),
          width,
          height,
          focalPx: height / 2 / Math.tan((camera.fovyDeg * Math.PI) / 360),
          near: model.znear * model.extent,
          far: model.zfar * model.extent,
        },
        frame: isStatic(camera) ? memory.sampleBuffer() : undefined,
        triangles: isStatic(camera) ? new TriangleList(memory) : triangles,
        background: undefined,
      });
    }
  }

  render(cameraName: string, poses: BodyPoses, outputs: CameraOutputs = {}): CameraImages {
    const { rgb: wantsRgb = true, depth: wantsDepth, segmentation: wantsLabels } = outputs;
    const needsCentres = wantsDepth === true || wantsLabels === true;
    if (needsCentres && this.#raster.samples === 4) {
      const options: CameraRendererOptions = { ...this.#options, samples: 1 };
      this.#centres ??= new SoftwareRenderer(this.#model, this.#scene, options);
      const images = this.#centres.render(cameraName, poses, { ...outputs, rgb: false });
      return wantsRgb ? { ...images, rgb: this.render(cameraName, poses).rgb } : images;
    }
    const state = this.#begin(cameraName, poses);
    const background =
      state.frame !== undefined && this.#cachesBackground
        ? this.#bakedBackground(state, { frame: state.frame, poses })
        : undefined;
    const rgb = this.#drawOpaque(state, { poses, background, wantsRgb });
    const buffer = this.#raster.target;
    if (wantsRgb) this.#finish(state, rgb, poses);
    const depth = wantsDepth === true ? depthImage(buffer) : undefined;
    return {
      rgb,
      ...(depth !== undefined && { depth }),
      ...(wantsLabels === true && { segmentation: this.#labels(state, background) }),
    };
  }

  /** Labels of everything, see-through geoms too: draws them over the opaque ones, so nothing else comes after. */
  #labels(state: CameraState, background: Background | undefined): Uint16Array {
    const raster = this.#raster;
    const { target } = raster;
    const blendedRows = this.#seeThroughRows();
    if (blendedRows.length > 0) {
      raster.begin(target);
      this.#drawer.drawRows(state.camera, blendedRows);
      if (background !== undefined) widen(background.changed, raster.touched);
    }
    return segmentationImage(target, state.triangles, this.#geomIds);
  }

  invalidate(): void {
    const { geoms } = this.#scene;
    const isFixed = (row: number): boolean => this.#model.bodyWeldId[geoms[row]!.bodyId] === 0;
    const opaque = this.#unchangingRows((row) => this.#colours.isOpaque(row));
    this.#fixedRows = opaque.filter(isFixed);
    this.#movingRows = opaque.filter((row) => !isFixed(row));
    for (const state of this.#cameras.values()) state.background = undefined;
    this.#centres?.invalidate();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#centres?.dispose();
    this.#centres = undefined;
    this.#cameras.clear();
  }

  /** Rows whose colours never change and are of a kind. */
  #unchangingRows(isOfKind: (row: number) => boolean): readonly number[] {
    const rows = [...this.#scene.geoms.keys()].filter(isOfKind);
    return rows.filter((row) => !this.#colours.dynamicRows.includes(row));
  }

  /** Opaque geoms that no background contains: they move, or their colours change. */
  #unbakedRows(): readonly number[] {
    const dynamic = this.#colours.dynamicRows.filter((row) => this.#colours.isOpaque(row));
    return dynamic.length === 0 ? this.#movingRows : [...this.#movingRows, ...dynamic];
  }

  /** Checks the call and places camera and geoms. */
  #begin(cameraName: string, poses: BodyPoses): CameraState {
    if (this.#isDisposed) throw new Error(`Cannot render "${cameraName}": renderer was disposed`);
    const state = this.#cameras.get(cameraName);
    if (state === undefined) {
      const known = [...this.#cameras.keys()].map((name) => `"${name}"`).join(", ");
      throw new RangeError(
        `Cannot render "${cameraName}": no such camera, it must be one of ${known || "(none)"}`,
      );
    }
    const bodies = this.#model.bodyWeldId.length;
    const { bodyXpos, bodyXmat } = poses;
    if (bodyXpos.length !== 3 * bodies || bodyXmat.length !== 9 * bodies) {
      throw new RangeError(
        `Cannot render "${cameraName}": poses have ${bodyXpos.length} and ${bodyXmat.length} numbers, ` +
          `they must have ${3 * bodies} and ${9 * bodies}`,
      );
    }
    this.#colours.begin(poses.geomColours);
    placeMount(state.mount, poses, state.camera.pose, 0);
    this.#mounts.forEach((mount, row) => placeMount(mount, poses, this.#poses, row * POSE_STRIDE));
    return state;
  }

  /** Draws everything opaque into the sample buffer and, if wanted, colours it. */
  #drawOpaque(
    state: CameraState,
    options: { poses: BodyPoses; background: Background | undefined; wantsRgb: boolean },
  ): Uint8Array {
    const { camera, triangles } = state;
    const { background } = options;
    const raster = this.#raster;
    this.#beginRaster(triangles, background?.triangleCount ?? 0);
    if (background === undefined) {
      this.#clear(camera);
      raster.begin(this.#buffer);
      this.#drawer.drawRows(camera, this.#fixedRows);
    } else {
      this.#restore(background);
      raster.begin(background.frame);
    }
    this.#drawer.drawRows(camera, this.#unbakedRows());
    this.#mirror?.mark(triangles, 1 + (background?.triangleCount ?? 0));
    if (background !== undefined) Object.assign(background.changed, raster.touched);
    if (!options.wantsRgb) return new Uint8Array(0);
    this.#beginShading(state, options.poses);
    if (background === undefined) {
      const rgb = new Uint8Array(3 * this.width * this.height);
      this.#resolver.resolveAll(raster.target, rgb);
      return rgb;
    }
    const rgb = background.rgb.slice();
    this.#resolver.resolve(raster.target, rgb, { extent: raster.touched, baked: background });
    return rgb;
  }

  /** Of this frame. */
  #seeThroughRows(): readonly number[] {
    const dynamic = this.#colours.dynamicRows.filter((row) => this.#colours.isSeeThrough(row));
    return dynamic.length === 0 ? this.#blendedRows : [...this.#blendedRows, ...dynamic];
  }

  /** Adds what is seen in the mirror and through see-through geoms to a picture of everything opaque. */
  #finish(state: CameraState, rgb: Uint8Array, poses: BodyPoses): void {
    const { camera, triangles } = state;
    const raster = this.#raster;
    const target = raster.target;
    const blendedRows = this.#seeThroughRows();
    const opaqueRows = [...this.#fixedRows, ...this.#unbakedRows()];
    const frame = { camera, target, triangles, poses, opaqueRows, blendedRows };
    const isMirrored = this.#mirror?.addTo(rgb, frame) ?? false;
    if (blendedRows.length > 0) {
      if (isMirrored) {
        raster.triangles = triangles;
        raster.vertices.clippedCount = 0;
        this.#beginShading(state, poses);
      }
      blendGeoms(blendedRows, this.#parts, {
        camera,
        opaque: target,
        rgb,
        isMirrored: false,
        drawRow: (row) => this.#drawer.drawRow(camera, row),
      });
    }
    raster.begin(target);
  }

  /**
   * The baked background of a static camera, made anew when something in it is not where it was.
   *
   * A body that is welded to the world but moves all the same (a mocap body) counts as moving from
   * the first time it is seen elsewhere.
   */
  #bakedBackground(
    state: CameraState,
    { frame, poses }: { frame: SampleBuffer; poses: BodyPoses },
  ): Background {
    const known = state.background;
    if (known !== undefined && !this.#hasMoved(state, known)) return known;
    const { camera, triangles } = state;
    this.#beginRaster(triangles, 0);
    this.#clear(camera);
    this.#raster.begin(this.#buffer);
    this.#drawer.drawRows(camera, this.#fixedRows);
    this.#mirror?.mark(triangles, 1);
    this.#beginShading(state, poses);
    const rgb = new Uint8Array(3 * this.width * this.height);
    this.#resolver.resolveAll(this.#buffer, rgb);
    const background: Background = {
      rgb,
      samples: this.#resolver.sampleColours(this.#buffer),
      triangleCount: triangles.count,
      buffer: copyOf(this.#buffer),
      frame,
      changed: { xMin: 0, yMin: 0, xMax: 0, yMax: 0 },
      poses: this.#fixedPoses(camera),
    };
    frame.inverseDepth.set(this.#buffer.inverseDepth);
    frame.triangle.set(this.#buffer.triangle);
    state.background = background;
    return background;
  }

  /** Takes what the last frame drew over the background away again. */
  #restore({ buffer, frame, changed }: Background): void {
    const samplesPerRow = this.width * this.#raster.samples;
    const start = changed.yMin * samplesPerRow;
    const end = changed.yMax * samplesPerRow;
    if (end <= start) return;
    frame.inverseDepth.set(buffer.inverseDepth.subarray(start, end), start);
    frame.triangle.set(buffer.triangle.subarray(start, end), start);
  }

  #fixedPoses(camera: Camera): Float64Array {
    const rows = this.#fixedRows;
    const poses = new Float64Array(POSE_STRIDE * (1 + rows.length));
    poses.set(camera.pose);
    rows.forEach((row, index) => {
      const source = POSE_STRIDE * row;
      poses.set(this.#poses.subarray(source, source + POSE_STRIDE), POSE_STRIDE * (1 + index));
    });
    return poses;
  }

  /** Compares with the time of baking; geoms that moved are drawn anew in every frame from now on. */
  #hasMoved(state: CameraState, background: Background): boolean {
    const { poses } = background;
    const { pose } = state.camera;
    const isSame = (then: number, now: Float64Array, offset: number): boolean => {
      for (let i = 0; i < POSE_STRIDE; i++) if (poses[then + i] !== now[offset + i]) return false;
      return true;
    };
    const moved = this.#fixedRows.filter(
      (row, index) => !isSame(POSE_STRIDE * (1 + index), this.#poses, POSE_STRIDE * row),
    );
    if (moved.length > 0) {
      this.#fixedRows = this.#fixedRows.filter((row) => !moved.includes(row));
      this.#movingRows = [...moved, ...this.#movingRows];
      for (const other of this.#cameras.values()) other.background = undefined;
    }
    return moved.length > 0 || !isSame(0, pose, 0);
  }

  #beginRaster(triangles: TriangleList, keep: number): void {
    const raster = this.#raster;
    raster.triangles = triangles;
    triangles.count = keep;
    raster.vertices.clippedCount = 0;
    raster.resetTouched();
  }

  #beginShading(state: CameraState, poses: BodyPoses): void {
    this.#lighting.begin({ eye: state.camera.pose, geomPoses: this.#poses, poses });
    this.#shader.begin(state.triangles);
    this.#sky.begin(state.camera);
  }

  #clear(camera: Camera): void {
    this.#buffer.inverseDepth.fill(1 / camera.far);
    this.#buffer.triangle.fill(0);
  }
}

function copyOf({ inverseDepth, triangle }: SampleBuffer): SampleBuffer {
  return { inverseDepth: inverseDepth.slice(), triangle: triangle.slice() };
}

/** Makes an extent hold another one as well. */
function widen(extent: Extent, other: Extent): void {
  if (other.xMax <= other.xMin || other.yMax <= other.yMin) return;
  extent.xMin = Math.min(extent.xMin, other.xMin);
  extent.yMin = Math.min(extent.yMin, other.yMin);
  extent.xMax = Math.max(extent.xMax, other.xMax);
  extent.yMax = Math.max(extent.yMax, other.yMax);
}
