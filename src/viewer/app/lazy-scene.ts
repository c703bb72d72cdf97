/** The 3D view as the page knows it: loaded late, possibly never, and asked for nothing before it is there. */
import type { EpisodeReader } from "../../episode/types.ts";
import type { ClockState } from "./clock.ts";
import type { Stage } from "./scene/stage.ts";
import type { Theme } from "./theme.ts";
import type { OrbitView } from "./transforms.ts";

export interface LazyScene {
  open(reader: EpisodeReader): void;
  refresh(): void;
  render(state: ClockState): boolean;
  setTheme(theme: Theme): void;
  /** The view if the person has chosen one. */
  chosenView(): OrbitView | undefined;
  setView(view: OrbitView | undefined): void;
  setFollow(follow: boolean): void;
}

export interface LazySceneOptions {
  readonly host: HTMLElement;
  readonly note: HTMLElement;
  readonly theme: Theme;
  readonly requestFrame: () => void;
  readonly onView: () => void;
}

export function createLazyScene(options: LazySceneOptions): LazyScene {
  const { host, note } = options;
  let { theme } = options;
  let stage: Stage | undefined;
  let reader: EpisodeReader | undefined;
  let view: OrbitView | undefined;
  let follow = false;
  let loading = false;

  const say = (words: string | undefined): void => {
    note.hidden = words === undefined;
    note.textContent = words ?? "";
  };
  const load = async (): Promise<void> => {
    loading = true;
    say("Loading the 3D view …");
    try {
      const { createStage } = await import("./scene/stage.ts");
      stage = createStage(host, {
        theme,
        requestFrame: options.requestFrame,
        onView: () => {
          view = stage?.view();
          options.onView();
        },
      });
      show();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(`There is no 3D view here: ${reason}. Everything else works.`);
    }
  };
  const show = (): void => {
    if (stage === undefined || reader === undefined) return;
    stage.open(reader);
    stage.setTheme(theme);
    if (view !== undefined) stage.setView(view);
    stage.setFollow(follow);
    say(undefined);
    host.dataset["ready"] = "true";
    options.requestFrame();
  };

  return {
    open(next) {
      const sameRoom = reader?.header.environment.name === next.header.environment.name;
      if (reader !== undefined && !sameRoom) view = undefined;
      reader = next;
      if (stage !== undefined) show();
      else if (!loading) void load();
    },
    refresh: () => stage?.refresh(),
    render: (state) => stage?.render(state) ?? false,
    setTheme(next) {
      theme = next;
      stage?.setTheme(next);
    },
    chosenView: () => view,
    setView(next) {
      view = next;
      stage?.setView(next);
    },
    setFollow(next) {
      follow = next;
      stage?.setFollow(next);
    },
  };
}

/** Whether an episode has anything to draw in 3D. */
export function hasScene(reader: EpisodeReader): boolean {
  const { scene } = reader.header;
  if (scene === undefined || scene.geoms.length === 0) return false;
  return reader.steps.some(({ step }) => reader.poses(step) !== undefined);
}
