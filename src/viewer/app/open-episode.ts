/**
 * The episode that is open: read from a source, refreshed while it grows, replaced by the next. The only
 * module of the page that calls the episode reader.
 */
import { blobSource, httpSource, openEpisode } from "../../episode/index.ts";
import type { ByteSource, EpisodeReader } from "../../episode/types.ts";
import { episodeUrl } from "./library.ts";

export type Origin =
  | { readonly kind: "library"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly file: File }
  /** An episode that is being made on this page. */
  | { readonly kind: "play"; readonly reader: EpisodeReader };

export interface OpenEpisode {
  readonly origin: Origin;
  readonly reader: EpisodeReader;
}

export interface EpisodeOpener {
  current(): OpenEpisode | undefined;
  /** Opens an episode; a later call wins over one that is still reading. */
  open(origin: Origin): Promise<void>;
  /** Reads what was appended to the open episode, if anything. */
  refresh(): Promise<void>;
}

export interface OpenerEvents {
  readonly onOpening: (origin: Origin) => void;
  readonly onOpen: (episode: OpenEpisode) => void;
  readonly onGrown: (episode: OpenEpisode) => void;
  readonly onError: (origin: Origin, error: unknown) => void;
}

export function createEpisodeOpener(events: OpenerEvents): EpisodeOpener {
  let current: OpenEpisode | undefined;
  let wish = 0;
  let refreshing = false;
  let refreshAgain = false;

  const refresh = async (): Promise<void> => {
    if (refreshing) {
      refreshAgain = true;
      return;
    }
    refreshing = true;
    try {
      do {
        refreshAgain = false;
        const episode = current;
        if (episode === undefined || episode.reader.complete) break;
        const grown = await episode.reader.refresh();
        if (grown && episode === current) events.onGrown(episode);
      } while (refreshAgain);
    } catch (error) {
      if (current !== undefined) events.onError(current.origin, error);
    } finally {
      refreshing = false;
    }
  };

  return {
    current: () => current,
    async open(origin) {
      const mine = ++wish;
      events.onOpening(origin);
      try {
        const reader = origin.kind === "play" ? origin.reader : await openEpisode(sourceOf(origin));
        if (mine !== wish) return;
        current = { origin, reader };
        events.onOpen(current);
        // It may have grown while it was read.
        if (!reader.complete) await refresh();
      } catch (error) {
        if (mine === wish) events.onError(origin, error);
      }
    },
    refresh,
  };
}

function sourceOf(origin: Exclude<Origin, { kind: "play" }>): ByteSource {
  switch (origin.kind) {
    case "library":
      return httpSource(episodeUrl(origin.path));
    case "url":
      return httpSource(sameOrigin(origin.url));
    case "file":
      return blobSource(origin.file);
  }
}

/** A link must not make the page read from somewhere else. */
function sameOrigin(address: string): string {
  const url = new URL(address, document.baseURI);
  if (url.origin !== new URL(document.baseURI).origin) {
    throw new RangeError(`Cannot open ${address}: it is on another host, must be on this one`);
  }
  return url.href;
}
