/**
 * Camera images of a MuJoCo scene in TypeScript and WebAssembly: colour, depth and geom labels, without GPU or
 * native code, the same bytes on every machine.
 *
 * The colours follow MuJoCo's own OpenGL renderer (fixed-function lighting at vertices, mip-mapped
 * textures, 4 samples per pixel, a planar mirror). Not drawn: height fields, skins, flexes, tendons,
 * sites, fog, shadows. The renderer knows no engine: see `types.ts` for what it is given.
 */
import { Background, widen } from "./background.ts";
import { blendGeoms } from "./blend.ts";
import type { DrawingParts } from "./blend.ts";
import type { Camera } from "./camera.ts";
import { checkOptions } from "./check-options.ts";
import { GeomColours } from "./colours.ts";
import { GeomDrawer } from "./draw.ts";
import { kernelColouring, plainColouring } from "./colouring.ts";
import { depthImage, segmentationImage } from "./labels.ts";
import { VertexLighting } from "./lighting.ts";
import { Mirror, hasMirror } from "./mirror.ts";
import { POSE_STRIDE, PoseGrid, createMount, geomMounts, placeMount } from "./pose.ts";
import type { Mount } from "./pose.ts";
import { KernelRasterizer } from "./kernel-raster.ts";
import { Rasterizer } from "./raster.ts";
import { RasterMemory } from "./raster-memory.ts";
import type { SampleBuffer } from "./raster-memory.ts";
import type { Resolver } from "./resolve.ts";
import { RESTING_FRAMES, RestingGeoms } from "./resting.ts";
import { GeomRows } from "./rows.ts";
import { buildScene } from "./scene.ts";
import type { RenderScene } from "./scene.ts";
import type { Shader } from "./shade.ts";
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
  /** A camera that is fixed to the world has a list of its own: its first entries are the baked triangles. */
  readonly triangles: TriangleList;
  /** Of a camera that is fixed to the world, if what never moves shall be baked. */
  readonly still: StillView | undefined;
}

interface StillView {
  /** Where frames are drawn. */
  readonly frame: SampleBuffer;
  readonly resting: RestingGeoms;
  background: Background | undefined;
  /** Since the background was baked. */
  frames: number;
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
  return create(model, options, false);
}

/**
 * The same pictures, byte for byte, by the plain JavaScript that defines what the kernels do. Slower: for tests and
 * measurements.
 *
 * @throws {RangeError} as `createCameraRenderer`
 */
export function createPlainCameraRenderer(
  model: RenderModel,
  options: CameraRendererOptions,
): CameraRenderer {
  return create(model, options, true);
}

function create(
  model: RenderModel,
  options: CameraRendererOptions,
  isPlain: boolean,
): CameraRenderer {
  checkOptions(options);
  const groups = options.visibleGroups ?? DEFAULT_GROUPS;
  const scene = buildScene(model, groups, options.fidelity);
  return new SoftwareRenderer(model, scene, { ...options, isPlain });
}

/** Whether everything is done in plain JavaScript. */
interface Settings extends CameraRendererOptions {
  readonly isPlain: boolean;
}

class SoftwareRenderer implements CameraRenderer {
  readonly width: number;
  readonly height: number;
  readonly #model: RenderModel;
  readonly #scene: RenderScene;
  readonly #options: Settings;
  /** Depth and labels are those at pixel centres: with 4 samples, drawn by a second renderer with 1. */
  #centres: SoftwareRenderer | undefined;
  readonly #mounts: readonly Mount[];
  readonly #geomIds: readonly number[];
  readonly #cameras: ReadonlyMap<string, CameraState>;
  readonly #raster: Rasterizer;
  readonly #lighting: VertexLighting;
  readonly #shader: Shader;
  readonly #sky: Sky;
  readonly #resolver: Resolver;
  readonly #buffer: SampleBuffer;
  /** World poses of the geoms, POSE_STRIDE numbers each. */
  readonly #poses: Float64Array;
  readonly #grid: PoseGrid | undefined;
  readonly #rows: GeomRows;
  readonly #colours: GeomColours;
  readonly #drawer: GeomDrawer;
  readonly #parts: DrawingParts;
  /** Only where something mirrors. */
  readonly #mirror: Mirror | undefined;
  #isDisposed = false;

