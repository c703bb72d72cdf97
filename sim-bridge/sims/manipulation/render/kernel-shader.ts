import { createShadeKernel } from "./kernel/index.ts";
import type { ShadeKernel } from "./kernel/index.ts";
import type { VertexLighting } from "./lighting.ts";
import type { RasterMemory, SampleBuffer } from "./raster-memory.ts";
import type { Backdrop, BakedColours } from "./resolve.ts";
import type { Extent } from "./raster.ts";
import type { RenderScene } from "./scene.ts";
import type { Shader } from "./shade.ts";
import { ShadingTables } from "./shading-tables.ts";
import type { TriangleList } from "./triangles.ts";
import type { VertexBuffer } from "./vertices.ts";

/**
 * Lighting and shading in WebAssembly: bit for bit the colours of `PlainShader` and `VertexLighting`, which say what they
 * are. Not for exact pictures.
 */
export class KernelShader implements Shader {
  readonly #kernel: ShadeKernel;
  readonly #tables: ShadingTables;
  readonly #lighting: VertexLighting;
  /** Of the picture that is being resolved. */
  #backdrop: Backdrop | undefined;

  /** @param memory made for shading; the vertices that are `drawn` are in it, too */
  constructor(
    scene: RenderScene,
    drawn: { readonly vertices: VertexBuffer },
    { lighting, memory }: { lighting: VertexLighting; memory: RasterMemory },
  ) {
    this.#lighting = lighting;
    const tables = new ShadingTables(scene, memory, { vertices: drawn.vertices, lighting });
    this.#tables = tables;
    this.#kernel = createShadeKernel({
      memory: memory.memory,
      at: tables.at,
      sky: (column, row) => this.#backdrop?.shadePixel(column, row) ?? 0,
      makeLevel: (image, step) => {
        tables.makeLevel(image, step);
      },
    });
  }

  begin(triangles: TriangleList): void {
    const { a, b, c, planes } = triangles;
    const { eye, reflectance } = this.#lighting.frame;
    this.#tables.update();
    this.#kernel.begin(
      a.byteOffset,
      b.byteOffset,
      c.byteOffset,
      planes.byteOffset,
      eye[0]!,
      eye[1]!,
      eye[2]!,
      reflectance,
    );
  }

  ensure(): void {
    // There is room for as many triangles as a list can hold.
  }

  shadePixel(
    triangle: number,
    column: number,
    row: number, // positional: called for every pixel
  ): number {
    return this.#kernel.shadePixel(triangle, column, row);
  }

  /** As `PlainResolver.resolve`, with what is behind everything. */
  resolve(
    buffer: SampleBuffer,
    rgb: Uint8Array,
    options: { extent: Extent; baked?: BakedColours; backdrop: Backdrop },
  ): void {
    const { extent, baked, backdrop } = options;
    const { xMin, yMin, xMax, yMax } = extent;
    if (xMax <= xMin || yMax <= yMin) return;
    const tables = this.#tables;
    tables.lay(rgb, extent, baked?.samples);
    this.#backdrop = backdrop;
    this.#kernel.resolve(
      buffer.triangle.byteOffset,
      tables.rgb.byteOffset,
      tables.oldColours.byteOffset,
      baked?.triangleCount ?? -1,
      Number(!backdrop.isBlack),
      xMin,
      yMin,
      xMax,
      yMax,
    );
    tables.take(rgb, extent);
  }
}
