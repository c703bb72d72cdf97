import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../../../../src/episode/node.ts";
import { openDataset, openFrameSource, withoutIdle } from "../../../../src/episode/node.ts";
import { writeDemonstrations } from "../../../support/demonstrations.ts";

const LENGTHS = [160, 40];
const WIDTH = 4;
let folder = "";
let all: Dataset;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-idle-"));
  await writeDemonstrations(folder, LENGTHS);
  all = await openDataset(folder);
});
afterAll(async () => {
  await all.close();
  await rm(folder, { recursive: true });
});

/** A dataset in memory of one episode that does this. */
function doing(actions: readonly (readonly number[])[]): Dataset {
  const episode = { ...all.episodes[0]!, length: actions.length };
  return {
    ...{ name: "memory", spec: all.spec, skipped: [], hash: "memory", episodes: [episode] },
    actions: () => Promise.resolve(Float32Array.from(actions.flat())),
    proprio: () => Promise.resolve(Float32Array.from(actions.flatMap((_, i) => Array(8).fill(i)))),
    instructionChanges: () =>
      Promise.resolve([
        { step: 1, instruction: "first" },
        { step: actions.length - 1, instruction: "last" },
      ]),
    read: () => Promise.reject(new Error("has no images")),
    frameSource: () => Promise.reject(new Error("has no images")),
    close: () => Promise.resolve(),
  };
}

/** Which steps are left of an episode of `doing`: their proprio counts them. */
async function leftOf(dataset: Dataset): Promise<number[]> {
  const rows = await dataset.proprio(0);
  return Array.from({ length: dataset.episodes[0]!.length }, (_, i) => rows[i * 8]!);
}

describe("withoutIdle", () => {
  it("leaves out steps that hardly move, and not those in which fingers close or open", async () => {
    const still = [0.01, 0, -0.01];
    const dataset = doing([
      [...still, -1],
      [0.01, -0.05, 0, -1],
      [...still, -1],
      [...still, 1],
      [...still, 1],
      [...still, 1],
      [0, 0, 0.9, 1],
      [...still, 1],
      [...still, -1],
    ]);
    expect(await leftOf(await withoutIdle(dataset, { below: 0.05, settle: 2 }))).toEqual([
      1, 3, 4, 6, 8,
    ]);
    expect(await leftOf(await withoutIdle(dataset, { below: 0.05, settle: 12 }))).toEqual([
      1, 3, 4, 5, 6, 7, 8,
    ]);
  });

  it("keeps what moves, in order, and nothing else but what settles", async () => {
    const unit = fc.double({ min: -1, max: 1, noNaN: true });
    const row = fc.tuple(unit, unit, unit, fc.constantFrom(-1, 1)).map(([...numbers]) => numbers);
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        fc.integer({ min: 1, max: 5 }),
        async (drawn, below, settle) => {
          const actions = [...drawn, [1, 0, 0, 1]];
          const left = await leftOf(await withoutIdle(doing(actions), { below, settle }));
          expect(left).toEqual([...left].sort((a, b) => a - b));
          const settling = (step: number): boolean =>
            actions.some(
              ([, , , command], at) =>
                at > 0 && at <= step && step < at + settle && command !== actions[at - 1]![3],
            );
          for (const [step, numbers] of actions.entries()) {
            const moves = numbers.slice(0, 3).some((n) => Math.abs(Math.fround(n)) >= below);
            expect(left.includes(step)).toBe(moves || settling(step));
          }
        },
      ),
    );
  });

  it("gives every row, image and instruction of the steps that are left, here and to a thread", async () => {
    const dataset = await withoutIdle(all, { below: 0.2, settle: 3 });
    const { length } = dataset.episodes[0]!;
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(LENGTHS[0]!);
    const [before, after] = [await all.actions(0), await dataset.actions(0)];
    const frames = openFrameSource(structuredClone(await dataset.frameSource(["front"])));
    let at = 0;
    for (let step = 0; step < length; step++) {
      const row = after.slice(step * WIDTH, (step + 1) * WIDTH);
      const frame = await dataset.read({ episode: 0, step, cameras: ["front"] });
      // The next one of all that is the same.
      for (;;) {
        const found = await all.read({ episode: 0, step: at, cameras: ["front"] });
        const isSame =
          String(before.slice(at * WIDTH, (at + 1) * WIDTH)) === String(row) &&
          String(found.proprio) === String(frame.proprio);
        if (isSame) {
          expect(frame.images["front"]!.data).toEqual(found.images["front"]!.data);
          break;
        }
        at++;
      }
      expect((await frames.read(0, step, "front")).data).toEqual(frame.images["front"]!.data);
    }
    await expect(frames.read(0, length, "front")).rejects.toThrow(
      `Cannot read step ${length} of episode 0`,
    );
    await expect(dataset.read({ episode: 0, step: length, cameras: [] })).rejects.toThrow(
      `it has ${length} steps`,
    );
    await frames.close();
  });

  it("moves changes of the instruction to the first step that is left after them", async () => {
    const dataset = await withoutIdle(
      doing([
        [1, 0, 0, 1],
        [0, 0, 0, 1],
        [0, 0, 0, 1],
        [1, 0, 0, 1],
        [0, 0, 0, 1],
      ]),
      { below: 0.1, settle: 12 },
    );
    expect(await dataset.instructionChanges(0)).toEqual([{ step: 1, instruction: "first" }]);
  });

  it("is another dataset than the whole one, and by other options", async () => {
    const hashes = [all];
    for (const options of [
      { below: 0.1, settle: 12 },
      { below: 0.2, settle: 12 },
      { below: 0.1, settle: 3 },
    ]) {
      hashes.push(await withoutIdle(all, options));
    }
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(hashes.length);
  });

  it("refuses what makes no sense", async () => {
    for (const options of [
      { below: 0, settle: 12 },
      { below: NaN, settle: 12 },
      { below: 0.1, settle: 0 },
      { below: 0.1, settle: 1.5 },
    ]) {
      await expect(withoutIdle(all, options)).rejects.toThrow(
        /Cannot leave out idle steps below .* must be a positive number/,
      );
    }
    await expect(withoutIdle(doing([[0, 0, 0, 1]]), { below: 0.1, settle: 12 })).rejects.toThrow(
      'Cannot leave out idle steps of "episode-000.mcap": every action is below 0.1, must not be',
    );
    const [position, ...others] = all.spec.action.components;
    const places = {
      ...all.spec.action,
      components: [{ ...position!, format: "position" as const }, ...others],
    };
    const dataset = { ...doing([[1, 0, 0, 1]]), spec: { ...all.spec, action: places } };
    await expect(withoutIdle(dataset, { below: 0.1, settle: 12 })).rejects.toThrow(
      /action "delta_position" is position, must be one of delta_position/,
    );
  });
});
