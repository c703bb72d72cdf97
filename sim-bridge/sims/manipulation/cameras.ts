import type { ImageSpec, NdArray, Want } from "../../../src/core/index.ts";
import type { Physics } from "./mujoco.ts";
import { createCameraRenderer } from "./render/renderer.ts";
import type { CameraRenderer, CameraRendererOptions, RenderModel } from "./render/types.ts";
import type { DescribedScene } from "./scene-description.ts";
import type { LitShape } from "./world.ts";
import type { LabelledView } from "./scene-graph.ts";

/** Makes the pictures of a scene; replaceable, so that tests and other renderers fit in. */
export type CreateRenderer = (model: RenderModel, options: CameraRendererOptions) => CameraRenderer;

export interface CameraRigOptions {
  readonly images: readonly ImageSpec[];
  readonly createRenderer: CreateRenderer;
  /** Settings besides the size. */
  readonly renderer: Omit<CameraRendererOptions, "width" | "height">;
}

/** Where every body is: float64[bodies, 3] and float64[bodies, 9], row-major. */
export interface BodyFrames {
  readonly xpos: Float64Array;
  readonly xmat: Float64Array;
}

/** The pictures of one instant, in the shapes observations have. */
export interface Pictures {
  readonly images: Readonly<Record<string, NdArray>>;
  readonly depth?: Readonly<Record<string, NdArray>>;
  readonly segmentation?: Readonly<Record<string, NdArray>>;
  /** Labels by engine geom, for image boxes; only where ground truth was asked for. */
  readonly views: readonly LabelledView[];
}

export const NO_PICTURES: Pictures = { images: {}, views: [] };

/** The default: the software rasteriser of `render/`. */
export const softwareRenderer: CreateRenderer = createCameraRenderer;

/** The cameras of one compiled scene. Renderers are made on first use, one per image size. */
export class CameraRig implements Disposable {
  readonly #physics: Physics;
  readonly #model: RenderModel;
  readonly #scene: DescribedScene;
  readonly #options: CameraRigOptions;
  /** With the places of their joints in `qpos`. */
  readonly #lit: readonly (LitShape & { readonly at: readonly number[] })[];
  readonly #renderers = new Map<string, CameraRenderer>();

  /** @throws {RangeError} if the scene lacks a camera that the image specs name */
  constructor(
    physics: Physics,
    sources: {
      readonly model: RenderModel;
      readonly scene: DescribedScene;
      readonly lit: readonly LitShape[];
    },
    options: CameraRigOptions,
  ) {
    this.#physics = physics;
    this.#model = sources.model;
    this.#scene = sources.scene;
    this.#lit = sources.lit.map((shape) => ({
      ...shape,
      at: shape.joints.map((joint) => physics.joint(joint).qposAddress),
    }));
    this.#options = options;
    for (const { name, channels } of options.images) {
      physics.id("camera", name);
      if (channels !== 3) {
        throw new RangeError(`Cannot draw "${name}": it has ${channels} channels, must have 3`);
      }
    }
  }

  /** Draws what is wanted of the present state, or of another instant. */
  draw(want: Want, instant: BodyFrames | undefined = undefined): Pictures {
    const specs = wantedImages(this.#options.images, want);
    const images: Record<string, NdArray> = {};
    const depth: Record<string, NdArray> = {};
    const segmentation: Record<string, NdArray> = {};
    const views: LabelledView[] = [];
    const { xpos, xmat } = instant ?? this.#physics.views;
    const colours = this.#lit.length === 0 ? {} : { geomColours: this.#litColours() };
    for (const spec of specs) {
      const { name, width, height } = spec;
      const shape = [height, width];
      const labels = want.segmentation || want.privileged;
      const picture = this.#renderer(spec).render(
        name,
        { bodyXpos: xpos, bodyXmat: xmat, ...colours },
        { depth: want.depth, segmentation: labels },
      );
      images[name] = { dtype: "uint8", shape: [height, width, 3], data: picture.rgb };
      if (picture.depth !== undefined && want.depth) {
        depth[name] = { dtype: "float32", shape, data: picture.depth };
      }
      if (picture.segmentation === undefined) continue;
      if (want.segmentation) {
        const data = relabel(picture.segmentation, this.#scene.labelOfGeom);
        segmentation[name] = { dtype: "uint16", shape, data };
      }
      const camera = this.#scene.description.cameras.find((known) => known.name === name);
      if (want.privileged && camera !== undefined) {
        views.push({ camera, width, height, segmentation: picture.segmentation });
      }
    }
    return {
      images,
      ...(want.depth ? { depth } : {}),
      ...(want.segmentation ? { segmentation } : {}),
      views,
    };
  }

  [Symbol.dispose](): void {
    for (const renderer of this.#renderers.values()) renderer.dispose();
    this.#renderers.clear();
  }

  /** Of the shapes that may be lit: float32[n, 4]. */
  #litColours(): Float32Array {
    const { qpos } = this.#physics.views;
    const colours = new Float32Array(4 * this.#lit.length);
    this.#lit.forEach(({ rgba, from, at }, i) => {
      if (at.some((address) => qpos[address]! >= from)) colours.set(rgba, 4 * i);
    });
    return colours;
  }

  #renderer({ width, height }: ImageSpec): CameraRenderer {
    const key = `${width}x${height}`;
    let renderer = this.#renderers.get(key);
    if (renderer === undefined) {
      const { createRenderer, renderer: settings } = this.#options;
      renderer = createRenderer(this.#model, { ...settings, width, height });
      this.#renderers.set(key, renderer);
    }
    return renderer;
  }
}

/** @throws {RangeError} if `want` names a camera the environment does not offer */
export function wantedImages(images: readonly ImageSpec[], want: Want): readonly ImageSpec[] {
  if (want.images === "none") return [];
  if (want.images === "all") return images;
  return want.images.map((name) => {
    const spec = images.find((image) => image.name === name);
    if (spec === undefined) {
      const names = images.map((image) => image.name).join(", ");
      throw new RangeError(`Cannot draw "${name}": there is no such camera, must be of ${names}`);
    }
    return spec;
  });
}

/** From 1 + engine geom id to 1 + index into the scene description's geoms. */
function relabel(segmentation: Uint16Array, labelOfGeom: Uint16Array): Uint16Array {
  const labels = new Uint16Array(segmentation.length);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const geom = segmentation[pixel]!;
    if (geom > 0) labels[pixel] = labelOfGeom[geom - 1]!;
  }
  return labels;
}
