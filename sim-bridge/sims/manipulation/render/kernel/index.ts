import { kernelModule } from "./module.ts";

/** The inner loops of the rasteriser; raster.wat says what each does and how the memory is laid out. */
export interface RasterKernel {
  /** Projects vertices [first, end), at least two; `keeps` 1 = camera coordinates are stored too. */
  readonly project: (first: number, end: number, keeps: number) => void;
  /**
   * Draws the triangles whose corners are at addresses [at, end).
   * @returns `end`, or with `mayClip` 1 the address of a triangle that must be clipped first
   */
  readonly draw: (at: number, end: number, mayClip: number) => number;
  /** Draws the triangle of three vertices, which must face the camera. */
  readonly fill: (a: number, b: number, c: number) => void;
}

/** The kernel at work in a memory whose first bytes describe it. */
export function createRasterKernel(memory: WebAssembly.Memory): RasterKernel {
  const { exports } = new WebAssembly.Instance(kernelModule(), { arena: { memory } });
  return exports as unknown as RasterKernel;
}
