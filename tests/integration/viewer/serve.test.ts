/** The viewer's server over real sockets: what it offers, what it refuses, and what it survives. */
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import type {
  EpisodeIndex,
  LiveMessage,
  RunResults,
  TrainingRun,
} from "../../../src/viewer/protocol.ts";
import type { ViewerServer } from "../../../src/viewer/server/serve.ts";
import { serveViewer } from "../../../src/viewer/server/serve.ts";
import { synthesiseEpisode } from "../../support/synthetic-episode.ts";
import {
  startSyntheticEpisode,
  writeSteps,
  writeSyntheticEpisode,
} from "../../support/synthetic-files.ts";
import {
  appendRows,
  syntheticRows,
  writeSyntheticTraining,
} from "../../support/synthetic-training.ts";

let root: string;
let folder: string;
let appFolder: string;
let viewer: ViewerServer;
const sockets: WebSocket[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "efference-viewer-"));
  folder = join(root, "runs");
  appFolder = join(root, "app");
  await mkdir(folder);
  await mkdir(appFolder);
  await writeFile(join(appFolder, "index.html"), "<!doctype html><title>page</title>");
  viewer = await serveViewer({ folder, appFolder });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await viewer.close();
  await rm(root, { recursive: true, force: true });
});

it("offers policy packages and the files in their folders, and nothing beside", async () => {
  await viewer.close();
  const own = join(root, "package");
  await mkdir(own);
  await writeFile(join(own, "manifest.json"), "{}");
  await writeFile(join(root, "secret"), "secret");
  viewer = await serveViewer({ folder, appFolder, policyFolders: { mine: own } });
  const at = async (path: string): Promise<[number, string]> => {
    const { status, body } = await rawGet(path);
    return [status, body];
  };
  expect(await at("/api/policies")).toEqual([200, '["mine"]']);
  expect(await at("/policies/mine/manifest.json")).toEqual([200, "{}"]);
  for (const path of [
    "/policies/mine/model.onnx",
    "/policies/mine/../secret",
    "/policies/mine/%2e%2e/secret",
    "/policies/mine/",
    "/policies/constructor/name",
    "/policies/other/manifest.json",
  ]) {
    expect(await at(path)).toEqual([404, '{"error":"there is no such file of a policy"}']);
  }
});

async function index(): Promise<EpisodeIndex> {
  const response = await fetch(new URL("api/episodes", viewer.url));
  expect(response.status).toBe(200);
  return (await response.json()) as EpisodeIndex;
}

