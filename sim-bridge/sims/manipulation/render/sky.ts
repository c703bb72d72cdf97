import type { Camera } from "./camera.ts";
import { CUBE_FACES } from "./mips.ts";
import { cubeFaceOf, cubeTexcoord } from "./texcoord.ts";
import { blueOf, greenOf, redOf, sampleLevel } from "./texture.ts";
import type { TextureLevel, TextureSet } from "./texture.ts";
import { TEXTURE_TYPE } from "./types.ts";
import type { RenderModel } from "./types.ts";

/**
 * What is seen where no geom is: the model's skybox, infinitely far and unlit, or black without one.
 *
 * The box's "up" image is towards world +z: texture coordinates (x, y, z) are world (x, z, -y).
 */
export class Sky {
  /** The six images at full size; none = black. */
  readonly #faces: readonly TextureLevel[];
  #camera: Camera | undefined;

  constructor(model: RenderModel, textures: TextureSet) {
    const texture = model.textures.findIndex(({ type }) => type === TEXTURE_TYPE.skybox);
    const first = texture < 0 ? 0 : textures.firstImage[texture]!;
    const images = textures.images.slice(first, texture < 0 ? first : first + CUBE_FACES);
    this.#faces = images.map((image) => image.levelFor(0));
  }

  get isBlack(): boolean {
    return this.#faces.length === 0;
  }

  begin(camera: Camera): void {
    this.#camera = camera;
  }

  /** Colour behind the centre of a pixel, packed 0x00BBGGRR. */
  shadePixel(column: number, row: number): number {
    if (this.#faces.length === 0 || this.#camera === undefined) return 0;
    const { pose, width, height, focalPx } = this.#camera;
    const x = (column + 0.5 - width / 2) / focalPx;
    const y = (height / 2 - row - 0.5) / focalPx;
    const world = [3, 6, 9].map((r) => pose[r]! * x + pose[r + 1]! * y - pose[r + 2]!);
    const direction = [world[0]!, world[2]!, -world[1]!];
    const face = cubeFaceOf(direction);
    const [u, v] = cubeTexcoord(direction, face);
    const sample = sampleLevel(this.#faces[face]!, u, v);
    const blue = blueOf(sample);
    const green = greenOf(sample, blue);
    const red = redOf(sample, blue, green);
    return (red >> 8) | (green & 0xff00) | ((blue >> 8) << 16);
  }
}
