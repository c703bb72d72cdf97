/**
 * The page's composition root: makes the parts, and connects them to the one clock, the library and the
 * open episode. Parts never know each other.
 */
import type { EpisodeEntry, TrainingRun } from "../protocol.ts";
import { Address } from "./address.ts";
import { Cameras } from "./cameras.ts";
import { channelsOf } from "./channels.ts";
import { createPlaybackClock } from "./clock.ts";
import type { CommandActions } from "./commands.ts";
import { createCommands, sharedCommands } from "./commands.ts";
import type { DeepLink } from "./deep-link.ts";
import { parseDeepLink } from "./deep-link.ts";
import { setText } from "./dom.ts";
import { createDropTarget } from "./drop.ts";
import { EpisodeList } from "./episode-list.ts";
import { drawEpisodeTitle } from "./episode-title.ts";
import { standingOf } from "./filter.ts";
import { signIcon } from "./icons.ts";
import type { KeyCommand } from "./keyboard.ts";
import { createHelp, listenForKeys } from "./keyboard.ts";
import { LazyScene, hasScene } from "./lazy-scene.ts";
import type { Connection } from "./library.ts";
import { connectLibrary } from "./library.ts";
import type { OpenEpisode, Origin } from "./open-episode.ts";
import { createEpisodeOpener } from "./open-episode.ts";
import { createRunSummary } from "./run-summary.ts";
import { playChoice, playLink } from "./play/link.ts";
import { PlayView } from "./play/view.ts";
import { onThemeChange, readTheme } from "./theme.ts";
import { ThoughtsPanel } from "./thoughts.ts";
import { createTimeAxis } from "./time-axis.ts";
import { FOLDED_AT_FIRST, Timeline } from "./timeline.ts";
import { trainingLink, trainingSettings } from "./training/link.ts";
import { TrainingView } from "./training/view.ts";
import { Transport } from "./transport.ts";
import { drawWelcome } from "./welcome.ts";

const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null)
    throw new Error(`Cannot start the page: #${id} is missing, must be in index.html`);
  return found;
};

const help = createHelp();
let link = parseDeepLink(location.hash);
let entries: readonly EpisodeEntry[] = [];
let connection: Connection = "connecting";
let follow = link.follow === true;
let frameAsked = false;
let hasTraining = false;
/** What an address asked for and could not be opened: it stays there while nothing else is open, so that a reload says again what is wrong. */
let unopened: Pick<DeepLink, "episode" | "url"> = {};
/** Whether an episode was to be opened: where that failed the page says so, and opens no other by itself. */
let anyAsked = false;
let mode: "episodes" | "training" | "play" = "episodes";

const theme = readTheme();
const clock = createPlaybackClock();
const stageElement = byId("stage");

