import { kernelModule } from "./module.ts";

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
