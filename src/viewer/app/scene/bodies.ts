/** The bodies of the world at their recorded poses. */
import type { BufferGeometry, Material } from "three";
import { Color, DoubleSide, Group, Mesh, MeshStandardMaterial } from "three";
import type { SceneGeom } from "../../../core/index.ts";
import { POSE_LENGTH } from "../transforms.ts";
import type { ExtensionFactory } from "./extension.ts";
import { createGeometry, geometryKey } from "./geometry.ts";

export const createBodies: ExtensionFactory = ({ scene }) => {
  const root = new Group();
  const groups = scene.bodies.map(() => new Group());
  root.add(...groups);
  const geometries = new Map<string, BufferGeometry>();
  const materials = new Map<string, Material>();

  for (const geom of scene.geoms) {
    const group = groups[scene.bodies.indexOf(geom.body)];
    const key = geometryKey(geom.shape) ?? `mesh ${geometries.size}`;
    const geometry = geometries.get(key) ?? createGeometry(geom.shape);
    // Fully transparent geoms exist for collisions only.
    if (group === undefined || geometry === undefined || geom.rgba[3] === 0) continue;
    geometries.set(key, geometry);
    group.add(createMesh(geom, geometry, materials));
  }

  return {
    object: root,
    update({ poses }) {
      for (let body = 0; body < groups.length; body++) {
        const at = body * POSE_LENGTH;
        const group = groups[body]!;
        group.position.set(poses[at]!, poses[at + 1]!, poses[at + 2]);
        // wxyz here, xyzw in three.js.
        group.quaternion.set(poses[at + 4]!, poses[at + 5]!, poses[at + 6]!, poses[at + 3]!);
      }
    },
    dispose() {
      for (const geometry of geometries.values()) geometry.dispose();
      for (const material of materials.values()) material.dispose();
    },
  };
};

function createMesh(
  geom: SceneGeom,
  geometry: BufferGeometry,
  materials: Map<string, Material>,
): Mesh {
  const [red, green, blue, opacity] = geom.rgba;
  const flat = geom.shape.kind === "plane";
  const key = `${red} ${green} ${blue} ${opacity} ${flat}`;
  const material =
    materials.get(key) ??
    new MeshStandardMaterial({
      color: new Color().setRGB(red, green, blue, "srgb"),
      roughness: 0.62,
      metalness: 0.04,
      transparent: opacity < 1,
      opacity,
      ...(flat && { side: DoubleSide }),
    });
  materials.set(key, material);
  const mesh = new Mesh(geometry, material);
  mesh.position.set(...geom.position);
  const [w, x, y, z] = geom.quatWxyz;
  mesh.quaternion.set(x, y, z, w);
  mesh.castShadow = opacity > 0.5 && !flat;
  mesh.receiveShadow = true;
  return mesh;
}
