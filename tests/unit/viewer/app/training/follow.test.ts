import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReadFrom } from "../../../../../src/viewer/app/training/follow.ts";
import { followMetrics, httpReadFrom } from "../../../../../src/viewer/app/training/follow.ts";

/** A file in memory that is read as a server with ranges offers it. */
function fakeFile(): { content: string; reads: number[]; readFrom: ReadFrom } {
  const file = {
    content: "",
    reads: [] as number[],
    readFrom: (offset: number): Promise<Uint8Array | undefined> => {
      const bytes = new TextEncoder().encode(file.content);
      file.reads.push(offset);
      return Promise.resolve(offset >= bytes.length ? undefined : bytes.subarray(offset));
    },
  };
  return file;
}

const line = (step: number, more = {}): string =>
  `${JSON.stringify({ kind: "train", step, epoch: 0, ...more })}\n`;

describe("followMetrics()", () => {
  it("reads what was appended, and torn lines once they are whole", async () => {
    const file = fakeFile();
    const follower = followMetrics(file.readFrom);
    expect(await follower.refresh()).toBe(false);
    file.content = line(1) + line(2) + '{"kind":"train","st';
    expect(await follower.refresh()).toBe(true);
    expect(follower.rows().map(({ step }) => step)).toEqual([1, 2]);
    expect(await follower.refresh()).toBe(false);
    file.content = line(1) + line(2) + line(3);
    file.reads.length = 0;
    expect(await follower.refresh()).toBe(true);
    expect(follower.rows().map(({ step }) => step)).toEqual([1, 2, 3]);
    // One read, from the last line that was known.
    expect(file.reads).toEqual([line(1).length]);
  });

  it("reads anew where the file was cut and written on, longer or shorter", async () => {
    const file = fakeFile();
    const follower = followMetrics(file.readFrom);
    file.content = line(1) + line(2) + line(3);
    await follower.refresh();
    file.content = line(1);
    expect(await follower.refresh()).toBe(true);
    expect(follower.rows().map(({ step }) => step)).toEqual([1]);
    file.content = line(1) + line(2) + line(3);
    await follower.refresh();
    file.content = line(1) + line(2, { ms: 123.4 }) + line(3, { ms: 5 }) + line(4);
    await follower.refresh();
    expect(follower.rows().map(({ step, values }) => [step, values["ms"]])).toEqual([
      [1, undefined],
      [2, 123.4],
      [3, 5],
      [4, undefined],
    ]);
    file.content = "";
    expect(await follower.refresh()).toBe(true);
    expect(follower.rows()).toEqual([]);
  });

  it("ends with the rows of the file, whatever became of it in between", async () => {
    const action = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ cutTo: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
        const file = fakeFile();
        const follower = followMetrics(file.readFrom);
        let lines: string[] = [];
        let made = 0;
        for (const one of actions) {
          if ("add" in one) for (let i = 0; i < one.add; i++) lines.push(line(++made, { made }));
          else lines = lines.slice(0, Math.floor(one.cutTo * lines.length));
          file.content = lines.join("");
          await follower.refresh();
          const steps = lines.map((text) => (JSON.parse(text) as { step: number }).step);
          expect(follower.rows().map(({ step }) => step)).toEqual(steps);
        }
      }),
    );
  });

  it("joins calls while one reads into one more read", async () => {
    const file = fakeFile();
    file.content = line(1);
    const follower = followMetrics(file.readFrom);
    await Promise.all([follower.refresh(), follower.refresh(), follower.refresh()]);
    expect(file.reads.length).toBe(2);
    expect(follower.rows()).toHaveLength(1);
  });
});

describe("httpReadFrom()", () => {
  const answering =
    (status: number, body = ""): typeof fetch =>
    () =>
      Promise.resolve(new Response(body, { status }));
  const text = async (reply: Promise<Uint8Array | undefined>): Promise<string | undefined> => {
    const bytes = await reply;
    return bytes && new TextDecoder().decode(bytes);
  };

  it("takes ranges, whole files, and the answers of a file that ends before", async () => {
    expect(await text(httpReadFrom("u", answering(206, "cd"))(2))).toBe("cd");
    expect(await text(httpReadFrom("u", answering(200, "abcd"))(2))).toBe("cd");
    expect(await httpReadFrom("u", answering(416))(2)).toBeUndefined();
    expect(await httpReadFrom("u", answering(404))(2)).toBeUndefined();
    await expect(httpReadFrom("u", answering(500))(2)).rejects.toThrow(/answers 500, must/);
  });
});
