import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FetchProgress } from "../../../src/play/fetching.ts";
import { fetchingWith } from "../../../src/play/fetching.ts";

/** `/BYTES` is a file of so many; `/chunked/BYTES` does not say how many; anything else is not there. */
const server = createServer(({ url = "" }, response) => {
  const [, chunked, size] = /^\/(chunked\/)?(\d+)$/.exec(url) ?? [];
  if (size === undefined) return void response.writeHead(404).end();
  if (chunked === undefined) response.setHeader("content-length", size);
  // Written apart from the end: Node would tell a length by itself.
  response.write(Buffer.alloc(Number(size), 7));
  response.end();
});
let base = "";
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((done) => server.close(done)));

describe("fetchingWith", () => {
  it("tells of files that are fetched at once as of one", async () => {
    const told: FetchProgress[] = [];
    const fetching = fetchingWith((progress) => told.push(progress));
    const files = [1000, 50_000, 0].map((size) => fetching(`${base}/${size}`, "scene"));
    const lengths = (await Promise.all(files)).map(({ byteLength }) => byteLength);
    expect(lengths).toEqual([1000, 50_000, 0]);
    expect(told.at(-1)).toEqual({ what: "scene", done: 51_000, total: 51_000 });
    const done = told.map((progress) => progress.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    // What comes later begins anew.
    await fetching(`${base}/10`, "scene");
    expect(told.at(-1)).toEqual({ what: "scene", done: 10, total: 10 });
  });

  it("gives no total where one file has none, and keeps kinds apart", async () => {
    const told: FetchProgress[] = [];
    const fetching = fetchingWith((progress) => told.push(progress));
    await Promise.all([
      fetching(`${base}/10`, "scene"),
      fetching(`${base}/chunked/20`, "scene"),
      fetching(`${base}/5`, "engine"),
    ]);
    const last = (what: string) => told.findLast((progress) => progress.what === what);
    expect(last("scene")).toEqual({ what: "scene", done: 30, total: 0 });
    expect(last("engine")).toEqual({ what: "engine", done: 5, total: 5 });
  });

  it("names what does not come", async () => {
    const fetching = fetchingWith(() => undefined);
    await expect(fetching(`${base}/moon`, "scene")).rejects.toThrow(
      /Cannot load the scene: .*\/moon answers 404, must be 200/,
    );
    await expect(fetching("http://127.0.0.1:1/x", "engine")).rejects.toThrow(/does not answer/);
  });
});
