import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { appendFile, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileSink } from "../../../src/episode/file-sink.ts";
import type { EpisodeListCache } from "../../../src/episode/node.ts";
import {
  blobSource,
  fileSource,
  httpSource,
  listEpisodes,
  openEpisode,
  readSummary,
} from "../../../src/episode/node.ts";
import { recordSample, sampleHeader } from "../../unit/episode/sample.ts";

let folder = "";
let sample = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-list-"));
  sample = join(folder, "sample.mcap");
  await recordSample(await createFileSink(sample), { chunkBytes: 2500 });
});
afterAll(() => rm(folder, { recursive: true }));

describe("listEpisodes()", () => {
  it("describes a thousand files, and reads none again that has not changed", async () => {
    const many = join(folder, "many");
    for (let run = 0; run < 10; run++) {
      await mkdir(join(many, `run-${run}`), { recursive: true });
      const copies = Array.from({ length: 100 }, (_, i) =>
        copyFile(sample, join(many, `run-${run}`, `${String(i).padStart(3, "0")}.mcap`)),
      );
      await Promise.all(copies);
    }
    const cache: EpisodeListCache = new Map();
    const listed = await listEpisodes(many, { cache });
    expect(listed).toHaveLength(1000);
    expect(listed.map(({ path }) => path)).toEqual(listed.map(({ path }) => path).sort());
    expect(listed.every(({ summary }) => summary?.complete === true && summary.steps === 12)).toBe(
      true,
    );

    const changed = join(many, "run-3", "007.mcap");
    await writeFile(changed, (await readFile(sample)).subarray(0, -100));
    await rm(join(many, "run-9"), { recursive: true });
    const again = await listEpisodes(many, { cache });
    expect(again).toHaveLength(900);
    expect(cache.size).toBe(900);
    const known = new Map(listed.map((episode) => [episode.path, episode]));
    expect(
      again.filter((episode) => episode !== known.get(episode.path)).map(({ path }) => path),
    ).toEqual([changed]);
    expect(again.find(({ path }) => path === changed)?.summary?.complete).toBe(false);
  });

  it("says what is wrong with a file instead of failing, and passes over others", async () => {
    const odd = join(folder, "odd");
    await mkdir(join(odd, ".hidden"), { recursive: true });
    await writeFile(join(odd, "empty.mcap"), "");
    await writeFile(join(odd, "text.mcap"), "hello, this is no episode");
    await writeFile(join(odd, "notes.txt"), "x");
    await copyFile(sample, join(odd, ".hidden", "a.mcap"));
    const listed = await listEpisodes(odd);
    expect(listed.map(({ path, summary }) => [path, summary])).toEqual([
      [join(odd, "empty.mcap"), undefined],
      [join(odd, "text.mcap"), undefined],
    ]);
    for (const { error } of listed) expect(error).toMatch(/^Cannot read episode: .*must be$/);
  });
});

describe("sources", () => {
  it("give the same episode from disk, memory and HTTP", async () => {
    const bytes = await readFile(sample);
    const server = createServer((request, response) => {
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
      if (request.url !== "/episode.mcap") response.writeHead(404).end();
      else if (request.method === "HEAD")
        response.writeHead(200, { "content-length": bytes.length }).end();
      else if (range === null) response.writeHead(200).end(bytes);
      else if (Number(range[1]) >= bytes.length) response.writeHead(416).end();
      else response.writeHead(206).end(bytes.subarray(Number(range[1]), Number(range[2]) + 1));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const http = httpSource(`${base}/episode.mcap`);
    const file = fileSource(sample);
    const summaries = [];
    for (const source of [file, http, blobSource(new Blob([bytes]))]) {
      const episode = await openEpisode(source);
      expect(episode.header).toEqual(sampleHeader);
      expect((await episode.image("front", 7))?.step).toBe(7);
      summaries.push(await readSummary(source));
      await expect(source.read(bytes.length - 2, 4)).rejects.toBeInstanceOf(RangeError);
      await expect(source.read(bytes.length + 2, 4)).rejects.toBeInstanceOf(RangeError);
    }
    expect(summaries[1]).toEqual(summaries[0]);
    expect(summaries[2]).toEqual(summaries[0]);
    await expect(httpSource(`${base}/other`).size()).rejects.toThrow(/404/);
    const plain = httpSource(`${base}/episode.mcap`, (url, init) =>
      fetch(url, { ...init, headers: {} }),
    );
    await expect(plain.read(0, 8)).rejects.toThrow(/must serve byte ranges/);
    server.closeAllConnections();
    server.close();
    await file.close();
  });

  it("see a file grow", async () => {
    const path = join(folder, "growing.mcap");
    const bytes = await readFile(sample);
    await writeFile(path, bytes.subarray(0, bytes.length >> 1));
    const source = fileSource(path);
    const episode = await openEpisode(source);
    expect(episode.complete).toBe(false);
    await appendFile(path, bytes.subarray(bytes.length >> 1));
    expect(await episode.refresh()).toBe(true);
    expect([episode.complete, episode.steps.length]).toEqual([true, 12]);
    await source.close();
  });

  it("name a file that is not there", async () => {
    await expect(openEpisode(fileSource(join(folder, "absent.mcap")))).rejects.toMatchObject({
      code: "ENOENT",
    });
  });
});
