/**
 * A link that brings back what is on the page: `#episode=<path>&t=<s>&view=<...>&lanes=<...>`, or
 * `#training=<path>&training=<path>&axis=epoch&log=1&smooth=0.9`, or `#play=<world>/<task>&state=3&drive=expert`.
 * The part after `#` never reaches a server.
 */
import type { OrbitView } from "./transforms.ts";

export interface DeepLink {
  /** Path of the episode below the served folder. */
  readonly episode?: string;
  /** Address of an episode file on the same origin, for static pages. */
  readonly url?: string;
  /** Seconds since reset. */
  readonly t?: number;
  readonly view?: OrbitView;
  readonly follow?: boolean;
  /** Names of folded lane groups. */
  readonly folded?: readonly string[];
  /** The text of the filter box. */
  readonly filter?: string;
  /** World and task that are played, `tabletop/lift_red_cube`, `libero/object/0`; there is no episode then. */
  readonly play?: string;
  /** Index of the initial state that playing begins at. */
  readonly state?: number;
  /** Who drives: `keyboard`, `expert`, `policy:<name>`. */
  readonly drive?: string;
  /** Paths of the training runs that are shown; there is no episode then. */
  readonly training?: readonly string[];
  /** What is along the bottom of their curves. */
  readonly axis?: string;
  /** Whether the loss is on a logarithmic scale. */
  readonly log?: boolean;
  /** Weight of the past in smoothed curves, [0, 1). */
  readonly smooth?: number;
}

/** Reads the part after `#`; what cannot be understood is left out. */
export function parseDeepLink(hash: string): DeepLink {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const text = (key: string): string | undefined => {
    const value = query.get(key);
    return value === null || value === "" ? undefined : value;
  };
  const episode = text("episode");
  const url = text("url");
  const filter = text("filter");
  const seconds = Number(text("t") ?? NaN);
  const view = parseView(text("view"));
  const training = query.getAll("training").filter((path) => path !== "");
  const axis = text("axis");
  const play = text("play");
  const drive = text("drive");
  const state = Number(text("state") ?? NaN);
  const smooth = Number(text("smooth") ?? NaN);
  const folded = query
    .get("folded")
    ?.split(",")
    .filter((name) => name !== "");
  return {
    ...(episode !== undefined && { episode }),
    ...(url !== undefined && { url }),
    ...(Number.isFinite(seconds) && { t: Math.max(0, seconds) }),
    ...(view !== undefined && { view }),
    ...(query.get("follow") === "1" && { follow: true }),
    ...(folded !== undefined && { folded }),
    ...(filter !== undefined && { filter }),
    ...(play !== undefined && { play }),
    ...(Number.isInteger(state) && state >= 0 && { state }),
    ...(drive !== undefined && { drive }),
    ...(training.length > 0 && { training }),
    ...(axis !== undefined && { axis }),
    ...(query.get("log") === "1" && { log: true }),
    ...(smooth >= 0 && smooth < 1 && { smooth }),
  };
}

/** The inverse of `parseDeepLink`; times to 1 ms, views to 1 mm and 1 mrad. */
export function formatDeepLink(link: DeepLink): string {
  const query = new URLSearchParams();
  if (link.episode !== undefined) query.set("episode", link.episode);
  if (link.url !== undefined) query.set("url", link.url);
  if (link.t !== undefined) query.set("t", String(round3(link.t)));
  if (link.view !== undefined) query.set("view", formatView(link.view));
  if (link.follow === true) query.set("follow", "1");
  if (link.folded !== undefined) query.set("folded", link.folded.join(","));
  if (link.filter !== undefined && link.filter !== "") query.set("filter", link.filter);
  if (link.play !== undefined) query.set("play", link.play);
  if (link.state !== undefined) query.set("state", String(link.state));
  if (link.drive !== undefined) query.set("drive", link.drive);
  for (const path of link.training ?? []) query.append("training", path);
  if (link.axis !== undefined) query.set("axis", link.axis);
  if (link.log === true) query.set("log", "1");
  if (link.smooth !== undefined) query.set("smooth", String(round3(link.smooth)));
  // Slashes and commas are legal in a fragment and easier to read.
  return `#${query.toString().replaceAll("%2F", "/").replaceAll("%2C", ",")}`;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function formatView({ azimuthRad, elevationRad, distance, target }: OrbitView): string {
  return [azimuthRad, elevationRad, distance, ...target].map(round3).join(",");
}

function parseView(text: string | undefined): OrbitView | undefined {
  const numbers = text?.split(",").map(Number) ?? [];
  if (numbers.length !== 6 || !numbers.every(Number.isFinite)) return undefined;
  const [azimuthRad, elevationRad, distance, x, y, z] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (distance <= 0) return undefined;
  return { azimuthRad, elevationRad, distance, target: [x, y, z] };
}
