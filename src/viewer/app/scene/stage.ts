/**
 * The 3D view: a renderer, an orbit camera and the extensions that fill the scene. The only entry to
 * three.js; loaded after the rest of the page is usable. Draws when asked, never on its own.
 */
import { NeutralToneMapping, PCFShadowMap, PerspectiveCamera, Scene, WebGLRenderer } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import type { EpisodeReader } from "../../../episode/types.ts";
import { decisionAt } from "../channels.ts";
import type { ClockState } from "../clock.ts";
import type { Theme } from "../theme.ts";
import type { Bounds, OrbitView } from "../transforms.ts";
import {
  POSE_LENGTH,
  defaultView,
  eyeOf,
  interpolatePoses,
  sceneBounds,
  viewFrom,
} from "../transforms.ts";
import { createBodies } from "./bodies.ts";
import { createChunk } from "./chunk.ts";
import type { ExtensionFactory, SceneExtension, SceneFrame } from "./extension.ts";
import { createFrusta } from "./frusta.ts";
import { createGround } from "./ground.ts";
import { createLights } from "./lights.ts";
import { createPoints } from "./points.ts";
import { createTrail } from "./trail.ts";

const EXTENSIONS: readonly ExtensionFactory[] = [
  createLights,
  createGround,
  createBodies,
  createTrail,
  createChunk,
  createFrusta,
  createPoints,
];

const FOVY_DEG = 38;

export interface Stage {
  /** Shows an episode; `undefined` empties the scene. */
  open(reader: EpisodeReader | undefined): void;
  /** Takes over what was appended to the open episode. */
  refresh(): void;
  /** Draws one frame; true while the camera is still coming to rest and wants another. */
  render(state: ClockState): boolean;
  setTheme(theme: Theme): void;
  view(): OrbitView;
  setView(view: OrbitView | undefined): void;
  setFollow(follow: boolean): void;
  dispose(): void;
}

export interface StageOptions {
  readonly theme: Theme;
  readonly requestFrame: () => void;
  readonly onView: () => void;
}

/** @throws {Error} where the browser offers no WebGL 2 */
export function createStage(host: HTMLElement, options: StageOptions): Stage {
  const renderer = new WebGLRenderer({
    antialias: true,
    alpha: true,
    powerPreference: "low-power",
  });
  renderer.toneMapping = NeutralToneMapping;
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = PCFShadowMap;
  host.append(renderer.domElement);

  const scene = new Scene();
  const camera = new PerspectiveCamera(FOVY_DEG, 1, 0.01, 60);
  // Before the controls are made: they take the up axis at construction.
  camera.up.set(0, 0, 1);
  const controls = new OrbitControls(camera, renderer.domElement);
  controls.enableDamping = true;
  controls.dampingFactor = 0.18;
  controls.zoomToCursor = true;
  controls.addEventListener("change", options.requestFrame);
  controls.addEventListener("end", options.onView);

  let { theme } = options;
  let reader: EpisodeReader | undefined;
  let bounds: Bounds | undefined;
  let extensions: SceneExtension[] = [];
  let frame: SceneFrame = { step: 0, decision: -1, poses: new Float64Array(0) };
  let recorded: (Float64Array | undefined)[] = [];
  let gripperAt = -1;
  let follow = false;
  const followed = new Float64Array(3);

  const resize = (): void => {
    const { clientWidth: width, clientHeight: height } = host;
    if (width === 0 || height === 0) return;
    renderer.setPixelRatio(Math.min(2, window.devicePixelRatio));
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    options.requestFrame();
  };
  const observer = new ResizeObserver(resize);
  observer.observe(host);
  resize();

  const applyView = (view: OrbitView): void => {
    camera.position.set(...eyeOf(view));
    controls.target.set(...view.target);
    camera.near = Math.max(0.002, view.distance * 0.01);
    camera.far = view.distance * 3 + (bounds?.radius ?? 1) * 12;
    camera.updateProjectionMatrix();
    controls.update();
    options.requestFrame();
  };
  const resetView = (): void => {
    if (bounds === undefined) return;
    const lens = { fovyRad: camera.fov * (Math.PI / 180), aspect: camera.aspect };
    applyView(defaultView(bounds, lens));
  };
  const close = (): void => {
    for (const extension of extensions) {
      scene.remove(extension.object);
      extension.dispose();
    }
    extensions = [];
  };
  const readPoses = (): void => {
    recorded = reader?.steps.map(({ step }) => reader?.poses(step)) ?? [];
  };
  const updateFrame = ({ step, fraction }: ClockState): void => {
    const now = recorded[step];
    if (now === undefined || reader === undefined) return;
    interpolatePoses(frame.poses, [now, recorded[step + 1] ?? now], fraction);
    frame.step = step;
    frame.decision = decisionAt(reader.decisions, step);
    if (gripperAt >= 0) followGripper();
    for (let index = 0; index < extensions.length; index++) extensions[index]!.update(frame);
  };
  const followGripper = (): void => {
    for (let axis = 0; axis < 3; axis++) {
      const now = frame.poses[gripperAt + axis]!;
      const moved = now - followed[axis]!;
      followed[axis] = now;
      if (!follow || moved === 0) continue;
      const name = axis === 0 ? "x" : axis === 1 ? "y" : "z";
      camera.position[name] += moved;
      controls.target[name] += moved;
    }
  };

  return {
    open(next) {
      close();
      reader = next;
      readPoses();
      const description = next?.header.scene;
      const first = recorded.find((poses) => poses !== undefined);
      if (next === undefined || description === undefined || first === undefined) {
        options.requestFrame();
        return;
      }
      bounds = sceneBounds(description, first);
      frame = { step: 0, decision: -1, poses: first.slice() };
      gripperAt = description.bodies.indexOf(description.gripperBody ?? "") * POSE_LENGTH;
      if (gripperAt >= 0) followed.set(first.subarray(gripperAt, gripperAt + 3));
      const context = { reader: next, scene: description, bounds, theme };
      extensions = EXTENSIONS.map((create) => create(context)).filter((made) => made !== undefined);
      for (const { object } of extensions) scene.add(object);
      resetView();
    },
    refresh() {
      readPoses();
      for (const extension of extensions) extension.refresh?.();
      options.requestFrame();
    },
    render(state) {
      updateFrame(state);
      const moving = controls.update();
      renderer.render(scene, camera);
      return moving;
    },
    setTheme(next) {
      theme = next;
      for (const extension of extensions) extension.setTheme?.(next);
      options.requestFrame();
    },
    view: () => viewFrom(camera.position.toArray(), controls.target.toArray()),
    setView(view) {
      if (view === undefined) resetView();
      else applyView(view);
    },
    setFollow(next) {
      follow = next;
      if (follow && gripperAt >= 0) {
        controls.target.set(followed[0]!, followed[1]!, followed[2]!);
        controls.update();
      }
      options.requestFrame();
    },
    dispose() {
      close();
      observer.disconnect();
      controls.dispose();
      renderer.dispose();
      renderer.domElement.remove();
    },
  };
}
