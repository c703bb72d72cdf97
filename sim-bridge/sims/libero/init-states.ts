/** LIBERO's `.pruned_init` files: the official initial states of a task. */
import { readPickledArray } from "./pickle.ts";
import { readZip } from "./zip.ts";

/** Initial states of a task. */
export interface InitStates {
  readonly count: number;
  /** float64[1 + nq + nv]: time, positions, velocities. */
  row(index: number): Float64Array;
}

/**
 * Reads a file of initial states: a zip that `torch.save` made, with a pickle of float64[count, 1 + nq + nv].
 * Nothing in it is executed.
 * @throws {SyntaxError} if it is anything else
 */
export async function readInitStates(bytes: Uint8Array): Promise<InitStates> {
  const entries = readZip(bytes).filter(({ name }) => name.endsWith("/data.pkl"));
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw new SyntaxError(
      `Cannot read initial states: the archive has ${entries.length} data.pkl, must have one`,
    );
  }
  const { shape, data } = readPickledArray(await entry.read());
  const [count = 0, width = 0] = shape;
  if (shape.length !== 2 || count < 1 || width < 2) {
    throw new SyntaxError(
      `Cannot read initial states: the array is [${shape.join(", ")}], must be [states, 1 + nq + nv]`,
    );
  }
  return { count, row: (index) => data.subarray(index * width, (index + 1) * width) };
}