const address = new Address({
  current: currentLink,
  mayWrite: () =>
    mode !== "episodes" ||
    (!clock.state.playing && link.episode === undefined && link.url === undefined),
});
const requestFrame = (): void => {
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(onFrame);
};
const scene = new LazyScene({
  host: byId("scene"),
  note: byId("scene-note"),
  theme,
  requestFrame,
  onView: () => address.touch(),
});
const cameras = new Cameras(byId("cameras"), {
  clock,
  theme,
  onLarge: (large) => stageElement.classList.toggle("camera-large", large),
});
const thoughts = new ThoughtsPanel(byId("thoughts"), { clock, theme });
const transport = new Transport(byId("transport"), { clock, theme });
const axis = createTimeAxis(transport.track, clock);
transport.attach(axis);
const timeline = new Timeline(byId("lanes"), {
  clock,
  axis,
  theme,
  onFold: () => address.touch(),
});
const list = new EpisodeList(byId("list"), {
  onOpen: (path) => void opener.open({ kind: "library", path }),
  onFilter: () => address.touch(),
  onDone: () => byId("main").focus(),
});
const summary = createRunSummary(byId("summary"), {
  onTask: (task) => list.setFilter({ text: `task:${task}` }),
});
const training = new TrainingView({
  list: byId("runs"),
  panel: byId("training"),
  theme,
  onChange: () => address.touch(),
  onChosen() {
    showNotice(undefined);
    setMode("training");
  },
  onNotice: showNotice,
});
const play = new PlayView({
  root: byId("play"),
  onBegun: (reader) => void opener.open({ kind: "play", reader }),
  onGrown: () => void opener.refresh(),
  onFailed: showNotice,
  onChange: () => address.touch(),
});
const drop = createDropTarget(byId("shade"), {
  onFile: (file) => void opener.open({ kind: "file", file }),
  onRefused: showNotice,
});
const opener = createEpisodeOpener({
  onOpening(origin) {
    anyAsked = true;
    if (origin.kind !== "play") setMode("episodes");
    byId("main").setAttribute("aria-busy", labelOf(origin));
  },
  onOpen: showEpisode,
  onGrown: showGrown,
  onError(origin, error) {
    byId("main").removeAttribute("aria-busy");
    unopened = linkTo(origin);
    link = {};
    const what = error instanceof Error ? error.message : String(error);
    showNotice(what.startsWith("Cannot") ? what : `Cannot open ${labelOf(origin)}: ${what}`);
  },
});

function onFrame(nowMs: number): void {
  frameAsked = false;
  const playing = clock.tick(nowMs);
  clock.present();
  const moving = scene.render(clock.state);
  if (playing || moving) requestFrame();
}

function labelOf(origin: Origin): string {
  switch (origin.kind) {
    case "library":
      return origin.path;
    case "url":
      return origin.url;
    case "file":
      return origin.file.name;
    case "play":
      return origin.reader.header.task;
  }
}

function showNotice(message: string | undefined): void {
  const notice = byId("notice");
  notice.hidden = message === undefined;
  setText(notice, message ?? "");
}

function showWelcome(): void {
  const shown = opener.current() === undefined;
  byId("welcome").hidden = !shown;
  document.body.classList.toggle("nothing-open", shown);
  if (!shown) return;
  const choose = (): void => drop.choose();
  drawWelcome(byId("welcome"), { connection, episodes: entries.length, choose });
}

function isLive({ origin, reader }: OpenEpisode): boolean {
  if (origin.kind === "play") return !reader.complete;
  if (reader.complete || origin.kind !== "library") return false;
  const entry = entries.find(({ path }) => path === origin.path);
  // An episode that the list does not have yet is as new as can be.
  return entry === undefined || standingOf(entry, Date.now()) === "running";
}

function showEpisode(episode: OpenEpisode): void {
  const { reader, origin } = episode;
  byId("main").removeAttribute("aria-busy");
  showNotice(undefined);
  clock.pause();
  clock.setTimes(timesOf(episode));
  drawTitle(episode);
  stageElement.classList.toggle("no-scene", !hasScene(reader));
  axis.reset();
  transport.show(reader);
  timeline.show(reader, channelsOf(reader));
  thoughts.show(reader);
  cameras.show(reader);
  scene.open(reader);
  list.setOpen(origin.kind === "library" ? origin.path : undefined);
  document.title = `${reader.header.task} · Efference`;
  const live = isLive(episode);
  if (link.t !== undefined && isLinked(origin)) clock.seekTime(link.t);
  else clock.seek(live ? reader.steps.length - 1 : 0);
  // A link's time counts for the episode it names, and once.
  link = {};
  showWelcome();
  address.touch();
}

function isLinked(origin: Origin): boolean {
  if (origin.kind === "library") return origin.path === link.episode;
  return origin.kind === "url" && origin.url === link.url;
}

/** An episode that is played here grows with every step: too often for all of the page. */
const PLAYED_EVERY_MS = 300;
let shownGrownMs = 0;

