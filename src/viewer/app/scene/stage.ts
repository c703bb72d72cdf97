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
  focusBounds,
  interpolatePoses,
  sceneBounds,
  viewFrom,
} from "../transforms.ts";
import { createBodies } from "./bodies.ts";
import { createChunk } from "./chunk.ts";
import type { ExtensionFactory, SceneExtension, SceneFrame } from "./extension.ts";
import { createFan } from "./fan.ts";
import { createFrusta } from "./frusta.ts";
import { createGround } from "./ground.ts";
import { createLights } from "./lights.ts";
import { createPoints } from "./points.ts";
import { Resolution } from "./resolution.ts";
import { isSoftwareRendered } from "./software.ts";
import { createTrail } from "./trail.ts";

const EXTENSIONS: readonly ExtensionFactory[] = [
  createLights,
  createGround,
  createBodies,
  createTrail,
  createFan,
  createChunk,
  createFrusta,
  createPoints,
];

const FOVY_DEG = 38;
/** Without a frame for so long, nothing moves. */
const REST_AFTER_MS = 250;
const AXES = ["x", "y", "z"] as const;

export interface StageOptions {
  readonly theme: Theme;
  readonly requestFrame: () => void;
  readonly onView: () => void;
}

export class Stage {
  readonly #host: HTMLElement;
  readonly #options: StageOptions;
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(FOVY_DEG, 1, 0.01, 60);
  readonly #controls: OrbitControls;
  readonly #observer: ResizeObserver;
  readonly #software = isSoftwareRendered();
  readonly #resolution = new Resolution({ slow: this.#software });
  #fine = true;
  /** When the frame began whose duration is being measured. */
  #drawnMs: number | undefined;
  /** The next frame is the fine one of a moment that was drawn coarsely. */
  #resting = false;
  #restTimer: ReturnType<typeof setTimeout> | undefined;
  #theme: Theme;
  #reader: EpisodeReader | undefined;
  #bounds: Bounds | undefined;
  #focus: Bounds | undefined;
  #extensions: SceneExtension[] = [];
  #frame: SceneFrame = { step: 0, decision: -1, poses: new Float64Array(0) };
  #pair: [Float64Array, Float64Array] = [this.#frame.poses, this.#frame.poses];
  #recorded: (Float64Array | undefined)[] = [];
  #shownFraction = -1;
  #gripperAt = -1;
  #follow = false;
  readonly #followed = new Float64Array(3);

