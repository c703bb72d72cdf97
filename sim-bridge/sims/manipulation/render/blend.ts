import type { Camera } from "./camera.ts";
import type { GeomColours } from "./colours.ts";
import type { GeomDrawer } from "./draw.ts";
import type { VertexLighting } from "./lighting.ts";
import type { Extent, Rasterizer } from "./raster.ts";
import type { RasterMemory, SampleBuffer } from "./raster-memory.ts";
import type { Backdrop, Resolver } from "./resolve.ts";
import type { RenderScene } from "./scene.ts";
import type { Shader } from "./shade.ts";

/**
 * Share of the colour of a geom of the given alpha in what is seen through it.
 *
 * MuJoCo's renderer draws see-through geoms in two passes, so less of what is behind remains:
 * `1 - (1 - alpha)^2`.
 */
export function blendWeight(alpha: number): number {
  return 1 - (1 - alpha) * (1 - alpha);
}

/**
 * Mixes the see-through geom that `raster` just drew into the finished picture, then clears its
 * samples for the next one.
 *
 * @param overlay which triangle of the geom is in front of the opaque scene at each sample
 * @param weight as `blendWeight` gives it
 */
function blendOverlay(
  raster: Rasterizer,
  shader: Shader,
  target: { overlay: SampleBuffer; rgb: Uint8Array; weight: number },
): void {
  const { width, samples } = raster;
  const { xMin, yMin, xMax, yMax }: Extent = raster.touched;
  const ids = target.overlay.triangle;
  for (let row = yMin; row < yMax; row++) {
    for (let column = xMin; column < xMax; column++) {
      let covered = 0;
      let triangle = 0;
      for (let k = 0; k < samples; k++) {
        const id = ids[(row * samples + k) * width + column]!;
        if (id === 0) continue;
        covered++;
        triangle = id;
      }
      if (covered === 0) continue;
      const colour = shader.shadePixel(triangle, column, row);
      const share = (target.weight * covered) / samples;
      const byte = 3 * (row * width + column);
      for (let channel = 0; channel < 3; channel++) {
        const behind = target.rgb[byte + channel]!;
        const front = (colour >> (8 * channel)) & 255;
        target.rgb[byte + channel] = behind + share * (front - behind) + 0.5;
      }
    }
  }
  const end = yMax * samples * width;
  if (yMax > yMin) ids.fill(0, yMin * samples * width, end);
}

/** What draws and colours the frames of a renderer, its mirror's included. */
export interface DrawingParts {
  readonly scene: RenderScene;
  readonly memory: RasterMemory;
  readonly raster: Rasterizer;
  readonly drawer: GeomDrawer;
  readonly lighting: VertexLighting;
  readonly shader: Shader;
  readonly colours: GeomColours;
  /** See-through geoms are drawn here one by one; its triangles are all 0 between two of them. */
  readonly overlay: SampleBuffer;
  /** World poses of the geoms, POSE_STRIDE numbers each. */
  readonly geomPoses: Float64Array;
  /** What turns the shader's triangles into pictures. */
  readonly createResolver: (sky: Backdrop) => Resolver;
}

/** A picture of everything opaque, to be looked at through see-through geoms. */
export interface BlendTarget {
  readonly camera: Camera;
  /** Depths of what is opaque. */
  readonly opaque: SampleBuffer;
  readonly rgb: Uint8Array;
  readonly isMirrored: boolean;
  drawRow(row: number): void;
}

/** Mixes see-through geoms into a picture, far ones first; depth and labels do not see them. */
export function blendGeoms(
  rows: readonly number[],
  parts: DrawingParts,
  target: BlendTarget,
): void {
  const { colours, raster, drawer, shader, overlay } = parts;
  const { camera, opaque, rgb, isMirrored } = target;
  for (const row of drawer.visibleFromFar(camera, rows)) {
    overlay.inverseDepth.set(opaque.inverseDepth);
    raster.begin(overlay, isMirrored);
    raster.resetTouched();
    target.drawRow(row);
    shader.ensure();
    const weight = blendWeight(colours.alpha(row));
    blendOverlay(raster, shader, { overlay, rgb, weight });
  }
}