function showGrown(episode: OpenEpisode): void {
  const { reader, origin } = episode;
  const newestBefore = clock.state.steps;
  const nowMs = performance.now();
  const often = origin.kind === "play" && !reader.complete;
  if (!often || nowMs - shownGrownMs > PLAYED_EVERY_MS) {
    shownGrownMs = nowMs;
    drawTitle(episode);
    timeline.show(reader, channelsOf(reader));
    transport.show(reader);
    thoughts.show(reader);
  }
  scene.refresh();
  clock.setTimes(timesOf(episode), { live: true });
  if (clock.state.steps !== newestBefore) cameras.refresh();
}

function drawTitle(episode: OpenEpisode): void {
  const live = isLive(episode);
  drawEpisodeTitle(byId("title-words"), { reader: episode.reader, live });
  byId("time").classList.toggle("live", live);
}

function timesOf({ reader }: OpenEpisode): number[] {
  return reader.steps.map(({ stampNs }) => Number(stampNs) / 1e9);
}

function linkTo(origin: Origin): Pick<DeepLink, "episode" | "url"> {
  if (origin.kind === "library") return { episode: origin.path };
  return origin.kind === "url" ? { url: origin.url } : {};
}

function currentLink(): DeepLink {
  if (mode === "training") return trainingLink(training);
  if (mode === "play") return playLink(play.choice());
  const origin = opener.current()?.origin;
  const view = scene.chosenView();
  const folded = timeline.folded();
  return {
    ...(origin === undefined ? unopened : linkTo(origin)),
    ...((origin?.kind === "library" || origin?.kind === "url") && { t: clock.timeS() }),
    ...(view !== undefined && { view }),
    follow,
    ...(folded.join() !== FOLDED_AT_FIRST.join() && { folded }),
    filter: list.filterText(),
  };
}

function applyLink(): void {
  if (link.training !== undefined) {
    training.set(trainingSettings(link));
    training.show(link.training);
    setMode("training");
    return;
  }
  if (link.play !== undefined) {
    play.choose(playChoice(link));
    setMode("play");
    return;
  }
  if (link.view !== undefined) scene.setView(link.view);
  if (link.folded !== undefined) timeline.setFolded(link.folded);
  if (link.filter !== undefined) list.setFilter({ text: link.filter });
  if (link.url !== undefined) void opener.open({ kind: "url", url: link.url });
  else if (link.episode !== undefined) void opener.open({ kind: "library", path: link.episode });
}

/** Turns the page to the episodes or to the training runs. */
function setMode(next: typeof mode): void {
  if (next === mode && document.body.classList.contains(`in-${next}`)) return;
  mode = next;
  for (const name of ["episodes", "training", "play"] as const) {
    document.body.classList.toggle(`in-${name}`, name === next);
    byId(`tab-${name}`).setAttribute("aria-pressed", String(name === next));
  }
  help.list(commandsInForce());
  if (next === "play") play.show(opener.current()?.reader);
  else play.hide();
  if (next === "training") {
    clock.pause();
    training.showNewest();
    document.title = "Training · Efference";
  }
  address.touch();
}

function setFollow(next: boolean): void {
  follow = next;
  byId("follow").setAttribute("aria-pressed", String(next));
  scene.setFollow(next);
  address.touch();
}

const commandActions = {
  openNeighbour: (by) => list.openNeighbour(by),
  focusFilter: () => list.focusFilter(),
  toggleCamera: (index) => cameras.toggleLarge(index),
  toggleFollow: () => setFollow(!follow),
  resetView() {
    scene.setView(undefined);
    address.touch();
  },
  openFile: () => drop.choose(),
  toggleHelp: () => help.toggle(),
  closeLarge() {
    if (!help.close()) cameras.setLarge(-1);
  },
  toggleTraining() {
    if (mode === "training" || hasTraining) setMode(mode === "training" ? "episodes" : "training");
  },
} satisfies CommandActions;
const episodeCommands = createCommands(clock, commandActions);
const trainingCommands: readonly KeyCommand[] = [
  ...training.commands(),
  ...sharedCommands(commandActions),
  {
    keys: ["Escape"],
    label: "Esc",
    words: "read out the newest values",
    run() {
      if (!help.close()) training.unpoint();
    },
  },
];

