import type { VertexLighting } from "./lighting.ts";
import { POSE_STRIDE } from "./pose.ts";
import type { Extent } from "./raster.ts";
import type { RasterMemory } from "./raster-memory.ts";
import { SPECULAR_STEPS } from "./scene.ts";
import type { RenderScene, SpecularPower } from "./scene.ts";
import type { TextureImage } from "./texture.ts";
import type { VertexBuffer } from "./vertices.ts";

/** Bytes of the entries of tables, see kernel/light/light.wat and kernel/shade/shade.wat. */
const BYTES = {
  colour: 16,
  record: 176,
  geom: 32,
  light: 168,
  image: 32,
  level: 32,
  texel: 4,
  block: 256,
};
/** A table of powers and a copy of its last entry. */
const POWERS = SPECULAR_STEPS + 2;
/** Arrays begin on multiples of 16 bytes; there are fewer than 32 besides those of powers and levels. */
const ROUNDING_BYTES = 32 * 16 + BYTES.block;

/** What the shading kernels read and write: copies of the scene, and tables of what is made in a frame. */
export class ShadingTables {
  /** Addresses and numbers, by the names that the kernels have for them. */
  readonly at: Readonly<Record<string, number>>;
  /** uint8[height, width, 3]: the picture that is coloured. */
  readonly rgb: Uint8Array<ArrayBuffer>;
  /** int32[height * samples, width]: colours of samples of the baked picture. */
  readonly oldColours: Int32Array<ArrayBuffer>;
  readonly #images: readonly TextureImage[];
  readonly #lighting: VertexLighting;
  readonly #poses: Float64Array;
  readonly #rgba: Float64Array;
  /** float64[lights, 21]. */
  readonly #lights: Float64Array;
  readonly #imageWords: Int32Array;
  readonly #memory: RasterMemory;

  constructor(
    scene: RenderScene,
    memory: RasterMemory,
    drawn: { vertices: VertexBuffer; lighting: VertexLighting },
  ) {
    const { vertices, lighting } = drawn;
    const { width, height, samples } = memory.size;
    const { images } = scene.textures;
    this.#memory = memory;
    this.#images = images;
    this.#lighting = lighting;
    this.rgb = memory.uint8(3 * width * height);
    this.oldColours = memory.int32(width * height * samples);
    this.#poses = memory.float64(POSE_STRIDE * scene.geoms.length);
    this.#rgba = memory.float64(4 * scene.geoms.length);
    this.#lights = placeLights(memory, lighting);
    const table = placeImages(memory, images);
    this.#imageWords = table;
    const { byteOffset: lights, byteLength: lightBytes } = this.#lights;
    this.at = {
      ...addressesOf({ columns: vertices.column, rows: vertices.row, images: table }),
      ...addressesOf({ poses: this.#poses, rgba: this.#rgba }),
      ...addressesOf(placeScene(memory, scene, vertices)),
      colours: memory.uint8(BYTES.colour * (scene.vertexCount + memory.clippedCapacity)).byteOffset,
      records: memory.uint8(BYTES.record * (memory.triangleCapacity + 1)).byteOffset,
      geoms: placeGeoms(memory, scene),
      pixel: memory.uint8(3).byteOffset,
      block: memory.uint8(BYTES.block).byteOffset,
      lights,
      lightsEnd: lights + lightBytes,
      sceneVertices: scene.vertexCount,
      width,
      samples,
    };
  }

  /** Takes over what `lighting` was begun with. */
  update(): void {
    const lighting = this.#lighting;
    this.#poses.set(lighting.frame.geomPoses);
    this.#rgba.set(lighting.rgba);
    lighting.lights.forEach(({ position, direction }, index) => {
      const at = (BYTES.light / 8) * index;
      this.#lights.set(position, at + 3);
      this.#lights.set(direction, at + 6);
    });
  }

  /** Brings the rows of an extent of a picture, and of the colours of its baked samples, to where kernels find them. */
  lay(picture: Uint8Array, { yMin, yMax }: Extent, oldColours: Int32Array | undefined): void {
    const { width, samples } = this.#memory.size;
    this.rgb.set(picture.subarray(3 * width * yMin, 3 * width * yMax), 3 * width * yMin);
    if (oldColours === undefined) return;
    const line = samples * width;
    this.oldColours.set(oldColours.subarray(line * yMin, line * yMax), line * yMin);
  }

  /** Brings the rows of an extent back into a picture. */
  take(picture: Uint8Array, { yMin, yMax }: Extent): void {
    const row = 3 * this.#memory.size.width;
    picture.set(this.rgb.subarray(row * yMin, row * yMax), row * yMin);
  }

  /** Writes the texels of a level of an image, with a border of one texel that repeats or continues it. */
  makeLevel(imageId: number, step: number): void {
    const image = this.#images[imageId]!;
    const { rgb } = image.imageAt(step);
    const { width, height } = image.sizeAt(step);
    const first = this.#imageWords[(BYTES.image / 4) * imageId + 5]!;
    const words = new Int32Array(this.#memory.memory.buffer, first + BYTES.level * step, 8);
    const texels = new Int32Array(words.buffer, words[7], (width + 2) * (height + 2));
    const inside = (index: number, size: number): number =>
      image.wraps ? (index + size) % size : Math.min(Math.max(index, 0), size - 1);
    let at = 0;
    for (let y = -1; y <= height; y++) {
      const row = inside(y, height) * width;
      for (let x = -1; x <= width; x++) {
        const texel = 3 * (row + inside(x, width));
        texels[at++] =
          Math.round(rgb[texel]!) |
          (Math.round(rgb[texel + 1]!) << 8) |
          (Math.round(rgb[texel + 2]!) << 16);
      }
    }
    words[4] = texels.byteOffset;
  }
}

/** What `ShadingTables` take of a memory, generously rounded. */
export function shadingBytes(
  scene: RenderScene,
  { size, triangleCapacity, clippedCapacity }: RasterMemory,
  lights: number,
): number {
  const { geoms, vertexCount, textures } = scene;
  const texels = textures.images.reduce(
    (sum, image) =>
      sum +
      BYTES.image +
      stepsOf(image).reduce((bytes, step) => bytes + BYTES.level + levelBytes(image, step), 0),
    0,
  );
  return (
    ROUNDING_BYTES +
    (3 + 4 * size.samples) * size.width * size.height +
    (BYTES.geom + 8 * (POSE_STRIDE + 4) + 8 * POWERS) * geoms.length +
    BYTES.light * lights +
    (12 + 8 + 12) * vertexCount +
    BYTES.colour * (vertexCount + clippedCapacity) +
    BYTES.record * (triangleCapacity + 1) +
    texels
  );
}

function stepsOf(image: TextureImage): number[] {
  return Array.from({ length: image.lastStep + 1 }, (_, step) => step);
}

/** Of the texels with their border, a multiple of 16. */
function levelBytes(image: TextureImage, step: number): number {
  const { width, height } = image.sizeAt(step);
  return 16 * Math.ceil((BYTES.texel * (width + 2) * (height + 2)) / 16);
}

function addressesOf(
  arrays: Record<string, { readonly byteOffset: number }>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { byteOffset }]) => [name, byteOffset]),
  );
}

