import type { KernelShader } from "./kernel-shader.ts";
import type { Extent } from "./raster.ts";
import type { RasterSize, SampleBuffer } from "./raster-memory.ts";
import { sampleColours, wholeOf } from "./resolve.ts";
import type { Backdrop, BakedColours, Resolver } from "./resolve.ts";

/** In WebAssembly: bit for bit what `PlainResolver` gives. Not for exact pictures. */
export class KernelResolver implements Resolver {
  readonly #size: RasterSize;
  readonly #shader: KernelShader;
  readonly #sky: Backdrop;

  constructor(size: RasterSize, sources: { shader: KernelShader; sky: Backdrop }) {
    this.#size = size;
    this.#shader = sources.shader;
    this.#sky = sources.sky;
  }

  resolveAll(buffer: SampleBuffer, rgb: Uint8Array): void {
    this.resolve(buffer, rgb, { extent: wholeOf(this.#size) });
  }

  /** @param buffer in the memory that the shader was made for */
  resolve(
    buffer: SampleBuffer,
    rgb: Uint8Array,
    options: { extent: Extent; baked?: BakedColours },
  ): void {
    this.#shader.resolve(buffer, rgb, { ...options, backdrop: this.#sky });
  }

  sampleColours(buffer: SampleBuffer): Int32Array {
    return sampleColours(buffer, this.#size, { shader: this.#shader, sky: this.#sky });
  }
}
