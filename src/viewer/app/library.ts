/**
 * The episodes and training runs that the server offers: read once, kept up to date over a WebSocket, and read anew after the
 * server has been away. On a static page there is no server, and the library stays empty.
 */
import type {
  EpisodeEntry,
  EpisodeIndex,
  LiveMessage,
  RunResults,
  TrainingRun,
} from "../protocol.ts";
import { METRICS_NAME, comparePaths } from "../protocol.ts";

export type Connection = "connecting" | "live" | "lost" | "none";

export interface LibraryEvents {
  readonly onEntries: (entries: readonly EpisodeEntry[], folder: string) => void;
  readonly onResults: (results: readonly RunResults[]) => void;
  readonly onTraining: (runs: readonly TrainingRun[]) => void;
  readonly onGrew: (path: string) => void;
  readonly onConnection: (connection: Connection) => void;
}

const RETRY_MS = { first: 500, longest: 5000 } as const;

/** Starts reading. Resolves when the first index is there, or when there is no server. */
export async function connectLibrary(events: LibraryEvents): Promise<void> {
  const [first, firstRuns] = await Promise.all([fetchIndex(), fetchTraining()]);
  if (first === undefined) {
    events.onConnection("none");
    return;
  }
  const byPath = new Map<string, EpisodeEntry>();
  let folder = first.folder;
  const publish = (): void => {
    const entries = [...byPath.values()].sort((a, b) => comparePaths(a.path, b.path));
    events.onEntries(entries, folder);
  };
  const takeIndex = (index: EpisodeIndex): void => {
    folder = index.folder;
    byPath.clear();
    for (const entry of index.episodes) byPath.set(entry.path, entry);
    publish();
  };
  const runs = new Map<string, TrainingRun>();
  const takeRuns = (changed: readonly TrainingRun[], removed: readonly string[] = []): void => {
    for (const run of changed) runs.set(run.path, run);
    for (const path of removed) runs.delete(path);
    events.onTraining([...runs.values()].sort((a, b) => comparePaths(a.path, b.path)));
  };
  const takeMessage = (message: LiveMessage): void => {
    switch (message.kind) {
      case "hello":
        void refreshAll();
        break;
      case "episodes":
        for (const entry of message.changed) byPath.set(entry.path, entry);
        for (const path of message.removed) byPath.delete(path);
        publish();
        for (const { path } of message.changed) events.onGrew(path);
        break;
      case "grew":
        events.onGrew(message.path);
        break;
      case "results":
        void fetchResults().then(events.onResults);
        break;
      case "training":
        takeRuns(message.changed, message.removed);
        break;
    }
  };
  const refreshAll = async (): Promise<void> => {
    const index = await fetchIndex();
    if (index !== undefined) takeIndex(index);
    events.onResults(await fetchResults());
    const training = await fetchTraining();
    if (training !== undefined) {
      const present = new Set(training.map(({ path }) => path));
      takeRuns(
        training,
        [...runs.keys()].filter((path) => !present.has(path)),
      );
    }
    for (const path of byPath.keys()) events.onGrew(path);
  };
  takeRuns(firstRuns ?? []);
  takeIndex(first);
  events.onResults(await fetchResults());
  listen({ takeMessage, onConnection: events.onConnection });
}

/** Address of an episode of the library, relative to the page. */
export function episodeUrl(path: string): string {
  const parts = path.split("/").map(encodeURIComponent).join("/");
  return new URL(`episodes/${parts}`, document.baseURI).href;
}

/** Address of a training run's metrics, relative to the page. */
export function metricsUrl(path: string): string {
  const parts = path === "." ? [] : path.split("/").map(encodeURIComponent);
  return new URL(["training", ...parts, METRICS_NAME].join("/"), document.baseURI).href;
}

async function fetchTraining(): Promise<readonly TrainingRun[] | undefined> {
  return fetchJson<readonly TrainingRun[]>("api/training");
}

async function fetchIndex(): Promise<EpisodeIndex | undefined> {
  return fetchJson<EpisodeIndex>("api/episodes");
}

async function fetchResults(): Promise<readonly RunResults[]> {
  return (await fetchJson<readonly RunResults[]>("api/results")) ?? [];
}

/** Worlds whose files the server has; none on a static page. */
export async function fetchWorlds(): Promise<readonly string[]> {
  return (await fetchJson<readonly string[]>("api/worlds")) ?? [];
}

/** Policy packages whose files the server has. */
export async function fetchPolicies(): Promise<readonly string[]> {
  return (await fetchJson<readonly string[]>("api/policies")) ?? [];
}

/** The JSON behind an address of our own server; undefined where there is none or it is away. */
async function fetchJson<T>(address: string): Promise<T | undefined> {
  try {
    const response = await fetch(new URL(address, document.baseURI));
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || !type.includes("json")) return undefined;
    return (await response.json()) as T;
  } catch {
    return undefined;
  }
}

function listen(events: {
  takeMessage: (message: LiveMessage) => void;
  onConnection: (connection: Connection) => void;
}): void {
  let waitMs: number = RETRY_MS.first;
  const open = (): void => {
    const address = new URL("live", document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      waitMs = RETRY_MS.first;
      events.onConnection("live");
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") events.takeMessage(JSON.parse(data) as LiveMessage);
    });
    socket.addEventListener("close", () => {
      events.onConnection("lost");
      setTimeout(open, waitMs);
      waitMs = Math.min(RETRY_MS.longest, waitMs * 2);
    });
  };
  events.onConnection("connecting");
  open();
}
