/** The camera images of the moment shown. While scrubbing, the newest wish wins and none queue up. */
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

export interface Cameras {
  show(reader: EpisodeReader | undefined): void;
  /** Images of later steps may have come in. */
  refresh(): void;
  setTheme(theme: Theme): void;
  /** Enlarges the n-th camera, or brings it back; the number of cameras bounds n. */
  toggleLarge(index: number): void;
  clearLarge(): boolean;
}

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

export function createCameras(
  root: HTMLElement,
  options: {
    readonly clock: PlaybackClock;
    readonly theme: Theme;
    readonly onLarge: (large: boolean) => void;
  },
): Cameras {
  const { clock } = options;
  let { theme } = options;
  let reader: EpisodeReader | undefined;
  let cache: ImageCache | undefined;
  let overlay: CameraOverlay | undefined;
  let panels: Panel[] = [];
  let large = -1;
  let lastStep = 0;

  const paint = (panel: Panel, bitmap: ImageBitmap | undefined, step: number): void => {
    panel.shownStep = step;
    const context = panel.image.getContext("2d");
    if (bitmap === undefined || context === null) {
      setText(panel.caption, `${formatName(panel.camera)}: no image at this step`);
      return;
    }
    if (panel.image.width !== bitmap.width || panel.image.height !== bitmap.height) {
      panel.image.width = bitmap.width;
      panel.image.height = bitmap.height;
      panel.figure.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
    }
    context.drawImage(bitmap, 0, 0);
    setText(panel.caption, formatName(panel.camera));
    panel.figure.dataset["step"] = String(step);
    paintOverlay(panel);
  };
  const paintOverlay = (panel: Panel): void => {
    if (reader === undefined) return;
    const { clientWidth: width, clientHeight: height } = panel.image;
    panel.overlay.fit(width, height);
    overlay?.draw(panel.overlay.context, {
      camera: panel.camera,
      step: clock.state.step,
      decision: decisionAt(reader.decisions, clock.state.step),
      size: { width, height },
    });
  };
  const pump = async (panel: Panel): Promise<void> => {
    if (panel.busy || cache === undefined) return;
    panel.busy = true;
    const from = cache;
    try {
      while (panel.shownStep !== panel.wantedStep && from === cache) {
        const step = panel.wantedStep;
        const bitmap = await from.load(panel.camera, step);
        if (from === cache) paint(panel, bitmap, step);
      }
    } catch (error) {
      panel.shownStep = panel.wantedStep;
      setText(panel.caption, `${formatName(panel.camera)}: ${String(error)}`);
    } finally {
      panel.busy = false;
    }
  };
  const prefetch = (panel: Panel, step: number, direction: number): void => {
    for (let ahead = 1; ahead <= PREFETCH_STEPS; ahead++) {
      const next = step + direction * ahead;
      if (next < 0 || next >= clock.state.steps) return;
      // A failure shows when the step itself is asked for.
      cache?.load(panel.camera, next).catch(() => undefined);
    }
  };
  const update = ({ step }: ClockState): void => {
    const direction = step >= lastStep ? 1 : -1;
    lastStep = step;
    for (const panel of panels) {
      if (panel.wantedStep === step && panel.shownStep === step) continue;
      panel.wantedStep = step;
      const ready = cache?.peek(panel.camera, step);
      if (ready !== undefined) paint(panel, ready, step);
      else void pump(panel);
      prefetch(panel, step, direction);
    }
  };
  const setLarge = (index: number): void => {
    large = index;
    for (const [at, panel] of panels.entries())
      panel.figure.classList.toggle("large", at === index);
    options.onLarge(index >= 0);
    for (const panel of panels) paintOverlay(panel);
  };
  const resized = new ResizeObserver(() => {
    for (const panel of panels) paintOverlay(panel);
  });

  clock.subscribe(update);
  return {
    show(next) {
      cache?.close();
      reader = next;
      cache = next === undefined ? undefined : createImageCache(next);
      overlay = next === undefined ? undefined : createCameraOverlay(next, theme);
      const cameras = next?.cameras ?? [];
      resized.disconnect();
      panels = cameras.map((camera, index) => createPanel(camera, { index, toggle: toggleLarge }));
      root.replaceChildren(...panels.map(({ figure }) => figure));
      root.hidden = panels.length === 0;
      root.dataset["count"] = String(panels.length);
      for (const { image } of panels) resized.observe(image);
      setLarge(-1);
      update(clock.state);
    },
    refresh() {
      const newest = Math.max(0, clock.state.step - 1);
      cache?.forgetAfter(newest);
      for (const panel of panels) if (panel.shownStep > newest) panel.shownStep = -1;
      update(clock.state);
    },
    setTheme(next) {
      theme = next;
      overlay?.setTheme(next);
      for (const panel of panels) paintOverlay(panel);
    },
    toggleLarge,
    clearLarge() {
      const was = large >= 0;
      if (was) setLarge(-1);
      return was;
    },
  };

  function toggleLarge(index: number): void {
    if (index < panels.length) setLarge(large === index ? -1 : index);
  }
}

function createPanel(
  camera: string,
  { index, toggle }: { index: number; toggle: (index: number) => void },
): Panel {
  const image = element("canvas", { class: "camera-image" });
  const overlay = sizedCanvas("camera-overlay");
  const name = element("span", {}, [formatName(camera)]);
  const caption = element("figcaption", {}, [name, element("kbd", {}, [String(index + 1)])]);
  const figure = element(
    "figure",
    {
      class: "camera",
      title: `Enlarge (${index + 1})`,
      attributes: { "aria-label": `Camera ${camera}` },
      on: { click: () => toggle(index) },
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
