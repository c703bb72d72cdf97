/** Geoms as three.js geometries: indexed, with positions and normals alone, so that any can be merged. */
import type { BufferGeometry } from "three";
import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry as Buffer,
  CapsuleGeometry,
  CylinderGeometry,
  PlaneGeometry,
  SphereGeometry,
} from "three";
import { toCreasedNormals } from "three/addons/utils/BufferGeometryUtils.js";
import type { SceneGeom } from "../../../core/index.ts";

/** Edges sharper than this stay sharp, rad. */
const CREASE_RAD = 0.6;
/** Around the axis; the outline of a robot's link shows no corners at the size of the view. */
const SEGMENTS = 28;

/** @returns undefined for an unbounded plane, which the ground draws */
export function createGeometry(shape: SceneGeom["shape"]): BufferGeometry | undefined {
  const geometry = geometryOf(shape);
  geometry?.deleteAttribute("uv");
  return geometry;
}

function geometryOf(shape: SceneGeom["shape"]): BufferGeometry | undefined {
  switch (shape.kind) {
    case "box": {
      const [x, y, z] = shape.halfExtents;
      return new BoxGeometry(2 * x, 2 * y, 2 * z);
    }
    case "sphere":
      return new SphereGeometry(shape.radius, SEGMENTS, SEGMENTS / 2);
    case "ellipsoid":
      return new SphereGeometry(1, SEGMENTS, SEGMENTS / 2).scale(...shape.radii);
    case "cylinder": {
      const { radius, halfLength } = shape;
      // three.js has the axis along y, we along z.
      return new CylinderGeometry(radius, radius, 2 * halfLength, SEGMENTS).rotateX(Math.PI / 2);
    }
    case "capsule": {
      const { radius, halfLength } = shape;
      return new CapsuleGeometry(radius, 2 * halfLength, 7, SEGMENTS).rotateX(Math.PI / 2);
    }
    case "plane": {
      const [x, y] = shape.halfExtents;
      return x === 0 || y === 0 ? undefined : new PlaneGeometry(2 * x, 2 * y);
    }
    case "mesh":
      return meshGeometry(shape.vertices, shape.triangles);
  }
}

function meshGeometry(vertices: readonly number[], triangles: readonly number[]): BufferGeometry {
  const geometry = new Buffer();
  geometry.setAttribute("position", new BufferAttribute(Float32Array.from(vertices), 3));
  geometry.setIndex(new BufferAttribute(Uint32Array.from(triangles), 1));
  const creased = toCreasedNormals(geometry, CREASE_RAD);
  geometry.dispose();
  const { count } = creased.getAttribute("position");
  creased.setIndex(
    new BufferAttribute(
      Uint32Array.from({ length: count }, (_, i) => i),
      1,
    ),
  );
  return creased;
}
