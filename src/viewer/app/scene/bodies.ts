/** The bodies of the world at their recorded poses: few objects, for every object costs a call per frame. */
import type { BufferGeometry } from "three";
import {
  BufferAttribute,
  Color,
  DoubleSide,
  FrontSide,
  Group,
  Matrix4,
  Mesh,
  MeshStandardMaterial,
  Quaternion,
  Vector3,
} from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";
import type { SceneDescription, SceneGeom } from "../../../core/index.ts";
import { POSE_LENGTH } from "../transforms.ts";
import type { ExtensionFactory } from "./extension.ts";
import { createGeometry } from "./geometry.ts";

/** Geoms that are drawn alike: all opaque solids of a body are one mesh, its colours in the vertices. */
interface Look {
  readonly opacity: number;
  /** Planes are seen from both sides and cast no shadow. */
  readonly flat: boolean;
}

export const createBodies: ExtensionFactory = ({ scene }) => {
  const groups = scene.bodies.map(() => new Group());
  const root = new Group().add(...groups);
  const meshes = scene.bodies.flatMap((body, index) => {
    const made = meshesOf(scene, body);
    for (const mesh of made) groups[index]!.add(mesh);
    return made;
  });

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
    setFine(fine) {
      for (const mesh of meshes) mesh.receiveShadow = fine;
    },
    dispose() {
      for (const { geometry, material } of meshes) {
        geometry.dispose();
        material.dispose();
      }
    },
  };
};

function meshesOf(
  scene: SceneDescription,
  body: string,
): Mesh<BufferGeometry, MeshStandardMaterial>[] {
  const byLook = new Map<string, { look: Look; parts: BufferGeometry[] }>();
  for (const geom of scene.geoms) {
    // Fully transparent geoms exist for collisions only.
    if (geom.body !== body || geom.rgba[3] === 0) continue;
    const part = colouredPart(geom);
    if (part === undefined) continue;
    const look: Look = { opacity: geom.rgba[3], flat: geom.shape.kind === "plane" };
    const key = `${look.opacity} ${look.flat}`;
    const alike = byLook.get(key) ?? { look, parts: [] };
    byLook.set(key, alike);
    alike.parts.push(part);
  }
  return [...byLook.values()].map(({ look, parts }) => {
    const geometry = mergeGeometries(parts);
    for (const part of parts) part.dispose();
    return createMesh(geometry, look);
  });
}

/** A geom's geometry in its body's frame, its colour in every vertex. */
function colouredPart(geom: SceneGeom): BufferGeometry | undefined {
  const geometry = createGeometry(geom.shape);
  if (geometry === undefined) return undefined;
  const [w, x, y, z] = geom.quatWxyz;
  const pose = new Matrix4().compose(
    new Vector3(...geom.position),
    new Quaternion(x, y, z, w),
    new Vector3(1, 1, 1),
  );
  geometry.applyMatrix4(pose);
  const { count } = geometry.getAttribute("position");
  const [red, green, blue] = geom.rgba;
  const color = new Color().setRGB(red, green, blue, "srgb").toArray();
  const colors = new Float32Array(count * 3);
  for (let vertex = 0; vertex < count; vertex++) colors.set(color, vertex * 3);
  geometry.setAttribute("color", new BufferAttribute(colors, 3));
  return geometry;
}

function createMesh(
  geometry: BufferGeometry,
  { opacity, flat }: Look,
): Mesh<BufferGeometry, MeshStandardMaterial> {
  const material = new MeshStandardMaterial({
    vertexColors: true,
    roughness: 0.62,
    metalness: 0.04,
    transparent: opacity < 1,
    opacity,
    side: flat ? DoubleSide : FrontSide,
  });
  const mesh = new Mesh(geometry, material);
  mesh.castShadow = opacity > 0.5 && !flat;
  mesh.receiveShadow = true;
  return mesh;
}
