/** The 3D view as the page knows it: loaded late, possibly never, and asked for nothing before it is there. */
import { messageOf } from "../../core/index.ts";
import type { EpisodeReader } from "../../episode/types.ts";
import type { ClockState } from "./clock.ts";
import type { Stage } from "./scene/stage.ts";
import type { Theme } from "./theme.ts";
import type { OrbitView } from "./transforms.ts";

export interface LazySceneOptions {
  readonly host: HTMLElement;
  readonly note: HTMLElement;
  readonly theme: Theme;
  readonly requestFrame: () => void;
  readonly onView: () => void;
}

export class LazyScene {
  readonly #options: LazySceneOptions;
  #theme: Theme;
  #stage: Stage | undefined;
  #reader: EpisodeReader | undefined;
  #view: OrbitView | undefined;
  #follow = false;
  #loading = false;
  #drawn = false;
  #shownStep = -1;

  constructor(options: LazySceneOptions) {
    this.#options = options;
    this.#theme = options.theme;
  }

  /** Shows an episode; a view that a person has chosen stays within one environment. */
  open(reader: EpisodeReader): void {
    const before = this.#reader?.header.environment.name;
    if (before !== undefined && before !== reader.header.environment.name) this.#view = undefined;
    this.#reader = reader;
    if (this.#stage !== undefined) this.#show();
    else if (!this.#loading) void this.#load();
  }

  refresh(): void {
    this.#stage?.refresh();
  }

  /** Draws one frame; true if another is wanted. */
  render(state: ClockState): boolean {
    if (this.#stage === undefined || this.#reader === undefined) return false;
    const moving = this.#stage.render(state);
    if (!this.#drawn) performance.mark("efference:first-3d-frame");
    this.#drawn = true;
    if (this.#shownStep !== state.step) this.#options.host.dataset["step"] = String(state.step);
    this.#shownStep = state.step;
    return moving;
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#stage?.setTheme(theme);
  }

  /** The view if the person has chosen one. */
  chosenView(): OrbitView | undefined {
    return this.#view;
  }

  setView(view: OrbitView | undefined): void {
    this.#view = view;
    this.#stage?.setView(view);
  }

  setFollow(follow: boolean): void {
    this.#follow = follow;
    this.#stage?.setFollow(follow);
  }

  async #load(): Promise<void> {
    const { host, requestFrame, onView } = this.#options;
    this.#loading = true;
    this.#say("Loading the 3D view …");
    try {
      const { Stage } = await import("./scene/stage.ts");
      const stage = new Stage(host, {
        theme: this.#theme,
        requestFrame,
        onView: () => {
          this.#view = stage.view();
          onView();
        },
      });
      this.#stage = stage;
      this.#show();
    } catch (error) {
      this.#say(`There is no 3D view here: ${messageOf(error)}. Everything else works.`);
    }
  }

  #show(): void {
    if (this.#stage === undefined || this.#reader === undefined) return;
    this.#stage.open(this.#reader);
    this.#stage.setTheme(this.#theme);
    if (this.#view !== undefined) this.#stage.setView(this.#view);
    this.#stage.setFollow(this.#follow);
    this.#say(undefined);
    this.#options.host.dataset["ready"] = "true";
    this.#options.requestFrame();
  }

  #say(words: string | undefined): void {
    this.#options.note.hidden = words === undefined;
    this.#options.note.textContent = words ?? "";
  }
}

/** Whether an episode has anything to draw in 3D. */
export function hasScene(reader: EpisodeReader): boolean {
  const { scene } = reader.header;
  if (scene === undefined || scene.geoms.length === 0) return false;
  return reader.steps.some(({ step }) => reader.poses(step) !== undefined);
}
