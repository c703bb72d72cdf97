import { KernelResolver } from "./kernel-resolve.ts";
import { KernelShader } from "./kernel-shader.ts";
import type { VertexLighting } from "./lighting.ts";
import type { RasterMemory } from "./raster-memory.ts";
import type { Rasterizer } from "./raster.ts";
import { PlainResolver } from "./resolve.ts";
import type { Backdrop, Resolver } from "./resolve.ts";
import type { RenderScene } from "./scene.ts";
import { PlainShader } from "./shade.ts";
import type { Shader } from "./shade.ts";

/** What colours pictures: the shader of a renderer, and what applies it to a visibility buffer. */
export interface Colouring {
  readonly shader: Shader;
  readonly createResolver: (sky: Backdrop) => Resolver;
}

/** What is coloured, and under which light. */
interface Drawn {
  readonly scene: RenderScene;
  readonly memory: RasterMemory;
  readonly raster: Rasterizer;
  readonly lighting: VertexLighting;
}

/** In WebAssembly; `memory` must be made for so many lights as `lighting` has, or more. */
export function kernelColouring({ scene, memory, raster, lighting }: Drawn): Colouring {
  const shader = new KernelShader(scene, raster, { lighting, memory });
  return { shader, createResolver: (sky) => new KernelResolver(memory.size, { shader, sky }) };
}

/** In JavaScript, as the kernels do if it is not exact. */
export function plainColouring(
  { scene, memory, raster, lighting }: Drawn,
  isExact: boolean,
): Colouring {
  const shader = new PlainShader(scene, raster, { lighting, isExact });
  return {
    shader,
    createResolver: (sky) => new PlainResolver(memory.size, { shader, sky, isExact }),
  };
}
