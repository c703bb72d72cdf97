/** Geoms as three.js geometries, shared where equal. */
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

/** @returns undefined for an unbounded plane, which the ground draws */
export function createGeometry(shape: SceneGeom["shape"]): BufferGeometry | undefined {
  switch (shape.kind) {
    case "box": {
      const [x, y, z] = shape.halfExtents;
      return new BoxGeometry(2 * x, 2 * y, 2 * z);
    }
    case "sphere":
      return new SphereGeometry(shape.radius, 32, 20);
    case "ellipsoid": {
      const geometry = new SphereGeometry(1, 32, 20);
      geometry.scale(...shape.radii);
      return geometry;
    }
    case "cylinder": {
      const { radius, halfLength } = shape;
      // three.js has the axis along y, we along z.
      return new CylinderGeometry(radius, radius, 2 * halfLength, 40).rotateX(Math.PI / 2);
    }
    case "capsule": {
      const { radius, halfLength } = shape;
      return new CapsuleGeometry(radius, 2 * halfLength, 10, 28).rotateX(Math.PI / 2);
    }
    case "plane": {
      const [x, y] = shape.halfExtents;
      return x === 0 || y === 0 ? undefined : new PlaneGeometry(2 * x, 2 * y);
    }
    case "mesh": {
      const geometry = new Buffer();
      geometry.setAttribute("position", new BufferAttribute(Float32Array.from(shape.vertices), 3));
      geometry.setIndex(new BufferAttribute(Uint32Array.from(shape.triangles), 1));
      return toCreasedNormals(geometry, CREASE_RAD);
    }
  }
}

/** Equal keys mean equal geometries; undefined = not worth sharing. */
export function geometryKey(shape: SceneGeom["shape"]): string | undefined {
  return shape.kind === "mesh" ? undefined : JSON.stringify(shape);
}
