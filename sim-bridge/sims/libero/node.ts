/** LIBERO's data on this machine's disk. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { LiberoFiles, LiberoIndex } from "./data.ts";
import { INDEX_FILE, PREPARE, readIndex } from "./data.ts";
import { readLevels } from "./visual/levels.ts";
import type { LevelSizes } from "./visual/sizes.ts";
import { levelSizes } from "./visual/sizes.ts";

/** Where data are unless somebody says otherwise: `$EFFERENCE_LIBERO`, else below the user's cache. */
export function defaultLiberoFolder(): string {
  const { EFFERENCE_LIBERO: own, XDG_CACHE_HOME: cache } = process.env;
  if (own !== undefined && own !== "") return resolve(own);
  const below = cache !== undefined && cache !== "" ? cache : join(homedir(), ".cache");
  return join(below, "efference", "libero");
}

export function liberoFolder(folder: string): LiberoFiles {
  return { place: folder, read: (path) => readFile(join(folder, path)) };
}

/** One file that is not as the index says. */
export interface LiberoFault {
  readonly path: string;
  readonly fault: "missing" | "other_size" | "other_hash";
}

export interface LiberoCheck {
  readonly folder: string;
  readonly index: LiberoIndex;
  readonly files: number;
  readonly bytes: number;
  readonly faults: readonly LiberoFault[];
  /** What scenes take; none without pictures, or where something is not as written. */
  readonly sizes: readonly LevelSizes[];
}

/**
 * Reads every file and compares it with the index.
 * @throws {RangeError} if there is no index, or pictures without their packed levels; {SyntaxError} if it is damaged or of another version
 */
export async function checkLibero(
  folder: string,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<LiberoCheck> {
  const data = liberoFolder(folder);
  const index = await readIndex(data);
  const levels = index.visual === null ? undefined : await readLevels(data, index);
  const entries = Object.entries({ ...index.files, ...levels?.files });
  const faults: LiberoFault[] = [];
  let bytes = 0;
  for (const [i, [path, expected]] of entries.entries()) {
    const found = await readFile(join(folder, path)).catch(() => undefined);
    bytes += found?.length ?? 0;
    if (found === undefined) faults.push({ path, fault: "missing" });
    else if (found.length !== expected.bytes) faults.push({ path, fault: "other_size" });
    else if (createHash("sha256").update(found).digest("hex") !== expected.sha256) {
      faults.push({ path, fault: "other_hash" });
    }
    onProgress(i + 1, entries.length);
  }
  for (const { folder: at, suite, name } of index.tasks) {
    for (const file of ["scene.xml", "task.bddl", "init.pruned_init", "meta.json"]) {
      if (index.files[`${at}/${file}`] !== undefined) continue;
      throw new SyntaxError(
        `Cannot read ${join(folder, INDEX_FILE)}: ${file} of ${suite}/${name} is not listed, must be ("${PREPARE}" makes it anew)`,
      );
    }
  }
  const isWhole = levels !== undefined && faults.length === 0;
  const sizes = isWhole ? await levelSizes(data, index, levels) : [];
  return { folder, index, files: entries.length, bytes, faults, sizes };
}
