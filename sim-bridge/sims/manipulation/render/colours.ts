import type { RenderScene } from "./scene.ts";
import type { RenderModel } from "./types.ts";

/** `mjv` sorts geoms of at least this alpha among the opaque ones. */
const OPAQUE_ALPHA = 0.995;

/**
 * Colours of the drawn geoms in the present frame: the model's, but for those geoms that are given others
 * from frame to frame.
 */
export class GeomColours {
  /** float64[rows, 4]. */
  readonly rgba: Float64Array;
  /** Rows whose colours may change. */
  readonly dynamicRows: readonly number[];
  readonly #scene: RenderScene;
  readonly #ids: readonly number[];

  /** @throws {RangeError} if the model names a geom as dynamic that it does not have, or names one twice */
  constructor(model: RenderModel, scene: RenderScene) {
    const { dynamicColours: ids = [], count } = model.geoms;
    const strange = ids.find(
      (id, at) => !Number.isInteger(id) || id < 0 || id >= count || ids.indexOf(id) !== at,
    );
    if (strange !== undefined) {
      throw new RangeError(
        `Cannot create camera renderer: dynamicColours names geom ${strange}, ` +
          `it must name geoms from 0 to ${count - 1}, each once`,
      );
    }
    this.#ids = ids;
    this.#scene = scene;
    const { geoms } = scene;
    this.rgba = Float64Array.from(geoms.flatMap(({ rgba }) => [...rgba]));
    this.dynamicRows = [...geoms.keys()].filter((row) => ids.includes(geoms[row]!.id));
  }

  /**
   * Takes over the colours of a frame.
   *
   * @param colours float32[dynamicColours, 4]; without it, those of the model
   * @throws {RangeError} if there are not four finite numbers for each
   */
  begin(colours: Float32Array | undefined): void {
    if (colours !== undefined && colours.length !== 4 * this.#ids.length) {
      throw new RangeError(
        `Cannot colour geoms: there are ${colours.length} numbers, there must be ` +
          `${4 * this.#ids.length} (four for each of the model's dynamicColours)`,
      );
    }
    if (colours?.every(Number.isFinite) === false) {
      throw new RangeError("Cannot colour geoms: a colour is not finite, it must be");
    }
    for (const row of this.dynamicRows) {
      const { id, rgba } = this.#scene.geoms[row]!;
      const at = 4 * this.#ids.indexOf(id);
      this.rgba.set(colours?.subarray(at, at + 4) ?? rgba, 4 * row);
    }
  }

  alpha(row: number): number {
    return this.rgba[4 * row + 3]!;
  }

  isOpaque(row: number): boolean {
    return this.alpha(row) >= OPAQUE_ALPHA;
  }

  /** Whether what is behind the geom shows through it, but not alone. */
  isSeeThrough(row: number): boolean {
    return this.alpha(row) > 0 && !this.isOpaque(row);
  }
}
