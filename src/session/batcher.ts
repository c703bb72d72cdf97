import type { NdArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import { allocate } from "../onnx/index.ts";
import type { Feeds } from "./ports.ts";
import { assertFeeds } from "./ports.ts";
import type { RunResult, Session } from "./session.ts";

export interface BatcherOptions {
  /** Rows joined into one run at most. */
  readonly maxBatch: number;
  /** How long the first request of a batch waits for others; 0 = until the event loop turns. */
  readonly maxWaitMs?: number;
}

export interface Batcher {
  /** Like `Session.run` with all outputs; the leading dimension of every tensor is the batch. */
  run(feeds: Feeds): Promise<RunResult>;
  /** Runs what is waiting now. */
  flush(): void;
}

interface Request {
  readonly feeds: Feeds;
  readonly rows: number;
  /** Requests with equal keys may share a run. */
  readonly key: string;
  readonly started: number;
  readonly resolve: (result: RunResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins requests of several callers (environments that step side by side) into runs of up to `maxBatch`
 * rows along dimension 0 and deals the rows of the results back out. A request that does not fit the
 * graph is refused alone, before it is joined with others.
 * @throws {RangeError} for options out of range, and from `run` for a request above `maxBatch` rows
 */
export function createBatcher(session: Session, options: BatcherOptions): Batcher {
  const { maxBatch, maxWaitMs = 0 } = options;
  if (!Number.isInteger(maxBatch) || maxBatch < 1) {
    throw new RangeError(
      `Cannot create batcher: maxBatch is ${maxBatch}, must be an integer above 0`,
    );
  }
  if (!(maxWaitMs >= 0)) {
    throw new RangeError(`Cannot create batcher: maxWaitMs is ${maxWaitMs}, must be 0 or more`);
  }
  const waiting = new Map<string, Request[]>();
  let cancelTimer: (() => void) | undefined;

  const flush = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
    const groups = [...waiting.values()];
    waiting.clear();
    for (const group of groups) void runGroup(session, group);
  };
  const wait = (): void => {
    if (cancelTimer !== undefined) return;
    if (maxWaitMs === 0) {
      const immediate = setImmediate(flush);
      cancelTimer = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(flush, maxWaitMs);
      cancelTimer = () => clearTimeout(timer);
    }
  };
  const enqueue = (request: Request): void => {
    const group = waiting.get(request.key) ?? [];
    const rows = group.reduce((sum, member) => sum + member.rows, 0);
    if (rows + request.rows > maxBatch && group.length > 0) {
      waiting.set(request.key, [request]);
      void runGroup(session, group);
    } else {
      waiting.set(request.key, [...group, request]);
      if (rows + request.rows === maxBatch) {
        waiting.delete(request.key);
        void runGroup(session, [...group, request]);
      }
    }
    if (waiting.size > 0) wait();
  };
  return {
    flush,
    run: async (feeds) => {
      const rows = rowsOf(session, feeds, maxBatch);
      return new Promise((resolve, reject) => {
        enqueue({ feeds, rows, key: keyOf(feeds), started: performance.now(), resolve, reject });
      });
    },
  };
}

/** The request's rows, after checking that it could run alone. */
function rowsOf(session: Session, feeds: Feeds, maxBatch: number): number {
  assertFeeds(feeds, session.inputs);
  const rows = new Set(session.inputs.map(({ name }) => feeds[name]?.shape[0]));
  const [first] = rows;
  if (rows.size !== 1 || first === undefined || session.inputs.some((p) => p.shape[0] === 1)) {
    const shapes = session.inputs.map((p) => `${p.name}[${p.shape.join(", ")}]`).join(", ");
    throw new TypeError(
      `Cannot batch: inputs are ${shapes}, must all have one leading batch dimension that may vary`,
    );
  }
  if (first < 1 || first > maxBatch) {
    throw new RangeError(`Cannot batch: a request has ${first} rows, must have 1 to ${maxBatch}`);
  }
  return first;
}

function keyOf(feeds: Feeds): string {
  return Object.entries(feeds)
    .map(([name, { shape }]) => `${name}[${shape.slice(1).join()}]`)
    .sort()
    .join(";");
}

async function runGroup(session: Session, group: readonly Request[]): Promise<void> {
  try {
    const [only] = group;
    if (only !== undefined && group.length === 1) {
      only.resolve(await session.run(only.feeds));
      return;
    }
    const joined = Object.fromEntries(
      session.inputs.map(({ name }) => [name, joinRows(group.map(({ feeds }) => feeds[name]))]),
    );
    const { outputs, runMs } = await session.run(joined, { transfer: true });
    assertRows(
      outputs,
      group.reduce((sum, { rows }) => sum + rows, 0),
    );
    let start = 0;
    for (const { rows, resolve, started } of group) {
      const range = { start, end: start + rows };
      const mine = Object.entries(outputs).map(([name, a]) => [name, takeRows(a, range)] as const);
      start += rows;
      resolve({ outputs: Object.fromEntries(mine), runMs, totalMs: performance.now() - started });
    }
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}

function assertRows(outputs: RunResult["outputs"], rows: number): void {
  for (const [name, { shape }] of Object.entries(outputs)) {
    if (shape[0] !== rows) {
      throw new TypeError(
        `Cannot batch: output "${name}" has shape [${shape.join(", ")}], must have ${rows} rows`,
      );
    }
  }
}

function joinRows(arrays: readonly (NdArray | undefined)[]): NdArray {
  const given = arrays.filter((array) => array !== undefined);
  const [first] = given;
  if (first === undefined) throw new TypeError("Cannot batch: there is nothing to join");
  const rows = given.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const shape = [rows, ...first.shape.slice(1)];
  const data = allocate(first.dtype, elementCount(shape));
  let offset = 0;
  for (const array of given) {
    // One dtype for all, checked per request; the union of array types hides that.
    (data as Float32Array).set(array.data as Float32Array, offset);
    offset += array.data.length;
  }
  return { dtype: first.dtype, shape, data };
}

/** A copy, so that no caller keeps the whole batch alive or writes into another's rows. */
function takeRows(array: NdArray, { start, end }: { start: number; end: number }): NdArray {
  const size = elementCount(array.shape.slice(1));
  const data = array.data.slice(start * size, end * size);
  return { dtype: array.dtype, shape: [end - start, ...array.shape.slice(1)], data };
}
