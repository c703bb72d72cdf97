import type { IndexedMesh } from "../../sim-bridge/sims/libero/visual/mesh-file.ts";

/** Unit sphere of `rings` rings with as many columns: `2 rings^2` triangles. Normals are positions. */
export function sphereMesh(rings: number): IndexedMesh {
  const columns = rings;
  const positions: number[] = [];
  for (let ring = 0; ring <= rings; ring++) {
    for (let column = 0; column < columns; column++) {
      const [polar, around] = [(Math.PI * ring) / rings, (2 * Math.PI * column) / columns];
      const radius = Math.sin(polar);
      positions.push(radius * Math.cos(around), radius * Math.sin(around), Math.cos(polar));
    }
  }
  const indices: number[] = [];
  for (let ring = 0; ring < rings; ring++) {
    for (let column = 0; column < columns; column++) {
      const [a, b] = [ring * columns + column, ring * columns + ((column + 1) % columns)];
      indices.push(a, a + columns, b + columns, a, b + columns, b);
    }
  }
  const rows = Float32Array.from(positions);
  return {
    positions: rows,
    normals: rows,
    texcoords: undefined,
    indices: Uint32Array.from(indices),
  };
}