function placeScene(
  memory: RasterMemory,
  scene: RenderScene,
  { inverseW, positions, parentA, parentB, fraction }: VertexBuffer,
): Record<string, { readonly byteOffset: number }> {
  const ints = (source: Int32Array): Int32Array => {
    const copy = memory.int32(source.length);
    copy.set(source);
    return copy;
  };
  const floats = (source: Float32Array): Float32Array => {
    const copy = memory.float32(source.length);
    copy.set(source);
    return copy;
  };
  return {
    inverseW,
    positions,
    parentA,
    parentB,
    fraction,
    normals: floats(scene.normals),
    texcoords: floats(scene.texcoords),
    vertexGeom: ints(scene.vertexGeom),
    vertexImage: ints(scene.vertexImage),
    vertexSurface: ints(scene.vertexSurface),
  };
}

/** @returns the table's address */
function placeGeoms(memory: RasterMemory, { geoms }: RenderScene): number {
  const doubles = memory.float64((BYTES.geom / 8) * geoms.length);
  const words = new Int32Array(doubles.buffer, doubles.byteOffset, 2 * doubles.length);
  const powers = new Map<SpecularPower, number>();
  geoms.forEach(({ emission, specular, specularPower }, row) => {
    if (!powers.has(specularPower)) {
      const table = memory.float64(POWERS);
      table.set(specularPower);
      table[POWERS - 1] = specularPower.at(-1)!;
      powers.set(specularPower, table.byteOffset);
    }
    doubles.set([emission, specular], (BYTES.geom / 8) * row);
    words[(BYTES.geom / 4) * row + 4] = powers.get(specularPower)!;
  });
  return doubles.byteOffset;
}

/** @returns float64[lights, 21], without positions and directions */
function placeLights(memory: RasterMemory, { lights }: VertexLighting): Float64Array {
  const table = memory.float64((BYTES.light / 8) * lights.length);
  lights.forEach((light, index) => {
    const { attenuation, ambient, diffuse, specular } = light;
    const at = (BYTES.light / 8) * index;
    table.set([Number(light.isDirectional), light.cutoffCosine, light.exponent], at);
    table.set([...attenuation, ...ambient, ...diffuse, ...specular], at + 9);
  });
  return table;
}

/** Tables of images and their levels; room for all texels, of which none is made. */
function placeImages(memory: RasterMemory, images: readonly TextureImage[]): Int32Array {
  const doubles = memory.float64((BYTES.image / 8) * images.length);
  const words = new Int32Array(doubles.buffer, doubles.byteOffset, 2 * doubles.length);
  images.forEach((image, id) => {
    const steps = stepsOf(image);
    const levels = memory.float64((BYTES.level / 8) * steps.length);
    const levelWords = new Int32Array(levels.buffer, levels.byteOffset, 2 * levels.length);
    doubles.set([image.width, image.height], (BYTES.image / 8) * id);
    words.set([image.lastStep, levels.byteOffset], (BYTES.image / 4) * id + 4);
    for (const step of steps) {
      const { width, height } = image.sizeAt(step);
      const texels = memory.uint8(levelBytes(image, step)).byteOffset;
      levels.set([width, height], (BYTES.level / 8) * step);
      // Until the texels are made, their address stands in the last word only.
      levelWords.set(
        [0, BYTES.texel * (width + 2), Number(image.wraps), texels],
        (BYTES.level / 4) * step + 4,
      );
    }
  });
  return words;
}
