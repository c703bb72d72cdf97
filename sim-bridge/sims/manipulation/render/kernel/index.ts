/* eslint-disable max-params -- functions of WebAssembly take numbers alone, one by one */
import { kernelModule as lightModule } from "./light/module.ts";
import { kernelModule } from "./module.ts";
import { kernelModule as shadeModule } from "./shade/module.ts";

/** The inner loops of the rasteriser; raster.wat says what each does and how the memory is laid out. */
export interface RasterKernel {
  /** Projects vertices [first, end), at least two; `keeps` 1 = camera coordinates are stored too. */
  readonly project: (first: number, end: number, keeps: number) => void;
  /** Measures how high vertices [first, end) lie above the plane of a mirror; their camera coordinates must be stored. */
  readonly measure: (first: number, end: number) => void;
  /**
   * Draws the triangles whose corners are at addresses [at, end).
   * @param mayClip 1 = vertices may lie behind the near plane
   * @param isAbove 1 = only what lies above the plane of a mirror is drawn; heights must be measured
   * @returns `end`, or the address of a triangle that must be clipped first
   */
  readonly draw: (at: number, end: number, mayClip: number, isAbove: number) => number;
  /** Draws the triangle of three vertices, which must face the camera. */
  readonly fill: (a: number, b: number, c: number) => void;
}

/** The kernel at work in a memory whose first bytes describe it. */
export function createRasterKernel(memory: WebAssembly.Memory): RasterKernel {
  const { exports } = new WebAssembly.Instance(kernelModule(), { arena: { memory } });
  return exports as unknown as RasterKernel;
}

/** Colours of vertices, triangles and pixels; light/light.wat and shade/shade.wat say what each does and how tables are laid out. */
export interface ShadeKernel {
  /** Starts a frame: addresses of a list's corners and planes, the place of the eye, the share of light that is mirrored. */
  readonly begin: (
    a: number,
    b: number,
    c: number,
    planes: number,
    eyeX: number,
    eyeY: number,
    eyeZ: number,
    reflectance: number,
  ) => void;
  /** @returns the colour of a triangle at a pixel's centre, packed 0x00BBGGRR */
  readonly shadePixel: (triangle: number, column: number, row: number) => number;
  /** Colours the pixels of a rectangle, as `PlainResolver.resolve` does. */
  readonly resolve: (
    ids: number,
    rgb: number,
    oldColours: number,
    oldest: number,
    hasSky: number,
    xMin: number,
    yMin: number,
    xMax: number,
    yMax: number,
  ) => void;
}

/** Where everything is in a memory, and what is asked of JavaScript. */
export interface ShadeImports {
  readonly memory: WebAssembly.Memory;
  /** Addresses and numbers, by the names that the kernels have for them. */
  readonly at: Readonly<Record<string, number>>;
  /** Colour behind everything, packed. */
  readonly sky: (column: number, row: number) => number;
  /** Writes the texels of a level of an image and describes it. */
  readonly makeLevel: (image: number, step: number) => void;
}

interface LightExports {
  readonly frame: WebAssembly.Global;
  readonly begin: ShadeKernel["begin"];
  readonly prepare: (triangle: number, record: number) => void;
}

interface ShadeExports extends Omit<ShadeKernel, "begin"> {
  readonly begin: (corners: number) => void;
}

export function createShadeKernel({ memory, at, sky, makeLevel }: ShadeImports): ShadeKernel {
  const arena = { memory };
  const light = new WebAssembly.Instance(lightModule(), { arena, at, scene: { pow: Math.pow } })
    .exports as unknown as LightExports;
  const { frame, prepare } = light;
  const scene = { sky, makeLevel };
  const shade = new WebAssembly.Instance(shadeModule(), {
    arena,
    at,
    light: { frame, prepare },
    scene,
  }).exports as unknown as ShadeExports;
  return {
    shadePixel: shade.shadePixel,
    resolve: shade.resolve,
    begin: (a, ...rest) => {
      light.begin(a, ...rest);
      shade.begin(a);
    },
  };
}
