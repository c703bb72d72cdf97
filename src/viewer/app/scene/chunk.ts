/** The predicted chunk in force: a path that fades with the horizon, thick as far as it was executed. */
import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  Group,
  InstancedMesh,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  SphereGeometry,
} from "three";
import { executedRows } from "../channels.ts";
import { motionModelOf, writeChunkPath } from "../chunk-path.ts";
import type { Theme } from "../theme.ts";
import type { ExtensionFactory } from "./extension.ts";
import { INDICES_PER_SEGMENT, TUBE_SIDES, tubeIndices, writeTube } from "./tube.ts";

const LONGEST_HORIZON = 256;
const FADE_TO = 0.12;

export const createChunk: ExtensionFactory = ({ reader, bounds, theme }) => {
  let model = motionModelOf(reader);
  const radius = 0.004 * bounds.radius + 0.002;
  const path = new Float64Array((LONGEST_HORIZON + 1) * 3);
  const positions = new BufferAttribute(
    new Float32Array((LONGEST_HORIZON + 1) * TUBE_SIDES * 3),
    3,
  );
  const colors = new BufferAttribute(new Float32Array((LONGEST_HORIZON + 1) * TUBE_SIDES * 4), 4);
  positions.setUsage(DynamicDrawUsage);
  colors.setUsage(DynamicDrawUsage);
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", positions);
  geometry.setAttribute("color", colors);
  geometry.setIndex(new BufferAttribute(tubeIndices(LONGEST_HORIZON + 1), 1));
  const material = (opacity: number, depthTest: boolean): MeshBasicMaterial =>
    new MeshBasicMaterial({
      vertexColors: true,
      transparent: true,
      opacity,
      depthTest,
      depthWrite: false,
    });
  // Seen through things faintly, where in front of them fully.
  const hidden = new Mesh(geometry, material(0.3, false));
  const visible = new Mesh(geometry, material(1, true));
  const dots = new InstancedMesh(
    new SphereGeometry(1, 12, 8),
    new MeshBasicMaterial({ transparent: true, opacity: 0.9 }),
    LONGEST_HORIZON + 1,
  );
  for (const mesh of [hidden, visible, dots]) mesh.frustumCulled = false;
  hidden.renderOrder = 2;
  visible.renderOrder = 3;
  const root = new Group().add(hidden, visible, dots);
  const dotMatrix = new Matrix4();
  let shown = -2;
  let executed = 0;

  const radiusOf = (point: number): number => (point <= executed ? radius : radius * 0.55);
  const show = (index: number): void => {
    const decision = reader.decisions[index];
    const poses = decision === undefined ? undefined : reader.poses(decision.step);
    root.visible = decision !== undefined && poses !== undefined && model !== undefined;
    if (decision === undefined || poses === undefined || model === undefined) return;
    const count = writeChunkPath(path, model, { decision, poses });
    executed = executedRows(reader, index);
    writeTube(positions.array as Float32Array, { path, count, radiusOf });
    for (let vertex = 0; vertex < count * TUBE_SIDES; vertex++) {
      const point = Math.floor(vertex / TUBE_SIDES);
      colors.array.fill(1, vertex * 4, vertex * 4 + 3);
      colors.array[vertex * 4 + 3] = 1 - (1 - FADE_TO) * (point / Math.max(1, count - 1));
    }
    positions.needsUpdate = true;
    colors.needsUpdate = true;
    geometry.setDrawRange(0, (count - 1) * INDICES_PER_SEGMENT);
    for (let point = 0; point < count; point++) {
      const size = radiusOf(point) * (1.9 - point / Math.max(1, count - 1));
      dotMatrix.makeScale(size, size, size);
      dotMatrix.setPosition(path[point * 3]!, path[point * 3 + 1]!, path[point * 3 + 2]!);
      dots.setMatrixAt(point, dotMatrix);
    }
    dots.count = count;
    dots.instanceMatrix.needsUpdate = true;
  };
  const setTheme = ({ accent }: Theme): void => {
    for (const mesh of [hidden, visible, dots]) mesh.material.color.set(accent);
  };
  setTheme(theme);

  return {
    object: root,
    update({ decision }) {
      if (decision === shown) return;
      shown = decision;
      show(decision);
    },
    refresh() {
      model ??= motionModelOf(reader);
      shown = -2;
    },
    setTheme,
    dispose() {
      geometry.dispose();
      hidden.material.dispose();
      visible.material.dispose();
      dots.geometry.dispose();
      dots.material.dispose();
      dots.dispose();
    },
  };
};
