/** Worlds that need something that not every machine has. */
import { messageOf } from "../../core/index.ts";
import { UsageError } from "../exit.ts";
import { assertSimulatorReady } from "../registry.ts";
import type { Cell, WorldName } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

/** Why a world cannot be opened here; undefined if it can. */
export async function missingFor(world: WorldName): Promise<string | undefined> {
  try {
    await assertSimulatorReady(STUDY_WORLDS[world].simulator, {});
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * The cells whose worlds can be opened here, in their order.
 *
 * @param options.isAskedFor - whether the cells were chosen by name: then none is left out
 * @param options.say - told once why cells are left out
 * @throws {UsageError} where a world is missing that was asked for
 */
export async function readyCells(
  cells: readonly Cell[],
  options: { readonly isAskedFor: boolean; readonly say: (words: string) => void },
): Promise<readonly Cell[]> {
  const missing = new Map<string, WorldName[]>();
  for (const world of new Set(cells.map((cell) => cell.world))) {
    const why = await missingFor(world);
    if (why !== undefined) missing.set(why, [...(missing.get(why) ?? []), world]);
  }
  for (const [why, worlds] of missing) {
    const names = worlds.join(", ");
    if (options.isAskedFor) throw new UsageError(`Cannot reproduce ${names}: ${why}`);
    options.say(`without ${names}: ${why}`);
  }
  const left = new Set([...missing.values()].flat());
  return cells.filter(({ world }) => !left.has(world));
}
