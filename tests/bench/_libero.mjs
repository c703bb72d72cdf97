import { readIndex } from "../../dist/sim-bridge/sims/libero/data.js";
import { defaultLiberoFolder, liberoFolder } from "../../dist/sim-bridge/sims/libero/node.js";

/** What a benchmark on LIBERO lacks here, in words; nothing where its data are prepared. */
export async function liberoNeeds() {
  try {
    await readIndex(liberoFolder(defaultLiberoFolder()));
    return undefined;
  } catch (error) {
    // Data that are there and damaged are a failure, not a need.
    if (error instanceof RangeError) return `LIBERO's data (${error.message})`;
    throw error;
  }
}

/** The name of the task at a place such as `object/0`: the suite, and the number in it. */
export function taskAt({ tasks }, place) {
  const [suite, index] = place.split("/");
  return tasks.filter((task) => task.suite === suite)[Number(index)].name;
}
