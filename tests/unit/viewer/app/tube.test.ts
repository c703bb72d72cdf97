import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TUBE_SIDES, tubeIndices, writeTube } from "../../../../src/viewer/app/scene/tube.ts";
import { TubeMesh } from "../../../../src/viewer/app/scene/tube-mesh.ts";

const coordinate = fc.float({ min: -2, max: 2, noNaN: true });

describe("writeTube()", () => {
  it("keeps every ring at its radius about its point, also where the path stands still", () => {
    const points = fc.array(fc.tuple(coordinate, coordinate, coordinate), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(points, fc.boolean(), (path, still) => {
        const all = still ? path.flatMap((point) => [point, point]) : path;
        const flat = Float64Array.from(all.flat());
        const out = new Float32Array(all.length * TUBE_SIDES * 3);
        writeTube(out, { path: flat, count: all.length, radiusOf: () => 0.01 });
        for (let vertex = 0; vertex < all.length * TUBE_SIDES; vertex++) {
          const point = Math.floor(vertex / TUBE_SIDES);
          const offset = [0, 1, 2].map((axis) => out[vertex * 3 + axis]! - flat[point * 3 + axis]!);
          expect(Math.hypot(...offset)).toBeCloseTo(0.01, 5);
        }
      }),
    );
  });
});

describe("tubeIndices()", () => {
  it("joins neighbouring rings only, so that a shorter tube is a prefix", () => {
    const long = tubeIndices(9);
    expect([...long.subarray(0, tubeIndices(4).length)]).toEqual([...tubeIndices(4)]);
    expect(Math.max(...tubeIndices(4))).toBe(4 * TUBE_SIDES - 1);
    expect(tubeIndices(1).length).toBe(0);
  });
});

describe("TubeMesh", () => {
  it("keeps tubes of one geometry apart, and shows the first segments of all", () => {
    const mesh = new TubeMesh({ points: 3, tubes: 2, hiddenOpacity: 0.3, renderOrder: 1 });
    const path = Float64Array.from([0, 0, 0, 1, 0, 0, 2, 0, 0]);
    const raised = path.map((value, i) => (i % 3 === 2 ? 5 : value));
    mesh.write(0, { path, count: 3, radiusOf: () => 0.01 });
    mesh.write(1, { path: raised, count: 3, radiusOf: () => 0.01 });
    mesh.show(4);
    const [hidden, visible] = mesh.meshes;
    expect(hidden!.geometry).toBe(visible!.geometry);
    expect(hidden!.material).toMatchObject({ opacity: 0.3, depthTest: false });
    expect(visible!.material).toMatchObject({ opacity: 1, depthTest: true });
    const { geometry } = visible!;
    const position = geometry.getAttribute("position");
    const index = geometry.getIndex()!;
    const { count } = geometry.drawRange;
    expect(count).toBe(index.count);
    for (let triangle = 0; triangle < count; triangle += 3) {
      const heights = [0, 1, 2].map((corner) => position.getZ(index.getX(triangle + corner)));
      for (const z of heights) expect(z).toBeCloseTo(triangle < count / 2 ? 0 : 5, 1);
    }
    mesh.dispose();
  });
});
