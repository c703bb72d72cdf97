import type { KernelShader } from "./kernel-shader.ts";
import type { Extent } from "./raster.ts";
import type { RasterSize, SampleBuffer } from "./raster-memory.ts";
import { Resolver } from "./resolve.ts";
import type { Backdrop, BakedColours } from "./resolve.ts";

/** Turns a visibility buffer into colours in WebAssembly: bit for bit what `Resolver` gives. Not for exact pictures. */
export class KernelResolver extends Resolver {
  readonly #shader: KernelShader;
  readonly #backdrop: Backdrop;

  constructor(size: RasterSize, sources: { shader: KernelShader; sky: Backdrop }) {
    super(size, { ...sources, isExact: false });
    this.#shader = sources.shader;
    this.#backdrop = sources.sky;
  }

  /** @param buffer in the memory that the shader was made for */
  override resolve(
    buffer: SampleBuffer,
    rgb: Uint8Array,
    options: { extent: Extent; baked?: BakedColours },
  ): void {
    this.#shader.resolve(buffer, rgb, { ...options, backdrop: this.#backdrop });
  }
}
