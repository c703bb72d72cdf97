/** Where the gripper has been, and faintly where it will go. */
import { BufferAttribute, BufferGeometry, Group, Mesh, MeshBasicMaterial } from "three";
import type { Theme } from "../theme.ts";
import { POSE_LENGTH } from "../transforms.ts";
import type { ExtensionFactory } from "./extension.ts";
import { INDICES_PER_SEGMENT, TUBE_SIDES, tubeIndices, writeTube } from "./tube.ts";

export const createTrail: ExtensionFactory = ({ reader, scene, bounds, theme }) => {
  const gripper = scene.bodies.indexOf(scene.gripperBody ?? "");
  if (gripper < 0) return undefined;
  const radius = 0.0024 * bounds.radius + 0.0012;
  const tube = (opacity: number, depthTest: boolean): Mesh<BufferGeometry, MeshBasicMaterial> => {
    const look = { transparent: true, opacity, depthTest, depthWrite: false };
    const mesh = new Mesh(new BufferGeometry(), new MeshBasicMaterial(look));
    mesh.frustumCulled = false;
    return mesh;
  };
  const past = tube(0.8, true);
  // The arm stands in front of most of it.
  const pastBehind = tube(0.3, false);
  const whole = tube(0.16, true);
  const meshes = [whole, pastBehind, past];
  let points = 0;

  const refresh = (): void => {
    points = reader.steps.length;
    const path = new Float32Array(points * 3);
    for (let step = 0; step < points; step++) {
      const poses = reader.poses(step);
      for (let axis = 0; axis < 3; axis++) {
        // A step without poses repeats the point before it.
        path[step * 3 + axis] =
          poses?.[gripper * POSE_LENGTH + axis] ?? path[Math.max(0, step - 1) * 3 + axis]!;
      }
    }
    const positions = new Float32Array(points * TUBE_SIDES * 3);
    writeTube(positions, { path, count: points, radiusOf: () => radius });
    const attribute = new BufferAttribute(positions, 3);
    const index = new BufferAttribute(tubeIndices(points), 1);
    for (const { geometry } of meshes) {
      geometry.dispose();
      geometry.setAttribute("position", attribute);
      geometry.setIndex(index);
    }
  };
  const setTheme = ({ dark, series }: Theme): void => {
    past.material.color.set(series[1]!);
    pastBehind.material.color.set(series[1]!);
    whole.material.color.set(dark ? "#ffffff" : "#000000");
  };
  refresh();
  setTheme(theme);

  return {
    object: new Group().add(...meshes),
    update({ step }) {
      const drawn = Math.min(step, points - 1) * INDICES_PER_SEGMENT;
      past.geometry.setDrawRange(0, drawn);
      pastBehind.geometry.setDrawRange(0, drawn);
    },
    refresh,
    setTheme,
    dispose() {
      for (const { geometry, material } of meshes) {
        geometry.dispose();
        material.dispose();
      }
    },
  };
};
