import type { Camera } from "./camera.ts";
import { cubeFaceOf, cubeTexcoord } from "./texcoord.ts";
import { sampleTexture } from "./texture.ts";
import type { TextureAtlas } from "./texture.ts";
import { TEXTURE_TYPE } from "./types.ts";
import type { RenderModel } from "./types.ts";

/**
 * What is seen where no geom is: the model's skybox, infinitely far and unlit, or black without one.
 *
 * The box's "up" image is towards world +z: texture coordinates (x, y, z) are world (x, z, -y).
 */
export class Sky {
  readonly #atlas: TextureAtlas;
  /** First of the six images, -1 = black. */
  readonly #firstImage: number;
  #camera: Camera | undefined;

  constructor(model: RenderModel, atlas: TextureAtlas) {
    const texture = model.textures.findIndex(({ type }) => type === TEXTURE_TYPE.skybox);
    this.#atlas = atlas;
    this.#firstImage = texture < 0 ? -1 : atlas.textureImage[texture]!;
  }

  begin(camera: Camera): void {
    this.#camera = camera;
  }

  /** Colour behind the centre of a pixel, packed 0x00BBGGRR. */
  shadePixel(column: number, row: number): number {
    if (this.#firstImage < 0 || this.#camera === undefined) return 0;
    const { pose, width, height, focalPx } = this.#camera;
    const x = (column + 0.5 - width / 2) / focalPx;
    const y = (height / 2 - row - 0.5) / focalPx;
    const world = [3, 6, 9].map((r) => pose[r]! * x + pose[r + 1]! * y - pose[r + 2]!);
    const direction = [world[0]!, world[2]!, -world[1]!];
    const face = cubeFaceOf(direction);
    const [u, v] = cubeTexcoord(direction, face);
    return sampleTexture(this.#atlas, this.#firstImage + face, u, v, 0);
  }
}
