/** The recorded cameras as small pyramids at the bodies they are fixed to. */
import {
  BufferGeometry,
  Float32BufferAttribute,
  Group,
  LineBasicMaterial,
  LineSegments,
} from "three";
import type { Theme } from "../theme.ts";
import { POSE_LENGTH, composePoses, frustumCorners } from "../transforms.ts";
import type { ExtensionFactory } from "./extension.ts";

/** Edges of the pyramid over the rows of `frustumCorners`, and a roof that shows which side is up. */
const EDGES: readonly number[] = [0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 2, 3, 3, 4, 4, 1, 3, 5, 5, 4];

export const createFrusta: ExtensionFactory = ({ reader, scene, bounds, theme }) => {
  if (scene.cameras.length === 0) return undefined;
  const material = new LineBasicMaterial({ transparent: true, opacity: 0.6 });
  const root = new Group();
  const world = new Float64Array(POSE_LENGTH);
  const parts = scene.cameras.map((camera) => {
    const image = reader.header.spec.observation.images.find(({ name }) => name === camera.name);
    const aspect = image === undefined ? 1 : image.width / image.height;
    const depth = 0.07 * bounds.radius;
    const corners = frustumCorners(camera.fovyRad, aspect, depth);
    corners.push(0, corners[10]! * 1.35, -depth);
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new Float32BufferAttribute(corners, 3));
    geometry.setIndex([...EDGES]);
    const lines = new LineSegments(geometry, material);
    lines.frustumCulled = false;
    root.add(lines);
    const local = Float64Array.from([...camera.position, ...camera.quatWxyz]);
    return { lines, local, bodyAt: scene.bodies.indexOf(camera.body) * POSE_LENGTH };
  });
  const setTheme = ({ quiet }: Theme): void => {
    material.color.set(quiet);
  };
  setTheme(theme);

  return {
    object: root,
    update({ poses }) {
      for (let index = 0; index < parts.length; index++) {
        const { lines, local, bodyAt } = parts[index]!;
        if (bodyAt < 0) continue;
        composePoses(world, 0, { a: poses, aAt: bodyAt, b: local, bAt: 0 });
        lines.position.set(world[0]!, world[1]!, world[2]);
        lines.quaternion.set(world[4]!, world[5]!, world[6]!, world[3]!);
      }
    },
    setTheme,
    dispose() {
      for (const { lines } of parts) lines.geometry.dispose();
      material.dispose();
    },
  };
};
