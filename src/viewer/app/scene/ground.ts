/** A quiet floor that fades out, with a grid of 0.25 m: a sense of up, of scale, and a place for shadows. */
import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DoubleSide,
  Float32BufferAttribute,
  Group,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshLambertMaterial,
  RingGeometry,
} from "three";
import type { Theme } from "../theme.ts";
import type { ExtensionFactory, SceneContext } from "./extension.ts";

const CELL_M = 0.25;

export const createGround: ExtensionFactory = ({ scene, bounds, theme }) => {
  const reach = Math.max(1, bounds.radius * 3.2);
  const root = new Group();
  root.position.set(bounds.center[0], bounds.center[1], groundHeight({ scene, bounds }));

  const disc = discGeometry(reach);
  const floor = new Mesh(
    disc,
    new MeshLambertMaterial({
      vertexColors: true,
      transparent: true,
      side: DoubleSide,
      // By default three.js draws what is transparent and two-sided twice; a disc has no inside.
      forceSinglePass: true,
      depthWrite: false,
    }),
  );
  floor.receiveShadow = true;
  floor.renderOrder = -2;
  // The grid stays on whole cells of the world wherever the scene's middle is.
  const snap = (value: number): number => Math.round(value / CELL_M) * CELL_M - value;
  const grid = new LineSegments(
    gridGeometry(reach * 0.85, { x: snap(bounds.center[0]), y: snap(bounds.center[1]) }),
    new LineBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false }),
  );
  grid.position.z = 0.0008;
  grid.renderOrder = -1;
  root.add(floor, grid);

  const setTheme = ({ dark }: Theme): void => {
    floor.material.color = new Color(dark ? "#23272c" : "#eef0f2");
    grid.material.color = new Color(dark ? "#4a525b" : "#b9c0c8");
    grid.material.opacity = dark ? 0.5 : 0.7;
  };
  setTheme(theme);

  return {
    object: root,
    update() {},
    setTheme,
    setFine(fine) {
      floor.receiveShadow = fine;
    },
    dispose() {
      disc.dispose();
      floor.material.dispose();
      grid.geometry.dispose();
      grid.material.dispose();
    },
  };
};

/** The unbounded plane of the scene, or else just below its lowest thing. */
function groundHeight({ scene, bounds }: Pick<SceneContext, "scene" | "bounds">): number {
  const plane = scene.geoms.find(
    ({ shape }) =>
      shape.kind === "plane" && (shape.halfExtents[0] === 0 || shape.halfExtents[1] === 0),
  );
  return plane === undefined ? bounds.low[2] - 0.001 : plane.position[2];
}

function fade(distance: number, reach: number): number {
  const t = Math.min(1, distance / reach);
  return (1 - t * t) ** 2;
}

function discGeometry(reach: number): RingGeometry {
  const geometry = new RingGeometry(0, reach, 72, 16);
  const position = geometry.getAttribute("position");
  const colors = new Float32Array(position.count * 4).fill(1);
  for (let i = 0; i < position.count; i++) {
    colors[i * 4 + 3] = fade(Math.hypot(position.getX(i), position.getY(i)), reach);
  }
  geometry.setAttribute("color", new BufferAttribute(colors, 4));
  return geometry;
}

function gridGeometry(reach: number, offset: { x: number; y: number }): BufferGeometry {
  const positions: number[] = [];
  const colors: number[] = [];
  const cells = Math.floor(reach / CELL_M);
  const point = (x: number, y: number): void => {
    positions.push(x + offset.x, y + offset.y, 0);
    colors.push(1, 1, 1, fade(Math.hypot(x, y), reach));
  };
  // Short pieces, so that the fade follows the circle along each line.
  for (let line = -cells; line <= cells; line++) {
    for (let piece = -cells; piece < cells; piece++) {
      point(line * CELL_M, piece * CELL_M);
      point(line * CELL_M, (piece + 1) * CELL_M);
      point(piece * CELL_M, line * CELL_M);
      point((piece + 1) * CELL_M, line * CELL_M);
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(positions, 3));
  geometry.setAttribute("color", new Float32BufferAttribute(colors, 4));
  return geometry;
}