function commandsInForce(): readonly KeyCommand[] {
  if (mode === "play") return [...play.commands(), ...episodeCommands];
  return mode === "training" ? trainingCommands : episodeCommands;
}

async function copyLink(): Promise<void> {
  const copied = await address.copy();
  if (!copied) showNotice(`Copy this link: ${location.href}`);
  byId("copy-link").classList.toggle("done", copied);
  setTimeout(() => byId("copy-link").classList.remove("done"), 1200);
}

function start(): void {
  byId("copy-link").append(signIcon("link"));
  byId("open-file").append(signIcon("open"));
  byId("copy-link").addEventListener("click", () => void copyLink());
  byId("open-file").addEventListener("click", () => drop.choose());
  byId("follow").addEventListener("click", () => setFollow(!follow));
  byId("help").addEventListener("click", () => help.toggle());
  byId("notice").addEventListener("click", () => showNotice(undefined));
  byId("tab-episodes").addEventListener("click", () => setMode("episodes"));
  byId("tab-training").addEventListener("click", () => setMode("training"));
  byId("tab-play").addEventListener("click", () => setMode("play"));
  listenForKeys(commandsInForce);
  help.list(commandsInForce());
  setFollow(follow);
  clock.subscribe(requestFrame);
  clock.subscribe(() => {
    if (!clock.state.playing) address.touch();
  });
  onThemeChange((next) => {
    for (const part of [scene, cameras, thoughts, transport, timeline, training])
      part.setTheme(next);
  });
  addEventListener("hashchange", () => {
    link = parseDeepLink(location.hash);
    applyLink();
  });
  applyLink();
  void connectLibrary({
    onEntries: takeEntries,
    onTraining: takeTraining,
    onResults: (results) => summary.setResults(results),
    onGrew: takeGrowth,
    onConnection: takeConnection,
  });
}

let firstIndex = true;

function takeEntries(next: readonly EpisodeEntry[], folder: string): void {
  const open = opener.current();
  entries = next;
  list.setEntries(next);
  summary.setEntries(next);
  setText(byId("folder"), folder);
  if (open !== undefined) drawTitle(open);
  if (firstIndex && !anyAsked && mode === "episodes") openNewest();
  if (firstIndex) performance.mark("efference:first-list");
  firstIndex = next.length === 0;
  showWelcome();
}

function takeTraining(runs: readonly TrainingRun[]): void {
  hasTraining = runs.length > 0;
  byId("tab-training").hidden = !hasTraining && mode !== "training";
  setText(byId("tab-training"), runs.length === 0 ? "Training" : `Training ${runs.length}`);
  training.setRuns(runs);
  if (mode === "training") training.showNewest();
}

/** With nothing asked for, the page starts at what has just happened. */
function openNewest(): void {
  const readable = entries.filter((entry) => entry.summary !== undefined);
  const newest = readable.reduce<EpisodeEntry | undefined>(
    (best, entry) => (best === undefined || entry.modifiedMs > best.modifiedMs ? entry : best),
    undefined,
  );
  if (newest !== undefined) void opener.open({ kind: "library", path: newest.path });
  else if (hasTraining) setMode("training");
}

function takeGrowth(path: string): void {
  const origin = opener.current()?.origin;
  if (origin?.kind === "library" && origin.path === path) void opener.refresh();
}

function takeConnection(next: Connection): void {
  connection = next;
  document.body.dataset["connection"] = next;
  setText(byId("connection"), next === "lost" ? "reconnecting …" : "");
  showWelcome();
}

start();
