import type { GeomLevel, RenderScene } from "./scene.ts";
import { shadingBytes } from "./shading-tables.ts";

/** What the rasteriser's arrays must hold. */
export interface RasterSize {
  readonly width: number;
  readonly height: number;
  readonly samples: 1 | 4;
}

/** What a memory is made for. */
interface Room {
  readonly buffers: number;
  readonly lists: number;
  /** Default false. */
  readonly mirror?: boolean;
  /** If pictures are to be coloured in it, too: how many lights there are. */
  readonly lights?: number;
}

/** One buffer of samples: nearest triangle and its depth, row by row, `samples` sub-rows per pixel row. */
export interface SampleBuffer {
  /** float32[height * samples, width]: 1 / w of the nearest surface. */
  readonly inverseDepth: Float32Array<ArrayBuffer>;
  /** int32[height * samples, width]: its triangle, 0 = nothing. */
  readonly triangle: Int32Array<ArrayBuffer>;
}

/** Tiles are squares of 2^TILE_SHIFT pixels, see `DepthTiles`. */
export const TILE_SHIFT = 2;

/** Bytes of the block at address 0 that tells the kernel where everything is. */
const STATE_BYTES = 512;
/** Arrays begin on multiples of this; as much again is left free behind the last one. */
const ALIGNMENT = 16;
const PAGE_BYTES = 65_536;
/** What 32-bit addresses reach. */
const MAX_PAGES = 65_536;

/**
 * The arrays that JavaScript and the kernel share: views of one WebAssembly memory of fixed size, so that
 * no view is ever detached. Pages that are never touched take no memory.
 */
export class RasterMemory {
  readonly memory: WebAssembly.Memory;
  readonly size: RasterSize;
  /** Whether the world may also be drawn mirrored. */
  readonly hasMirror: boolean;
  /**
   * Triangles a list can hold: every geom at its finest level, each triangle cut in two by the near plane,
   * or in three by it and the plane of a mirror.
   */
  readonly triangleCapacity: number;
  /** Vertices that clipping can make in a frame, two for each triangle and plane. */
  readonly clippedCapacity: number;
  #end = STATE_BYTES;

  /**
   * @param room how many sample buffers and lists of triangles will be asked for; whether there is a mirror
   * @throws {RangeError} if 4 GiB cannot hold them
   */
  constructor(scene: RenderScene, size: RasterSize, room: Room) {
    this.size = size;
    this.hasMirror = room.mirror ?? false;
    const triangles = triangleCount(scene);
    this.triangleCapacity = (this.hasMirror ? 3 : 2) * triangles;
    this.clippedCapacity = (this.hasMirror ? 4 : 2) * triangles;
    const pages = Math.ceil(bytesFor(this, scene, room) / PAGE_BYTES);
    if (pages > MAX_PAGES) {
      throw new RangeError(
        `Cannot create camera renderer: its arrays need ${pages / 16} MiB, they must fit in 4096 MiB ` +
          "(fewer pixels, samples, triangles, texels or fixed cameras)",
      );
    }
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  }

  float64(length: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#buffer, this.#take(8 * length), length);
  }

  float32(length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#buffer, this.#take(4 * length), length);
  }

  int32(length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#buffer, this.#take(4 * length), length);
  }

  uint8(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, this.#take(length), length);
  }

  sampleBuffer(): SampleBuffer {
    const length = this.size.width * this.size.height * this.size.samples;
    return { inverseDepth: this.float32(length), triangle: this.int32(length) };
  }

  get #buffer(): ArrayBuffer {
    return this.memory.buffer;
  }

  #take(bytes: number): number {
    const start = this.#end;
    this.#end = start + aligned(bytes);
    return start;
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Triangles of a scene in which every geom is at its finest level. */
function triangleCount({ geoms }: RenderScene): number {
  const most = (levels: readonly GeomLevel[]): number =>
    Math.max(...levels.map(({ indexCount }) => indexCount / 3));
  return geoms.reduce((sum, { levels }) => sum + most(levels), 0);
}

/** What `Rasterizer`, `VertexBuffer`, `TriangleList`, `DepthTiles` and `ShadingTables` take, generously rounded. */
function bytesFor(memory: RasterMemory, scene: RenderScene, room: Room): number {
  const { size, triangleCapacity, clippedCapacity, hasMirror } = memory;
  const samples = size.width * size.height * size.samples;
  const tiles =
    Math.ceil(size.width / (1 << TILE_SHIFT)) * Math.ceil(size.height / (1 << TILE_SHIFT));
  const arrays = 32 + 2 * room.buffers + 5 * room.lists;
  return (
    STATE_BYTES +
    (arrays + 1) * ALIGNMENT +
    room.buffers * 8 * samples +
    room.lists * 40 * (triangleCapacity + 1) +
    6 * 8 * (scene.vertexCount + clippedCapacity) +
    16 * clippedCapacity +
    12 * scene.vertexCount +
    (hasMirror ? 8 : 0) * scene.vertexCount +
    4 * (hasMirror ? 2 : 1) * scene.indices.length +
    12 * tiles +
    16 * size.height * size.samples +
    (room.lights === undefined ? 0 : shadingBytes(scene, memory, room.lights))
  );
}