/** A request as a program makes it that does not mind what it sends. */
function rawGet(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(viewer.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers }, (response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += part.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** Opens `/live` and collects its messages; `until` waits for one. */
async function live(headers: Record<string, string> = {}): Promise<{
  until<Kind extends LiveMessage["kind"]>(
    kind: Kind,
    test?: (message: Extract<LiveMessage, { kind: Kind }>) => boolean,
  ): Promise<Extract<LiveMessage, { kind: Kind }>>;
}> {
  const address = new URL("live", viewer.url);
  address.protocol = "ws:";
  const socket = new WebSocket(address, { headers });
  sockets.push(socket);
  const messages: LiveMessage[] = [];
  const waiting = new Set<() => void>();
  socket.on("message", (data: Buffer) => {
    messages.push(JSON.parse(data.toString()) as LiveMessage);
    for (const wake of waiting) wake();
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return {
    until: (kind, test = () => true) =>
      new Promise((resolve) => {
        type Wanted = Extract<LiveMessage, { kind: typeof kind }>;
        const look = (): void => {
          const at = messages.findIndex(
            (message) => message.kind === kind && test(message as Wanted),
          );
          if (at < 0) return;
          waiting.delete(look);
          resolve(messages[at] as Wanted);
        };
        waiting.add(look);
        look();
      }),
  };
}

describe("serveViewer()", () => {
  it("lists episodes with their summaries, in the order of people", async () => {
    await writeSyntheticEpisode(join(folder, "e10.mcap"), { images: false, steps: 20, seed: 10 });
    await writeSyntheticEpisode(join(folder, "sub", "e2.mcap"), {
      images: false,
      steps: 12,
      seed: 2,
      outcome: "failure",
    });
    const { episodes, folder: name } = await index();
    expect(name).toBe("runs");
    expect(episodes.map(({ path }) => path)).toEqual(["e10.mcap", "sub/e2.mcap"]);
    expect(episodes[0]?.summary).toMatchObject({
      task: "put_red_cube_on_plate",
      seed: 10,
      policy: "synthetic",
      steps: 20,
      complete: true,
      outcome: { kind: "success", step: 20 },
    });
    expect(episodes[1]?.summary?.outcome).toEqual({
      kind: "failure",
      reason: "time_limit",
      step: 12,
    });
  });

  it("lists a file that is no episode with the reason, and goes on", async () => {
    await writeFile(join(folder, "broken.mcap"), "this is not an episode");
    await writeFile(join(folder, "empty.mcap"), "");
    await writeSyntheticEpisode(join(folder, "good.mcap"), { images: false, steps: 8 });
    const { episodes } = await index();
    expect(episodes.map(({ summary }) => summary !== undefined)).toEqual([false, false, true]);
    expect(episodes[0]?.error).toMatch(/^Cannot /);
  });

  it("offers the bytes of an episode whole, by range and as a head", async () => {
    const path = join(folder, "a b#1.mcap");
    await writeSyntheticEpisode(path, { images: false, steps: 8 });
    const bytes = await readFile(path);
    const address = new URL("episodes/a%20b%231.mcap", viewer.url);
    const whole = await fetch(address);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(address, { headers: { Range: "bytes=10-19" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([
      206,
      `bytes 10-19/${bytes.length}`,
    ]);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true);
    const head = await fetch(address, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(bytes.length));
    const beyond = await fetch(address, { headers: { Range: `bytes=${bytes.length}-` } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([
      416,
      `bytes */${bytes.length}`,
    ]);
  });

  it("offers nothing outside the folder and only reads", async () => {
    await writeFile(join(root, "outside.mcap"), "secret");
    await writeFile(join(folder, "notes.txt"), "secret");
    const paths = [
      "/episodes/../outside.mcap",
      "/episodes/%2e%2e/outside.mcap",
      "/episodes/..%2foutside.mcap",
      "/episodes/notes.txt",
      "/../runs/notes.txt",
      "/%2e%2e/outside.mcap",
      "/episodes/%ff.mcap",
    ];
    for (const path of paths) {
      const { status, body } = await rawGet(path);
      expect([path, status]).toEqual([path, 404]);
      expect(body).not.toContain("secret");
    }
    const post = await fetch(viewer.url, { method: "POST" });
    expect(post.status).toBe(405);
  });

  it("answers under its own name only, and no page elsewhere may read it", async () => {
    expect((await rawGet("/api/episodes", { Host: "evil.example" })).status).toBe(403);
    const response = await fetch(new URL("api/episodes", viewer.url), {
      headers: { Origin: "http://evil.example" },
    });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    await expect(live({ Origin: "http://evil.example" })).rejects.toThrow(/403/);
    await expect(live({ Host: "evil.example" })).rejects.toThrow(/403/);
  });

  it("says what is wrong with the folder, the page and the port", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    await expect(serveViewer({ folder: file, appFolder })).rejects.toThrow(/it is a file/);
    await expect(serveViewer({ folder, appFolder: root })).rejects.toThrow(/has no index.html/);
    const port = Number(new URL(viewer.url).port);
    await expect(serveViewer({ folder, appFolder, port })).rejects.toThrow(/is taken/);
  });

  it("serves a folder that does not exist yet", async () => {
    const later = join(root, "later");
    const other = await serveViewer({ folder: later, appFolder });
    try {
      const read = async (): Promise<EpisodeIndex> =>
        (await (await fetch(new URL("api/episodes", other.url))).json()) as EpisodeIndex;
      expect((await read()).episodes).toEqual([]);
      await writeSyntheticEpisode(join(later, "e.mcap"), { images: false, steps: 8 });
      expect((await read()).episodes).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it("offers results.json files and passes over damaged ones", async () => {
    await mkdir(join(folder, "run1"));
    await writeFile(join(folder, "run1", "results.json"), '{"format":"efference_results"}');
    await writeFile(join(folder, "results.json"), '{"half":');
    await index();
    const results = (await (
      await fetch(new URL("api/results", viewer.url))
    ).json()) as RunResults[];
    expect(results).toEqual([
      { path: "run1/results.json", results: { format: "efference_results" } },
    ]);
  });
});

async function runs(): Promise<TrainingRun[]> {
  return (await (await fetch(new URL("api/training", viewer.url))).json()) as TrainingRun[];
}

describe("training runs", () => {
  it("are found by their configuration, at any depth, with how far they are", async () => {
    writeSyntheticTraining(join(folder, "sweep", "seed-10"), { seed: 10, until: 40 });
    writeSyntheticTraining(join(folder, "sweep", "seed-2"), { seed: 2, until: 500 });
    // None of these is one: another configuration, half a file, a copy among a run's packages.
    for (const [name, text] of [
      ["other", '{"policy":{"kind":"act"}}'],
      ["half", '{"policy":{},"optim'],
      ["sweep/seed-2/packages/best", '{"policy":{},"optimiser":{}}'],
    ] as const) {
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, "config.json"), text);
    }
    const found = await runs();
    expect(found.map(({ path, step }) => [path, step])).toEqual([
      ["sweep/seed-2", 500],
      ["sweep/seed-10", 40],
    ]);
    expect(found[0]?.config).toMatchObject({ name: "act-lift", seed: 2, steps: 8000 });
    // The half file is read again once it is whole.
    await writeFile(join(folder, "half", "config.json"), '{"policy":{},"optimiser":{}}');
    expect((await runs()).map(({ path, step }) => [path, step])[0]).toEqual(["half", 0]);
  });

  it("are served by range, and nothing else of them is", async () => {
    const run = join(folder, "run");
    writeSyntheticTraining(run, { until: 100 });
    await writeFile(join(folder, "metrics.jsonl"), "secret");
    await runs();
    const address = new URL("training/run/metrics.jsonl", viewer.url);
    const whole = await readFile(join(run, "metrics.jsonl"), "utf8");
    expect(await (await fetch(address)).text()).toBe(whole);
    appendRows(run, [{ kind: "train", step: 120, epoch: 1 }]);
    const from = { headers: { Range: `bytes=${whole.length}-` } };
    const part = await fetch(address, from);
    expect(part.status).toBe(206);
    expect(await part.text()).toBe('{"kind":"train","step":120,"epoch":1}\n');
    await writeFile(join(run, "metrics.jsonl"), "");
    expect((await fetch(address, from)).status).toBe(416);
    for (const path of [
      "/training/metrics.jsonl",
      "/training/run/config.json",
      "/training/run/../metrics.jsonl",
      "/training/%2e%2e/run/metrics.jsonl",
    ]) {
      const { status, body } = await rawGet(path);
      expect([path, status]).toEqual([path, 404]);
      expect(body).not.toContain("secret");
    }
  });

  it("may be the served folder itself", async () => {
    writeSyntheticTraining(folder, { until: 20 });
    expect((await runs()).map(({ path }) => path)).toEqual(["."]);
    const { status } = await rawGet("/training/metrics.jsonl");
    expect(status).toBe(200);
  });
});

describe("the WebSocket /live", () => {
  it("tells of new, growing, finished and deleted episodes", async () => {
    const events = await live();
    await events.until("hello");
    const path = join(folder, "live.mcap");
    const episode = synthesiseEpisode({ images: false, steps: 40 });
    const writer = await startSyntheticEpisode(path, episode);
    await writeSteps(writer, episode, { from: 0, to: 10 });
    await writer.flush();
    const first = await events.until("episodes", ({ changed }) => changed.length > 0);
    expect(first.changed[0]).toMatchObject({ path: "live.mcap", summary: { complete: false } });
    await writeSteps(writer, episode, { from: 10, to: 41 });
    await writer.flush();
    const { bytes } = await events.until("grew");
    expect(bytes).toBeGreaterThan(first.changed[0]!.bytes);
    await writer.end(episode.outcome);
    const done = await events.until(
      "episodes",
      ({ changed }) => changed[0]?.summary?.complete === true,
    );
    expect(done.changed[0]?.summary?.outcome).toEqual(episode.outcome);
    await rm(path);
    const gone = await events.until("episodes", ({ removed }) => removed.length > 0);
    expect(gone.removed).toEqual(["live.mcap"]);
    expect((await index()).episodes).toEqual([]);
  });

  it("tells of results, and of a file that becomes readable", async () => {
    const events = await live();
    await writeFile(join(folder, "results.json"), "{}");
    await events.until("results");
    const path = join(folder, "late.mcap");
    await writeFile(path, "");
    const broken = await events.until("episodes", ({ changed }) => changed.length > 0);
    expect(broken.changed[0]?.error).toBeDefined();
    const whole = join(root, "whole.mcap");
    await writeSyntheticEpisode(whole, { images: false, steps: 8 });
    await appendFile(path, await readFile(whole));
    await events.until("episodes", ({ changed }) => changed[0]?.summary?.complete === true);
  });

  it("tells of training runs that are new, that grow and that go", async () => {
    const events = await live();
    await events.until("hello");
    const run = join(folder, "run");
    writeSyntheticTraining(run, { until: 40 });
    const first = await events.until("training", ({ changed }) => changed[0]?.step === 40);
    appendRows(run, syntheticRows({}, { from: 40, to: 80 }));
    // Another page asks in between: it takes no word away from this one.
    await runs();
    const grown = await events.until("training", ({ changed }) => changed[0]?.step === 80);
    expect(grown.changed[0]!.bytes).toBeGreaterThan(first.changed[0]!.bytes);
    await rm(run, { recursive: true });
    const gone = await events.until("training", ({ removed }) => removed.length > 0);
    expect(gone.removed).toEqual(["run"]);
  });
});
