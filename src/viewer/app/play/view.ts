/** Playing, for the page: a world in a worker, driven from here, shown like any other episode. */
import type { EpisodeReader } from "../../../episode/types.ts";
import type { Drive } from "../../play-protocol.ts";
import type { KeyCommand } from "../keyboard.ts";
import { formatName } from "../format.ts";
import { fetchPolicies, fetchWorlds } from "../library.ts";
import type { HeldKeys } from "./held-keys.ts";
import { DRIVING_KEYS, listenForHeldKeys } from "./held-keys.ts";
import type { DriverName, PlayChoice } from "./panel.ts";
import { PlayPanel, policyOf } from "./panel.ts";
import type { PlayedEpisode } from "./played-episode.ts";
import { PlayerLink } from "./player-link.ts";

export interface PlayViewOptions {
  readonly root: HTMLElement;
  readonly onBegun: (episode: PlayedEpisode) => void;
  readonly onGrown: (episode: PlayedEpisode) => void;
  readonly onFailed: (message: string) => void;
  /** The choice has changed. */
  readonly onChange: () => void;
}

/** Worlds that need no files, and those that do. */
const ALWAYS = ["tabletop", "detour"] as const;
const WITH_FILES = ["libero"] as const;

export class PlayView {
  readonly #options: PlayViewOptions;
  readonly #panel: PlayPanel;
  readonly #link: PlayerLink;
  readonly #keys: HeldKeys;
  #shown = false;
  #paused = false;
  #replay: EpisodeReader | undefined;

  constructor(options: PlayViewOptions) {
    this.#options = options;
    this.#panel = new PlayPanel(options.root, {
      onChange: () => this.begin(),
      onPause: () => this.togglePause(),
    });
    this.#panel.setWorlds(ALWAYS);
    this.#link = new PlayerLink({
      onLoading: (progress) => this.#panel.setLoading(progress),
      onTasks: (tasks) => {
        this.#panel.setLoading(undefined);
        const { task, world } = this.#panel.choice();
        if (this.#panel.setTasks(tasks)) this.begin();
        else options.onFailed(`Cannot play ${task}: there is no such task in ${world}`);
      },
      onBegun: (episode) => {
        this.#panel.setLoading(undefined);
        this.#panel.say("");
        options.onBegun(episode);
      },
      onGrown: options.onGrown,
      onEnded: (outcome) =>
        this.#panel.say(
          outcome.kind === "failure"
            ? formatName(outcome.reason)
            : `${outcome.kind}, step ${outcome.step}`,
        ),
      onFailed: (message) => {
        this.#panel.setLoading(undefined);
        options.onFailed(message);
      },
    });
    this.#keys = listenForHeldKeys({
      inForce: () => this.#shown && this.#panel.choice().driver === "keyboard",
      onRow: (row) => {
        if (this.#shown) this.#link.command(row);
      },
    });
    void this.#findOffers();
  }

  /** @param open the episode that is open: its actions may be played again */
  show(open: EpisodeReader | undefined): void {
    this.#shown = true;
    if (open !== undefined && replayable(open)) this.#replay = open;
    this.#panel.offerReplay(this.#replay !== undefined);
    this.begin();
  }

  /** Stops simulating; another `show` begins anew. */
  hide(): void {
    this.#shown = false;
    this.#link.close();
    this.#panel.forgetTasks();
  }

  choose(choice: Partial<PlayChoice>): void {
    this.#panel.choose(choice);
  }

  choice(): PlayChoice {
    return this.#panel.choice();
  }

  /** Begins what is chosen, anew. */
  begin(): void {
    if (!this.#shown) return;
    const replay = this.#panel.choice().driver === "replay" ? this.#replay : undefined;
    if (replay !== undefined) this.#panel.choose(choiceOf(replay));
    const { world, task, initialState, driver } = this.#panel.choice();
    const policy = policyOf(driver);
    // What was known of the tasks goes with the world that is closed; the choice stays.
    if (this.#link.open(world, policy)) this.#panel.forgetTasks();
    this.#options.onChange();
    // The world answers with its tasks; then this is called again.
    if (!this.#panel.isReady) return;
    this.#setPaused(false);
    this.#keys.reset();
    this.#link.begin({ task, initialState, drive: driveOf(driver, replay) });
  }

  togglePause(): void {
    this.#setPaused(!this.#paused);
    this.#link.pause(this.#paused);
  }

  commands(): readonly KeyCommand[] {
    return [
      ...DRIVING_KEYS,
      { keys: [" "], label: "Space", words: "pause the world", run: () => this.togglePause() },
      { keys: ["Backspace"], label: "⌫", words: "start again", run: () => this.begin() },
    ];
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#panel.setPaused(paused);
  }

  async #findOffers(): Promise<void> {
    const [worlds, policies] = await Promise.all([fetchWorlds(), fetchPolicies()]);
    this.#panel.setWorlds([...ALWAYS, ...worlds]);
    this.#panel.setPolicies(policies);
  }
}

/** Whether a recording says where it began and what was done. */
function replayable({ header, steps }: EpisodeReader): boolean {
  const known = ([...ALWAYS, ...WITH_FILES] as string[]).includes(header.environment.name);
  return known && header.initialState !== undefined && steps.length > 1;
}

function choiceOf({ header }: EpisodeReader): Partial<PlayChoice> {
  const { environment, task, initialState = 0 } = header;
  return { world: environment.name, task, initialState };
}

function driveOf(driver: DriverName, replay: EpisodeReader | undefined): Drive {
  if (driver === "keyboard" || driver === "expert") return { kind: driver };
  return policyOf(driver) === undefined ? replayOf(replay) : { kind: "policy" };
}

function replayOf(replay: EpisodeReader | undefined): Drive {
  const rows = (replay?.steps ?? []).flatMap(({ action }) =>
    action === undefined ? [] : [action],
  );
  const actionDim = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * actionDim);
  rows.forEach((row, i) => all.set(row, i * actionDim));
  return { kind: "replay", rows: all, actionDim };
}
