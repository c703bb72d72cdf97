/** The camera images of the moment shown. While scrubbing, the newest wish wins and none queue up. */
import { messageOf } from "../../core/index.ts";
import type { EpisodeReader } from "../../episode/types.ts";
import { createCameraOverlay } from "./camera-overlay.ts";
import type { CameraOverlay } from "./camera-overlay.ts";
import { decisionAt } from "./channels.ts";
import type { ClockState, PlaybackClock } from "./clock.ts";
import type { SizedCanvas } from "./dom.ts";
import { element, setText, sizedCanvas } from "./dom.ts";
import { formatName } from "./format.ts";
import type { ImageCache } from "./image-cache.ts";
import { createImageCache } from "./image-cache.ts";
import type { Theme } from "./theme.ts";

interface Panel {
  readonly camera: string;
  readonly figure: HTMLElement;
  readonly image: HTMLCanvasElement;
  readonly overlay: SizedCanvas;
  readonly caption: HTMLElement;
  shownStep: number;
  wantedStep: number;
  busy: boolean;
}

/** How many images ahead are decoded before they are shown. */
const PREFETCH_STEPS = 4;

export interface CamerasOptions {
  readonly clock: PlaybackClock;
  readonly theme: Theme;
  readonly onLarge: (large: boolean) => void;
}

export class Cameras {
  readonly #root: HTMLElement;
  readonly #options: CamerasOptions;
  readonly #resized = new ResizeObserver(() => this.#paintOverlays());
  #theme: Theme;
  #reader: EpisodeReader | undefined;
  #cache: ImageCache | undefined;
  #overlay: CameraOverlay | undefined;
  #panels: readonly Panel[] = [];
  #large = -1;
  #lastStep = -1;

