/** `efference libero check`. */
import { checkLibero, defaultLiberoFolder } from "../../sim-bridge/sims/libero/node.ts";
import type { LiberoCheck, LiberoFault } from "../../sim-bridge/sims/libero/node.ts";
import { QUALITY_LEVELS } from "../../sim-bridge/sims/libero/index.ts";
import { PREPARE } from "../../sim-bridge/sims/libero/data.ts";
import { EXIT } from "./exit.ts";
import { createProgress } from "./progress.ts";

export interface LiberoCheckOptions {
  data?: string;
  json?: boolean;
}

/** Reads all exported data and says what is missing or other than it was written. */
export async function liberoCheckCommand(options: LiberoCheckOptions): Promise<void> {
  const folder = options.data ?? defaultLiberoFolder();
  const progress = createProgress();
  const check = await checkLibero(folder, (done, total) =>
    progress.live(`${done}/${total} files checked`),
  );
  progress.clear();
  if (options.json === true) process.stdout.write(`${JSON.stringify(summaryOf(check))}\n`);
  else process.stdout.write(`${wordsOf(check)}\n`);
  if (check.faults.length > 0) process.exitCode = EXIT.failed;
}

function summaryOf({ folder, index, files, bytes, faults, sizes }: LiberoCheck): object {
  const { source, visual, tasks } = index;
  return { folder, source, tasks: tasks.length, visual, files, bytes, faults, sizes };
}

const FAULT_WORDS: Readonly<Record<LiberoFault["fault"], string>> = {
  missing: "is missing",
  other_size: "has another size than it was written with",
  other_hash: "has another content than it was written with",
};
function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

/** Beyond this many faults, one line says how many more. */
const MOST_LINES = 20;

function wordsOf({ folder, index, files, bytes, faults, sizes }: LiberoCheck): string {
  const { source, tasks, visual } = index;
  const suites = [...new Set(tasks.map(({ suite }) => suite))];
  const lines = [
    `${folder}`,
    `${source.package} ${source.version}, exported with robosuite ${source.robosuite} and MuJoCo ${source.mujoco}`,
    ...suites.map((suite) => {
      const count = tasks.filter((task) => task.suite === suite).length;
      return `  ${suite}: ${count} task${count === 1 ? "" : "s"}`;
    }),
    visual === null
      ? `no pictures: cameras need "${PREPARE}" without --no-visuals`
      : `pictures: ${QUALITY_LEVELS.join(", ")}`,
    ...sizes.map(
      ({ level, meanBytes, largestBytes, largest, allBytes }) =>
        `  ${level}: ${megabytes(meanBytes)} of meshes and textures per scene, ` +
        `at most ${megabytes(largestBytes)} (${largest}), ${megabytes(allBytes)} for all`,
    ),
    `${files} files, ${(bytes / 1e6).toFixed(1)} MB: ${faults.length === 0 ? "all as written" : `${faults.length} not as written`}`,
    ...faults.slice(0, MOST_LINES).map(({ path, fault }) => `  ${path} ${FAULT_WORDS[fault]}`),
    ...(faults.length > MOST_LINES ? [`  and ${faults.length - MOST_LINES} more`] : []),
    ...(faults.length > 0 ? [`"${PREPARE} --out ${folder}" brings what is missing`] : []),
  ];
  return lines.join("\n");
}
