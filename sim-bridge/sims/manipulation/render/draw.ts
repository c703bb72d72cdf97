import { VIEW_STRIDE, chooseLevel, viewFromPose, viewSphere } from "./camera.ts";
import type { Camera, SphereView } from "./camera.ts";
import { POSE_STRIDE } from "./pose.ts";
import type { Rasterizer } from "./raster.ts";
import type { GeomLevel, RenderScene } from "./scene.ts";

/** Culls geoms, chooses their level of detail and gives them to the rasteriser. */
export class GeomDrawer {
  /** View transform and bounding sphere of the geom that `look` was last asked about. */
  readonly view = new Float64Array(VIEW_STRIDE);
  readonly sphere: SphereView = { depth: 0, visible: false, crossesNear: false };
  readonly #scene: RenderScene;
  readonly #raster: Rasterizer;
  readonly #poses: Float64Array;
  /** Of each geom's nearest point, per row; scratch of `visibleRows`. */
  readonly #depths: Float64Array;

  /** @param poses world poses of the geoms, POSE_STRIDE numbers each, read whenever something is drawn */
  constructor(scene: RenderScene, raster: Rasterizer, poses: Float64Array) {
    this.#scene = scene;
    this.#raster = raster;
    this.#poses = poses;
    this.#depths = new Float64Array(scene.geoms.length);
  }

  /** Whether the bounding sphere of a geom is in the picture. */
  look(camera: Camera, row: number): boolean {
    viewFromPose(camera, this.#poses, POSE_STRIDE * row, this.view);
    viewSphere(camera, this.#scene.geoms[row]!, this.view, this.sphere);
    return this.sphere.visible;
  }

  /**
   * The visible ones of these geoms, near ones first: what they hide then costs less. Planes are
   * floors and walls, so everything is in front of them.
   */
  visibleRows(camera: Camera, rows: readonly number[]): readonly number[] {
    const depths = this.#depths;
    const visible = rows.filter((row) => {
      const isVisible = this.look(camera, row);
      const { isPlane, radius } = this.#scene.geoms[row]!;
      depths[row] = isPlane ? Infinity : this.sphere.depth - radius;
      return isVisible;
    });
    return visible.sort((a, b) =>
      depths[a]! < depths[b]! ? -1 : depths[a]! > depths[b]! ? 1 : a - b,
    );
  }

  /** The visible ones of these geoms, far ones first, as see-through geoms are mixed into a picture. */
  visibleFromFar(camera: Camera, rows: readonly number[]): readonly number[] {
    return rows
      .map((row) => ({ row, isVisible: this.look(camera, row), depth: this.sphere.depth }))
      .filter(({ isVisible }) => isVisible)
      .sort((a, b) => b.depth - a.depth || a.row - b.row)
      .map(({ row }) => row);
  }

  drawRows(camera: Camera, rows: readonly number[]): void {
    for (const row of this.visibleRows(camera, rows)) this.drawRow(camera, row);
  }

  drawRow(camera: Camera, row: number): void {
    if (!this.look(camera, row)) return;
    const level = this.levelOf(camera, row);
    this.#raster.triangles.currentGeom = row;
    this.#raster.drawLevel(camera, level, this.view, this.sphere.crossesNear);
  }

  /** The level of detail for a geom that was just looked at. */
  levelOf(camera: Camera, row: number): GeomLevel {
    const geom = this.#scene.geoms[row]!;
    return geom.levels[chooseLevel(camera, geom, this.sphere.depth)]!;
  }
}
