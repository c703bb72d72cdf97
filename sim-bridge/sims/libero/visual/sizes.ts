/** What the scenes of a data folder take, level by level. */
import type { LiberoFiles, LiberoIndex } from "../data.ts";
import { taskName } from "../world.ts";
import type { Visual } from "./description.ts";
import type { Levels, QualityLevel } from "./levels.ts";
import { QUALITY_LEVELS } from "./levels.ts";
import { parseVisual } from "./read.ts";

/** Bytes of the compressed meshes and textures of a scene. */
export interface LevelSizes {
  readonly level: QualityLevel;
  readonly meanBytes: number;
  readonly largestBytes: number;
  /** The task, `SUITE/NAME`, of the largest. */
  readonly largest: string;
  /** Of all scenes together, which share most of it. */
  readonly allBytes: number;
}

/**
 * Adds up what the listed files take, without reading them.
 * @returns none for an index without tasks
 * @throws {SyntaxError} if a description is damaged
 */
export async function levelSizes(
  files: LiberoFiles,
  index: LiberoIndex,
  levels: Levels,
): Promise<readonly LevelSizes[]> {
  if (index.tasks.length === 0) return [];
  const scenes: { readonly name: string; readonly visual: Visual }[] = [];
  for (const task of index.tasks) {
    const path = `${task.folder}/visual.json`;
    const visual = parseVisual(await files.read(path), `${files.place}/${path}`);
    scenes.push({ name: taskName(task), visual });
  }
  const listed = { ...index.files, ...levels.files };
  const sum = (paths: ReadonlySet<string>): number =>
    [...paths].reduce((bytes, path) => bytes + (listed[path]?.bytes ?? 0), 0);
  return QUALITY_LEVELS.map((level) => {
    const all = new Set<string>();
    const sizes = scenes.map(({ name, visual }) => {
      const used = new Set(filesOf(level, levels, { name, visual }));
      for (const path of used) all.add(path);
      return { name, bytes: sum(used) };
    });
    const largest = sizes.reduce((most, size) => (size.bytes > most.bytes ? size : most));
    return {
      level,
      meanBytes: Math.round(sizes.reduce((total, { bytes }) => total + bytes, 0) / sizes.length),
      largestBytes: largest.bytes,
      largest: largest.name,
      allBytes: sum(all),
    };
  });
}

function filesOf(
  level: QualityLevel,
  { levels }: Levels,
  { name, visual }: { name: string; visual: Visual },
): readonly string[] {
  const paths = (rows: readonly { readonly path: string }[]): readonly string[] =>
    rows.map(({ path }) => path);
  if (level === "full") return [...paths(visual.meshes), ...paths(visual.textures)];
  const packed = levels[level];
  const meshes = packed?.tasks[name]?.meshes.filter((path) => path !== null) ?? [];
  return [...meshes, ...paths(visual.textures).map((path) => packed?.textures[path] ?? path)];
}
