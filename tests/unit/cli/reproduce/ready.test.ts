import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { missingFor, readyCells } from "../../../../src/cli/reproduce/ready.ts";
import { otherSight } from "../../../../src/cli/reproduce/known.ts";
import { BUDGETS, cellsOf } from "../../../../src/cli/reproduce/study.ts";
import { UsageError } from "../../../../src/cli/exit.ts";

const NOWHERE = join(tmpdir(), "efference-no-libero-here");
const CELLS = cellsOf(BUDGETS.full);
const isLibero = (world: string): boolean => world.startsWith("libero-");

describe("worlds whose data are not prepared", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("are left out, said once with what brings them", async () => {
    vi.stubEnv("EFFERENCE_LIBERO", NOWHERE);
    expect(await missingFor("detour")).toBeUndefined();
    expect(await missingFor("libero-goal")).toMatch(/efference libero prepare/);
    const said: string[] = [];
    const say = (words: string): void => void said.push(words);
    const ready = await readyCells(CELLS, { isAskedFor: false, say });
    expect(ready).toEqual(CELLS.filter(({ world }) => !isLibero(world)));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^without libero-spatial, libero-object, libero-goal: .*libero prepare/,
    );
  });

  it("are an error where somebody asks for them", async () => {
    vi.stubEnv("EFFERENCE_LIBERO", NOWHERE);
    const asked = CELLS.filter(({ id }) => id.startsWith("libero-object.mix"));
    const options = { isAskedFor: true, say: () => undefined };
    await expect(readyCells(asked, options)).rejects.toThrow(UsageError);
    await expect(readyCells(asked, options)).rejects.toThrow(/Cannot reproduce libero-object: /);
    const others = CELLS.filter(({ world }) => world === "lift");
    expect(await readyCells(others, options)).toEqual(others);
  });

  it("say nothing against results that were made elsewhere", async () => {
    vi.stubEnv("EFFERENCE_LIBERO", NOWHERE);
    expect(await otherSight("libero-object", { observed: "f".repeat(64) })).toBeUndefined();
    expect(await otherSight("detour", { observed: "f".repeat(64) })).toMatch(/another view/);
  });
});
