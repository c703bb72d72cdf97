/**
 * A link that brings back what is on the page: `#episode=<path>&t=<s>&view=<...>&lanes=<...>`.
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
