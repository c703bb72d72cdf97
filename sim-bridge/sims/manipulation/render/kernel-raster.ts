/* eslint-disable max-params -- hot loop: positional parameters instead of an object per geom and frame */
import { VIEW_STRIDE } from "./camera.ts";
import type { Camera } from "./camera.ts";
import { createRasterKernel } from "./kernel/index.ts";
import type { RasterKernel } from "./kernel/index.ts";
import { Rasterizer } from "./raster.ts";
import type { RasterMemory, SampleBuffer } from "./raster-memory.ts";
import type { GeomLevel, RenderScene } from "./scene.ts";

/** Places in the block at address 0, see kernel/raster.wat: of 4 bytes each, then of 8. */
const WORD = {
  tiles: 10,
  target: 13,
  triangles: 15,
  count: 20,
  capacity: 21,
  geom: 22,
  touched: 23,
  heights: 27,
  spans: 84,
};
const DOUBLE = { size: 14, sampleColumns: 18, camera: 22, view: 26, plane: 38 };

/** Samples of a pixel are at these columns, one row of four sub-rows each. */
const SAMPLE_COLUMNS = { 1: [0.5, 0.5, 0.5, 0.5], 4: [0.625, 0.125, 0.875, 0.375] } as const;

/** The rasteriser with its inner loops in WebAssembly: bit for bit what `Rasterizer` draws. */
export class KernelRasterizer extends Rasterizer {
  readonly #kernel: RasterKernel;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(scene: RenderScene, memory: RasterMemory) {
    super(scene, memory);
    this.#kernel = createRasterKernel(memory.memory);
    this.#words = new Int32Array(memory.memory.buffer);
    this.#doubles = new Float64Array(memory.memory.buffer);
    const { vertices, width, height, samples, tiles } = this;
    const { column, row, inverseW, x, y, w, positions } = vertices;
    const arrays = [column, row, inverseW, x, y, w, positions];
    this.#words.set([...arrays.map(({ byteOffset }) => byteOffset), width, height, samples]);
    this.#words.set([tiles.columns, tiles.bound.byteOffset, tiles.farthest.byteOffset], WORD.tiles);
    this.#words[WORD.heights] = vertices.heights.byteOffset;
    this.#words[WORD.spans] = memory.float64(2 * height * samples).byteOffset;
    this.#doubles.set([width, height, samples, 1 / samples], DOUBLE.size);
    this.#doubles.set(SAMPLE_COLUMNS[samples], DOUBLE.sampleColumns);
    this.#pointAt(this.target);
  }

  override begin(buffer: SampleBuffer, isMirrored = false): void {
    super.begin(buffer, isMirrored);
    this.#pointAt(buffer);
  }

  override drawLevel(
    camera: Camera,
    level: GeomLevel,
    view: Float64Array,
    mayClip: boolean, // positional: called for every geom of every frame
  ): void {
    if (level.vertexCount < 3) return; // no area
    this.#project(camera, level, { view, keeps: mayClip });
    this.#drawFaces(level, {
      mayClip,
      clip: (corner) => {
        this.drawClipped(camera, corner);
      },
    });
  }

  override drawLevelAbove(
    camera: Camera,
    level: GeomLevel,
    view: Float64Array,
    plane: Float64Array, // positional, as in `drawLevel`
  ): void {
    if (level.vertexCount < 3) return;
    this.#doubles.set(plane, DOUBLE.plane);
    this.#project(camera, level, { view, keeps: true });
    this.#kernel.measure(level.firstVertex, level.firstVertex + level.vertexCount);
    this.#drawFaces(level, {
      mayClip: true,
      isAbove: true,
      clip: (corner) => {
        this.drawCut(camera, plane, corner);
      },
    });
  }

  #project(
    camera: Camera,
    { firstVertex, vertexCount }: GeomLevel,
    { view, keeps }: { view: Float64Array; keeps: boolean },
  ): void {
    const doubles = this.#doubles;
    doubles[DOUBLE.camera] = camera.focalPx;
    doubles[DOUBLE.camera + 1] = camera.near;
    doubles[DOUBLE.camera + 2] = camera.width / 2;
    doubles[DOUBLE.camera + 3] = camera.height / 2;
    for (let i = 0; i < VIEW_STRIDE; i++) doubles[DOUBLE.view + i] = view[i]!;
    this.#kernel.project(firstVertex, firstVertex + vertexCount, Number(keeps));
  }

  /** @param how.clip draws what is left of a triangle, given where its corners are in the indices */
  #drawFaces(
    { firstIndex, indexCount }: GeomLevel,
    how: { mayClip: boolean; isAbove?: boolean; clip: (corner: number) => void },
  ): void {
    const mayClip = Number(how.mayClip);
    const isAbove = Number(how.isAbove ?? false);
    const start = this.indices.byteOffset;
    const end = start + 4 * (firstIndex + indexCount);
    this.#enter();
    let at = this.#kernel.draw(start + 4 * firstIndex, end, mayClip, isAbove);
    this.#leave();
    while (at < end) {
      how.clip((at - start) / 4);
      this.#enter();
      at = this.#kernel.draw(at + 12, end, mayClip, isAbove);
      this.#leave();
    }
  }

  override fillTriangle(a: number, b: number, c: number): void {
    this.#enter();
    this.#kernel.fill(a, b, c);
    this.#leave();
  }

  #pointAt({ inverseDepth, triangle }: SampleBuffer): void {
    this.#words[WORD.target] = inverseDepth.byteOffset;
    this.#words[WORD.target + 1] = triangle.byteOffset;
  }

  /** Tells the kernel which list to go on with. */
  #enter(): void {
    const words = this.#words;
    const { a, b, c, geom, planes, count, capacity, currentGeom } = this.triangles;
    const { touched } = this;
    words[WORD.triangles] = a.byteOffset;
    words[WORD.triangles + 1] = b.byteOffset;
    words[WORD.triangles + 2] = c.byteOffset;
    words[WORD.triangles + 3] = geom.byteOffset;
    words[WORD.triangles + 4] = planes.byteOffset;
    words[WORD.count] = count;
    words[WORD.capacity] = capacity;
    words[WORD.geom] = currentGeom;
    words[WORD.touched] = touched.xMin;
    words[WORD.touched + 1] = touched.yMin;
    words[WORD.touched + 2] = touched.xMax;
    words[WORD.touched + 3] = touched.yMax;
  }

  #leave(): void {
    const words = this.#words;
    const { touched } = this;
    this.triangles.count = words[WORD.count]!;
    touched.xMin = words[WORD.touched]!;
    touched.yMin = words[WORD.touched + 1]!;
    touched.xMax = words[WORD.touched + 2]!;
    touched.yMax = words[WORD.touched + 3]!;
  }
}