  constructor(root: HTMLElement, options: CamerasOptions) {
    this.#root = root;
    this.#options = options;
    this.#theme = options.theme;
    options.clock.subscribe((state) => this.#fetch(state));
    options.clock.onPresent((state) => this.#update(state));
  }

  show(reader: EpisodeReader): void {
    this.#cache?.close();
    this.#reader = reader;
    this.#cache = createImageCache(reader);
    this.#overlay = createCameraOverlay(reader, this.#theme);
    this.#resized.disconnect();
    const { images } = reader.header.spec.observation;
    this.#panels = reader.cameras.map((camera, index) => {
      const panel = createPanel(camera, { index, toggle: () => this.toggleLarge(index) });
      const spec = images.find(({ name }) => name === camera);
      // Known before the first image is decoded, so that the page does not jump.
      if (spec !== undefined) setAspect(panel, spec);
      return panel;
    });
    this.#root.replaceChildren(...this.#panels.map(({ figure }) => figure));
    this.#root.hidden = this.#panels.length === 0;
    this.#root.dataset["count"] = String(this.#panels.length);
    for (const { image } of this.#panels) this.#resized.observe(image);
    this.setLarge(-1);
    this.#lastStep = -1;
    this.#update(this.#options.clock.state);
  }

  /** Images of the newest step may have come in since. */
  refresh(): void {
    const { state } = this.#options.clock;
    const settled = Math.max(0, state.step - 1);
    this.#cache?.forgetAfter(settled);
    for (const panel of this.#panels) if (panel.shownStep > settled) panel.shownStep = -1;
    this.#update(state);
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#overlay?.setTheme(theme);
    this.#paintOverlays();
  }

  /** Enlarges the n-th camera, or brings it back. */
  toggleLarge(index: number): void {
    if (index < this.#panels.length) this.setLarge(this.#large === index ? -1 : index);
  }

  /** Enlarges one camera; -1 = none. */
  setLarge(index: number): void {
    this.#large = index;
    for (const [at, { figure }] of this.#panels.entries()) {
      figure.classList.toggle("large", at === index);
    }
    this.#options.onLarge(index >= 0);
    this.#paintOverlays();
  }

  /** Sends for the images of a new moment at once: they may be there by the frame that shows it. */
  #fetch({ step }: ClockState): void {
    for (const panel of this.#panels) {
      if (panel.wantedStep === step) continue;
      panel.wantedStep = step;
      if (this.#cache?.peek(panel.camera, step) === undefined) void this.#pump(panel);
    }
  }

  #update(state: ClockState): void {
    const { step } = state;
    this.#fetch(state);
    const direction = step >= this.#lastStep ? 1 : -1;
    const travel = Math.abs(step - this.#lastStep);
    this.#lastStep = step;
    for (const panel of this.#panels) {
      if (panel.shownStep !== step) {
        const ready = this.#cache?.peek(panel.camera, step);
        if (ready !== undefined) this.#paint(panel, ready, step);
        else void this.#pump(panel);
      }
      // After a jump nobody can tell where the next one leads.
      if (travel > 0 && travel <= PREFETCH_STEPS) this.#prefetch(panel, step, direction);
    }
  }

  /** Loads what is wanted until that is what is shown; runs once per camera. */
  async #pump(panel: Panel): Promise<void> {
    if (panel.busy || this.#cache === undefined) return;
    panel.busy = true;
    const cache = this.#cache;
    try {
      while (panel.shownStep !== panel.wantedStep && cache === this.#cache) {
        const step = panel.wantedStep;
        const bitmap = await cache.load(panel.camera, step);
        if (cache === this.#cache) this.#paint(panel, bitmap, step);
      }
    } catch (error) {
      panel.shownStep = panel.wantedStep;
      setText(panel.caption, `${formatName(panel.camera)}: ${messageOf(error)}`);
    } finally {
      panel.busy = false;
    }
  }

  #prefetch(panel: Panel, step: number, direction: number): void {
    for (let ahead = 1; ahead <= PREFETCH_STEPS; ahead++) {
      const next = step + direction * ahead;
      if (next < 0 || next >= this.#options.clock.state.steps) return;
      // A failure shows when the step itself is asked for.
      this.#cache?.load(panel.camera, next).catch(() => undefined);
    }
  }

  #paint(panel: Panel, bitmap: ImageBitmap | undefined, step: number): void {
    panel.shownStep = step;
    panel.figure.dataset["step"] = String(step);
    const context = panel.image.getContext("2d");
    if (bitmap === undefined || context === null) {
      setText(panel.caption, `${formatName(panel.camera)}: no image yet`);
      return;
    }
    if (panel.image.width !== bitmap.width || panel.image.height !== bitmap.height) {
      panel.image.width = bitmap.width;
      panel.image.height = bitmap.height;
      setAspect(panel, bitmap);
    }
    context.drawImage(bitmap, 0, 0);
    setText(panel.caption, formatName(panel.camera));
    this.#paintOverlay(panel);
  }

  #paintOverlays(): void {
    for (const panel of this.#panels) this.#paintOverlay(panel);
  }

  #paintOverlay({ camera, image, overlay }: Panel): void {
    if (this.#reader === undefined) return;
    const { step } = this.#options.clock.state;
    const size = { width: image.clientWidth, height: image.clientHeight };
    overlay.fit(size.width, size.height);
    const decision = decisionAt(this.#reader.decisions, step);
    this.#overlay?.draw(overlay.context, { camera, step, decision, size });
  }
}

function setAspect({ figure }: Panel, size: { width: number; height: number }): void {
  figure.style.aspectRatio = `${size.width} / ${size.height}`;
}

function createPanel(
  camera: string,
  { index, toggle }: { index: number; toggle: () => void },
): Panel {
  const image = element("canvas", { class: "camera-image" });
  const overlay = sizedCanvas("camera-overlay", { redrawn: true });
  const name = element("span", {}, [formatName(camera)]);
  const caption = element("figcaption", {}, [name, element("kbd", {}, [String(index + 1)])]);
  const figure = element(
    "figure",
    {
      class: "camera",
      title: `Enlarge (${index + 1})`,
      attributes: { "aria-label": `Camera ${camera}` },
      on: { click: toggle },
    },
    [image, overlay.canvas, caption],
  );
  figure.dataset["camera"] = camera;
  return {
    camera,
    figure,
    image,
    overlay,
    caption: name,
    shownStep: -1,
    wantedStep: -1,
    busy: false,
  };
}
