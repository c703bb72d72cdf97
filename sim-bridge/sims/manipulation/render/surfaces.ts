/**
 * Which smooth surface each vertex belongs to: triangles that share a vertex (same position, normal and
 * texture coordinate) continue each other, so their colours meet without a step. The faces of a box or
 * the caps of a cylinder are surfaces of their own.
 *
 * @param indices int32[m, 3] into the vertices
 * @returns int32[vertexCount]: equal numbers, same surface
 */
export function smoothSurfaces(indices: Int32Array, vertexCount: number): Int32Array {
  const parent = Int32Array.from({ length: vertexCount }, (_, vertex) => vertex);
  const root = (vertex: number): number => {
    let at = vertex;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!; // halve the path while walking it
      at = parent[at]!;
    }
    return at;
  };
  for (let corner = 0; corner < indices.length; corner += 3) {
    const a = root(indices[corner]!);
    parent[root(indices[corner + 1]!)] = a;
    parent[root(indices[corner + 2]!)] = a;
  }
  return parent.map((_, vertex) => root(vertex));
}