  /** @throws {Error} where the browser offers no WebGL 2 */
  constructor(host: HTMLElement, options: StageOptions) {
    this.#host = host;
    this.#options = options;
    this.#theme = options.theme;
    this.#renderer = new WebGLRenderer({
      // In software a movement is better coarse than late; at rest, supersampling does as much for edges.
      antialias: !this.#software,
      alpha: true,
      powerPreference: "low-power",
    });
    this.#renderer.toneMapping = NeutralToneMapping;
    this.#renderer.shadowMap.enabled = true;
    this.#renderer.shadowMap.type = PCFShadowMap;
    // Shadows change when things move, not when the camera does.
    this.#renderer.shadowMap.autoUpdate = false;
    host.append(this.#renderer.domElement);
    // Before the controls are made: they take the up axis at construction.
    this.#camera.up.set(0, 0, 1);
    this.#controls = new OrbitControls(this.#camera, this.#renderer.domElement);
    this.#controls.enableDamping = true;
    this.#controls.dampingFactor = 0.18;
    this.#controls.zoomToCursor = true;
    this.#controls.addEventListener("change", options.requestFrame);
    this.#controls.addEventListener("end", options.onView);
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(host);
    this.#resize();
  }

  /** Shows an episode; `undefined` empties the scene. */
  open(reader: EpisodeReader | undefined): void {
    this.#clear();
    this.#reader = reader;
    this.#readPoses();
    const scene = reader?.header.scene;
    const first = this.#recorded.find((poses) => poses !== undefined);
    if (reader !== undefined && scene !== undefined && first !== undefined) {
      this.#bounds = sceneBounds(scene, first);
      this.#focus = focusBounds(scene, first);
      this.#frame = { step: -1, decision: -1, poses: first.slice() };
      this.#gripperAt = scene.bodies.indexOf(scene.gripperBody ?? "") * POSE_LENGTH;
      if (this.#gripperAt >= 0) {
        this.#followed.set(first.subarray(this.#gripperAt, this.#gripperAt + 3));
      }
      const context = { reader, scene, bounds: this.#bounds, theme: this.#theme };
      for (const create of EXTENSIONS) {
        const extension = create(context);
        if (extension === undefined) continue;
        if (!this.#fine) extension.setFine?.(false);
        this.#extensions.push(extension);
        this.#scene.add(extension.object);
      }
      this.setView(undefined);
    }
    this.#options.requestFrame();
  }

  /** Takes over what was appended to the open episode. */
  refresh(): void {
    this.#readPoses();
    for (const extension of this.#extensions) extension.refresh?.();
    this.#options.requestFrame();
  }

  /** Draws one frame; true while the camera is still coming to rest and wants another. */
  render(state: ClockState): boolean {
    const nowMs = performance.now();
    if (this.#resting) this.#resting = false;
    else if (this.#resolution.move()) this.#applyResolution();
    if (this.#resolution.scale < 1) this.#restLater();
    this.#updateFrame(state);
    const moving = this.#controls.update();
    this.#renderer.render(this.#scene, this.#camera);
    if (this.#drawnMs === undefined) requestAnimationFrame(this.#measure);
    this.#drawnMs ??= nowMs;
    return moving;
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#renderer.shadowMap.needsUpdate = true;
    for (const extension of this.#extensions) extension.setTheme?.(theme);
    this.#options.requestFrame();
  }

  view(): OrbitView {
    return viewFrom(this.#camera.position.toArray(), this.#controls.target.toArray());
  }

  /** `undefined` shows the whole scene. */
  setView(wanted: OrbitView | undefined): void {
    const lens = { fovyRad: FOVY_DEG * (Math.PI / 180), aspect: this.#camera.aspect };
    if (this.#bounds === undefined || this.#focus === undefined) return;
    const view = wanted ?? defaultView(this.#focus, lens);
    this.#camera.position.set(...eyeOf(view));
    this.#controls.target.set(...view.target);
    this.#camera.near = Math.max(0.002, view.distance * 0.01);
    this.#camera.far = view.distance * 3 + this.#bounds.radius * 12;
    this.#camera.updateProjectionMatrix();
    this.#controls.update();
    this.#options.requestFrame();
  }

  setFollow(follow: boolean): void {
    this.#follow = follow;
    if (follow && this.#gripperAt >= 0) {
      this.#controls.target.fromArray(this.#followed);
      this.#controls.update();
    }
    this.#options.requestFrame();
  }

  dispose(): void {
    this.#clear();
    clearTimeout(this.#restTimer);
    this.#drawnMs = undefined;
    this.#observer.disconnect();
    this.#controls.dispose();
    this.#renderer.dispose();
    this.#renderer.domElement.remove();
  }

  #clear(): void {
    for (const extension of this.#extensions) {
      this.#scene.remove(extension.object);
      extension.dispose();
    }
    this.#extensions = [];
  }

  #readPoses(): void {
    this.#recorded = this.#reader?.steps.map(({ step }) => this.#reader?.poses(step)) ?? [];
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width === 0 || height === 0) return;
    const { scale } = this.#resolution;
    const samples = this.#software && scale === 1 ? 2 : 1;
    this.#renderer.setPixelRatio(Math.min(2, window.devicePixelRatio * samples) * scale);
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    this.#camera.updateProjectionMatrix();
    this.#options.requestFrame();
  }

  #applyResolution(): void {
    const fine = this.#resolution.scale === 1;
    if (fine !== this.#fine) {
      this.#fine = fine;
      for (const extension of this.#extensions) extension.setFine?.(fine);
      // Coarse frames show no shadows: their map and looking pixels up in it are half of what a frame costs.
      this.#renderer.shadowMap.needsUpdate = fine;
      this.#host.classList.toggle("coarse", !fine);
    }
    this.#resize();
  }

  /**
   * The renderer works behind this program's back: how long a frame takes shows in when the browser comes
   * back for another. Time in which nobody asked for one does not count.
   */
  readonly #measure = (): void => {
    if (this.#drawnMs === undefined) return;
    const tookMs = performance.now() - this.#drawnMs;
    this.#drawnMs = undefined;
    this.#resolution.drawn(tookMs);
  };

  #restLater(): void {
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => {
      if (!this.#resolution.rest()) return;
      this.#resting = true;
      this.#applyResolution();
    }, REST_AFTER_MS);
  }

  /** Runs every frame: nothing here may allocate. */
  #updateFrame({ step, fraction }: ClockState): void {
    const now = this.#recorded[step];
    if (now === undefined || this.#reader === undefined) return;
    const moved = this.#frame.step !== step || fraction !== this.#shownFraction;
    if (moved && this.#fine) this.#renderer.shadowMap.needsUpdate = true;
    this.#shownFraction = fraction;
    this.#pair[0] = now;
    this.#pair[1] = this.#recorded[step + 1] ?? now;
    interpolatePoses(this.#frame.poses, this.#pair, fraction);
    this.#frame.step = step;
    this.#frame.decision = decisionAt(this.#reader.decisions, step);
    if (this.#gripperAt >= 0) this.#followGripper();
    for (let index = 0; index < this.#extensions.length; index++) {
      this.#extensions[index]!.update(this.#frame);
    }
  }

  /** Moves eye and target as the gripper has moved, so that a person may still turn the view. */
  #followGripper(): void {
    for (let axis = 0; axis < 3; axis++) {
      const now = this.#frame.poses[this.#gripperAt + axis]!;
      const moved = now - this.#followed[axis]!;
      this.#followed[axis] = now;
      if (!this.#follow || moved === 0) continue;
      const name = AXES[axis]!;
      this.#camera.position[name] += moved;
      this.#controls.target[name] += moved;
    }
  }
}