  constructor(model: RenderModel, scene: RenderScene, options: Settings) {
    const { width, height, samples = 4, poseStep } = options;
    const size = { width, height, samples };
    const isExact = options.fidelity === "exact";
    this.width = width;
    this.height = height;
    this.#model = model;
    this.#scene = scene;
    this.#options = options;
    const { geoms } = this.#scene;
    this.#mounts = geomMounts(model, geoms);
    this.#colours = new GeomColours(model, scene);
    this.#rows = new GeomRows(model, scene, this.#colours);
    this.#geomIds = geoms.map(({ id }) => id);
    const fixed = model.cameras.filter((camera) => isFixed(model, camera)).length;
    const mirror = hasMirror(scene);
    const more = fixed + Number(mirror);
    // Exact pictures are coloured by JavaScript alone.
    const isColouredByKernel = !options.isPlain && !isExact;
    const memory = new RasterMemory(scene, size, {
      buffers: 2 + more,
      lists: 1 + more,
      mirror,
      ...(isColouredByKernel && { lights: 1 + model.lights.count }),
    });
    this.#raster = new (options.isPlain ? Rasterizer : KernelRasterizer)(scene, memory);
    this.#buffer = this.#raster.target;
    this.#lighting = new VertexLighting(model, scene, {
      vertices: this.#raster.vertices,
      rgba: this.#colours.rgba,
    });
    const drawn = { scene, memory, raster: this.#raster, lighting: this.#lighting };
    const colouring = isColouredByKernel ? kernelColouring(drawn) : plainColouring(drawn, isExact);
    this.#shader = colouring.shader;
    this.#sky = new Sky(model, this.#scene.textures);
    this.#resolver = colouring.createResolver(this.#sky);
    this.#poses = new Float64Array(POSE_STRIDE * geoms.length);
    this.#grid =
      poseStep === undefined ? undefined : new PoseGrid(model.bodyWeldId.length, poseStep);
    this.#drawer = new GeomDrawer(scene, this.#raster, this.#poses);
    this.#parts = {
      ...drawn,
      ...colouring,
      drawer: this.#drawer,
      colours: this.#colours,
      overlay: memory.sampleBuffer(),
      geomPoses: this.#poses,
    };
    this.#mirror = mirror ? new Mirror(this.#parts) : undefined;
    this.#cameras = new Map(
      model.cameras.map((camera) => [camera.name, this.#createCamera(camera, memory)]),
    );
  }

  #createCamera(camera: RenderCamera, memory: RasterMemory): CameraState {
    const { width, height } = this;
    const model = this.#model;
    const keepsPicture = isFixed(model, camera) && (this.#options.cacheBackground ?? true);
    return {
      mount: createMount(camera.bodyId, camera.pos, camera.quatWxyz),
      camera: {
        pose: new Float64Array(POSE_STRIDE),
        width,
        height,
        focalPx: height / 2 / Math.tan((camera.fovyDeg * Math.PI) / 360),
        near: model.znear * model.extent,
        far: model.zfar * model.extent,
      },
      triangles: keepsPicture ? new TriangleList(memory) : this.#raster.triangles,
      still: keepsPicture
        ? {
            frame: memory.sampleBuffer(),
            resting: new RestingGeoms(this.#scene.geoms, this.#poses),
            background: undefined,
            frames: 0,
          }
        : undefined,
    };
  }

  render(cameraName: string, poses: BodyPoses, outputs: CameraOutputs = {}): CameraImages {
    const { rgb: wantsRgb = true, depth: wantsDepth, segmentation: wantsLabels } = outputs;
    const needsCentres = wantsDepth === true || wantsLabels === true;
    if (needsCentres && this.#raster.samples === 4) {
      const options: Settings = { ...this.#options, samples: 1 };
      this.#centres ??= new SoftwareRenderer(this.#model, this.#scene, options);
      const images = this.#centres.render(cameraName, poses, { ...outputs, rgb: false });
      return wantsRgb ? { ...images, rgb: this.render(cameraName, poses).rgb } : images;
    }
    const { state, seen } = this.#begin(cameraName, poses);
    const background = state.still && this.#backgroundOf(state, state.still, seen);
    const rgb = this.#drawOpaque(state, { poses: seen, background, wantsRgb });
    const buffer = this.#raster.target;
    if (wantsRgb) this.#finish(state, rgb, { poses: seen, background });
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
    const blendedRows = this.#rows.seeThrough();
    if (blendedRows.length > 0) {
      raster.begin(target);
      this.#drawer.drawRows(state.camera, blendedRows);
      if (background !== undefined) widen(background.changed, raster.touched);
    }
    return segmentationImage(target, state.triangles, this.#geomIds);
  }

  invalidate(): void {
    this.#rows.reset();
    this.#forgetBackgrounds();
    this.#centres?.invalidate();
  }

  #forgetBackgrounds(): void {
    for (const { still } of this.#cameras.values()) {
      if (still !== undefined) still.background = undefined;
    }
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#centres?.dispose();
    this.#centres = undefined;
    this.#forgetBackgrounds();
  }

  /** Checks the call and places camera and geoms; the poses are those that are drawn. */
  #begin(cameraName: string, poses: BodyPoses): { state: CameraState; seen: BodyPoses } {
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
    const seen = this.#grid?.round(poses) ?? poses;
    placeMount(state.mount, seen, state.camera.pose, 0);
    this.#mounts.forEach((mount, row) => placeMount(mount, seen, this.#poses, row * POSE_STRIDE));
    return { state, seen };
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
      this.#drawer.drawRows(camera, this.#rows.fixed);
      this.#drawer.drawRows(camera, this.#rows.loose());
    } else {
      background.restore();
      raster.begin(background.frame);
      const others = this.#rows.loose().filter((row) => !background.contains(row));
      this.#drawer.drawRows(camera, others);
      Object.assign(background.changed, raster.touched);
    }
    this.#mirror?.mark(triangles, 1 + (background?.triangleCount ?? 0));
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

  /** Adds what is seen in the mirror and through see-through geoms to a picture of everything opaque. */
  #finish(
    state: CameraState,
    rgb: Uint8Array,
    { poses, background }: { poses: BodyPoses; background: Background | undefined },
  ): void {
    const { camera, triangles } = state;
    const raster = this.#raster;
    const target = raster.target;
    const blendedRows = this.#rows.seeThrough();
    const opaqueRows = [...this.#rows.fixed, ...this.#rows.loose()];
    const frame = { camera, target, triangles, poses, opaqueRows, blendedRows, background };
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
   * The baked background of a fixed camera, made anew when something in it is not where it was, or when more rests.
   *
   * A body that is welded to the world but moves all the same (a mocap body) counts as movable from the first time it is
   * seen elsewhere.
   */
  #backgroundOf(state: CameraState, still: StillView, poses: BodyPoses): Background {
    const moved = still.background?.movedRows(this.#poses) ?? [];
    if (moved.length > 0) {
      this.#rows.release(moved);
      this.#forgetBackgrounds();
    }
    const resting = still.resting.look(this.#rows.movable, this.#rows.changing());
    const known = still.background;
    still.frames++;
    if (known?.hasOtherView(state.camera) === false && this.#isStillTrue(still, known, resting)) {
      return known;
    }
    still.frames = 0;
    still.background = this.#bake(state, { frame: still.frame, resting, poses });
    return still.background;
  }

  /** All that was resting must be resting; what rests besides may be baked a few frames later. */
  #isStillTrue(still: StillView, known: Background, resting: readonly number[]): boolean {
    const { restingRows } = known;
    const isLasting = restingRows.every((row) => resting.includes(row));
    return isLasting && (resting.length === restingRows.length || still.frames < RESTING_FRAMES);
  }

  #bake(
    state: CameraState,
    options: { frame: SampleBuffer; resting: readonly number[]; poses: BodyPoses },
  ): Background {
    const { camera, triangles } = state;
    const { resting: restingRows } = options;
    const buffer = this.#buffer;
    const fixedRows = this.#rows.fixed;
    this.#beginRaster(triangles, 0);
    this.#clear(camera);
    this.#raster.begin(buffer);
    this.#drawer.drawRows(camera, fixedRows);
    this.#drawer.drawRows(camera, restingRows);
    this.#mirror?.mark(triangles, 1);
    this.#beginShading(state, options.poses);
    const rgb = new Uint8Array(3 * this.width * this.height);
    this.#resolver.resolveAll(buffer, rgb);
    const samples = this.#resolver.sampleColours(buffer);
    const picture = { rgb, samples, triangleCount: triangles.count, buffer, restingRows };
    const place = { camera, fixedRows, geomPoses: this.#poses };
    return new Background(picture, options.frame, place);
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

function isFixed({ bodyWeldId }: RenderModel, { bodyId }: RenderCamera): boolean {
  return bodyWeldId[bodyId] === 0;
}
