import type { GeomColours } from "./colours.ts";
import type { RenderScene } from "./scene.ts";
import type { RenderModel } from "./types.ts";

/** Which geoms are drawn when: rows of the scene's geoms by what can change about them. */
export class GeomRows {
  /** Opaque, of an unchanging colour, and fixed to the world. */
  fixed: readonly number[] = [];
  /** The other opaque ones of an unchanging colour. */
  movable: readonly number[] = [];
  readonly #scene: RenderScene;
  readonly #weldId: Int32Array;
  readonly #colours: GeomColours;
  readonly #seeThrough: readonly number[];

  constructor(model: RenderModel, scene: RenderScene, colours: GeomColours) {
    this.#scene = scene;
    this.#weldId = model.bodyWeldId;
    this.#colours = colours;
    this.#seeThrough = this.#unchanging((row) => colours.isSeeThrough(row));
    this.reset();
  }

  /** Takes all geoms that are welded to the world for fixed. */
  reset(): void {
    const { geoms } = this.#scene;
    const isFixed = (row: number): boolean => this.#weldId[geoms[row]!.bodyId] === 0;
    const opaque = this.#unchanging((row) => this.#colours.isOpaque(row));
    this.fixed = opaque.filter(isFixed);
    this.movable = opaque.filter((row) => !isFixed(row));
  }

  /** Takes rows for movable that counted as fixed. */
  release(rows: readonly number[]): void {
    this.fixed = this.fixed.filter((row) => !rows.includes(row));
    this.movable = [...rows, ...this.movable];
  }

  /** Those opaque in this frame whose colours may change from frame to frame. */
  changing(): readonly number[] {
    return this.#colours.dynamicRows.filter((row) => this.#colours.isOpaque(row));
  }

  /** All opaque ones of this frame that are not fixed. */
  loose(): readonly number[] {
    const changing = this.changing();
    return changing.length === 0 ? this.movable : [...this.movable, ...changing];
  }

  /** Those of this frame that are seen through. */
  seeThrough(): readonly number[] {
    const dynamic = this.#colours.dynamicRows.filter((row) => this.#colours.isSeeThrough(row));
    return dynamic.length === 0 ? this.#seeThrough : [...this.#seeThrough, ...dynamic];
  }

  /** Rows whose colours never change and are of a kind. */
  #unchanging(isOfKind: (row: number) => boolean): readonly number[] {
    const rows = [...this.#scene.geoms.keys()].filter(isOfKind);
    return rows.filter((row) => !this.#colours.dynamicRows.includes(row));
  }
}
