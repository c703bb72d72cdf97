/**
 * Follows a `metrics.jsonl` that grows, and sees when it was cut: a resumed run cuts off what it does again.
 * Every read begins at the last line that is known; where that line is another one, everything is read anew.
 */
import type { Row } from "./rows.ts";
import { parseRow } from "./rows.ts";

/** The bytes from an offset to the end of the file; undefined where it ends before or is not there. */
export type ReadFrom = (offset: number) => Promise<Uint8Array | undefined>;

export interface MetricsFollower {
  /** In the order of the file; another array whenever something has changed. */
  rows(): readonly Row[];
  /** Reads what is new; true if anything is. Calls while one runs are joined into one more. */
  refresh(): Promise<boolean>;
}

const NEWLINE = 10;

export function followMetrics(readFrom: ReadFrom): MetricsFollower {
  let rows: readonly Row[] = [];
  let end = 0;
  let lastLine = new Uint8Array(0);
  let running: Promise<boolean> | undefined;
  let again = false;

  const take = (bytes: Uint8Array, from: number): boolean => {
    let at = from;
    const added: Row[] = [];
    for (let stop = bytes.indexOf(NEWLINE, at); stop >= 0; stop = bytes.indexOf(NEWLINE, at)) {
      lastLine = bytes.slice(at, stop + 1);
      const row = parseRow(new TextDecoder().decode(lastLine));
      if (row !== undefined) added.push(row);
      at = stop + 1;
    }
    end += at - from;
    if (added.length > 0) rows = [...rows, ...added];
    return added.length > 0;
  };
  const read = async (): Promise<boolean> => {
    const bytes = await readFrom(end - lastLine.length);
    if (bytes !== undefined && startsWith(bytes, lastLine)) return take(bytes, lastLine.length);
    const hadRows = rows.length > 0;
    rows = [];
    end = 0;
    lastLine = new Uint8Array(0);
    const whole = await readFrom(0);
    const hasRows = whole !== undefined && take(whole, 0);
    return hadRows || hasRows;
  };
  const readAll = async (): Promise<boolean> => {
    let changed = false;
    do {
      again = false;
      changed = (await read()) || changed;
    } while (again);
    return changed;
  };

  return {
    rows: () => rows,
    refresh() {
      if (running === undefined) {
        running = readAll().finally(() => {
          running = undefined;
        });
      } else {
        again = true;
      }
      return running;
    },
  };
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, i) => bytes[i] === byte);
}

/** Reads a file of our server by open-ended ranges. */
export function httpReadFrom(url: string, fetcher: typeof fetch = fetch): ReadFrom {
  return async (offset) => {
    const headers = { range: `bytes=${offset}-` };
    const response = await fetcher(url, { headers, cache: "no-store" });
    // 416: the file is empty or was cut; 404: it is not there yet.
    if (response.status === 416 || response.status === 404) return undefined;
    if (!response.ok) {
      throw new Error(
        `Cannot read ${url}: the server answers ${response.status}, must send the metrics`,
      );
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    return response.status === 206 ? bytes : bytes.subarray(offset);
  };
}
