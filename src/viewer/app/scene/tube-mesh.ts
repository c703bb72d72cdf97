/** Tubes in the scene: one geometry, drawn faintly through what stands before it and fully where nothing does. */
import { BufferAttribute, BufferGeometry, DynamicDrawUsage, Mesh, MeshBasicMaterial } from "three";
import { INDICES_PER_SEGMENT, TUBE_SIDES, tubeIndices, writeTube } from "./tube.ts";

export interface TubeMeshOptions {
  /** Points of one tube at most. */
  readonly points: number;
  /** @default 1 */
  readonly tubes?: number;
  /** Of what is seen through things, (0, 1]. */
  readonly hiddenOpacity: number;
  readonly renderOrder: number;
}

/** Its arrays keep their size and are written again and again. */
export class TubeMesh {
  /** What is seen through things, and what stands before them: drawn in this order. */
  readonly meshes: readonly Mesh<BufferGeometry, MeshBasicMaterial>[];
  /** `float32[tubes * points * TUBE_SIDES, 4]`, linear RGBA; over the materials' colour. */
  readonly colors: Float32Array;
  readonly #geometry = new BufferGeometry();
  readonly #positions: BufferAttribute;
  readonly #colors: BufferAttribute;
  /** Vertices of one tube. */
  readonly #vertices: number;

  constructor({ points, tubes = 1, hiddenOpacity, renderOrder }: TubeMeshOptions) {
    this.#vertices = points * TUBE_SIDES;
    this.colors = new Float32Array(tubes * this.#vertices * 4);
    this.#positions = new BufferAttribute(new Float32Array(tubes * this.#vertices * 3), 3);
    this.#colors = new BufferAttribute(this.colors, 4);
    this.#positions.setUsage(DynamicDrawUsage);
    this.#colors.setUsage(DynamicDrawUsage);
    this.#geometry.setAttribute("position", this.#positions);
    this.#geometry.setAttribute("color", this.#colors);
    this.#geometry.setIndex(new BufferAttribute(indicesOf(points, tubes), 1));
    this.meshes = [
      { opacity: hiddenOpacity, depthTest: false },
      { opacity: 1, depthTest: true },
    ].map((look) => {
      const rest = { vertexColors: true, transparent: true, depthWrite: false };
      const mesh = new Mesh(this.#geometry, new MeshBasicMaterial({ ...rest, ...look }));
      mesh.frustumCulled = false;
      mesh.renderOrder = renderOrder;
      return mesh;
    });
  }

  /** Writes the rings of one tube: see `writeTube`. */
  write(tube: number, args: Parameters<typeof writeTube>[1]): void {
    const size = this.#vertices * 3;
    const all = this.#positions.array as Float32Array;
    writeTube(all.subarray(tube * size, (tube + 1) * size), args);
  }

  /** Shows what was written, as far as the first so many segments of all tubes. */
  show(segments: number): void {
    this.#positions.needsUpdate = true;
    this.#colors.needsUpdate = true;
    this.#geometry.setDrawRange(0, segments * INDICES_PER_SEGMENT);
  }

  dispose(): void {
    this.#geometry.dispose();
    for (const { material } of this.meshes) material.dispose();
  }
}

/** Of all tubes, one after the other. */
function indicesOf(points: number, tubes: number): Uint32Array {
  const one = tubeIndices(points);
  const all = new Uint32Array(one.length * tubes);
  for (let tube = 0; tube < tubes; tube++) {
    all.set(
      one.map((index) => index + tube * points * TUBE_SIDES),
      tube * one.length,
    );
  }
  return all;
}
