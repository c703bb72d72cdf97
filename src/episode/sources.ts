import type { ByteSource } from "./types.ts";

/** Bytes of a Blob or File, for instance one dropped on a page. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: () => Promise.resolve(blob.size),
    async read(offset, length) {
      assertInside(offset, length, blob.size);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

/** Bytes in memory; `grow` replaces them by longer ones. */
export function memorySource(bytes: Uint8Array): ByteSource & { grow(bytes: Uint8Array): void } {
  let held = bytes;
  return {
    size: () => Promise.resolve(held.length),
    read: (offset, length) =>
      Promise.resolve().then(() => {
        assertInside(offset, length, held.length);
        return held.subarray(offset, offset + length);
      }),
    grow(longer) {
      held = longer;
    },
  };
}

/**
 * Bytes of an HTTP resource, read by `Range` requests.
 *
 * @throws {RangeError} from `read`, beyond the present size
 * @throws {Error} from both, if the server refuses, or knows no ranges
 */
export function httpSource(url: string, fetcher: typeof fetch = fetch): ByteSource {
  return {
    async size() {
      // Not from a cache: the file may be growing.
      const response = await fetcher(url, { method: "HEAD", cache: "no-store" });
      const length = response.headers.get("content-length");
      if (!response.ok || length === null) throw httpError(url, response);
      return Number(length);
    },
    async read(offset, length) {
      if (length === 0) return new Uint8Array(0);
      const range = `bytes=${offset}-${offset + length - 1}`;
      const response = await fetcher(url, { headers: { range }, cache: "no-store" });
      if (response.status === 416) {
        throw new RangeError(`Cannot read ${url}: ${range} is asked for, must be inside the file`);
      }
      if (response.status !== 206) {
        // A server without ranges would send the whole file: do not wait for it.
        await response.body?.cancel();
        throw httpError(url, response);
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      assertInside(0, length, bytes.length);
      return bytes.subarray(0, length);
    },
  };
}

function httpError(url: string, { status, statusText }: Response): Error {
  const answer = `${status} ${statusText}`.trim();
  return new Error(`Cannot read ${url}: the server answers ${answer}, must serve byte ranges`);
}

export function assertInside(offset: number, length: number, size: number): void {
  if (offset < 0 || length < 0 || offset + length > size) {
    throw new RangeError(
      `Cannot read bytes ${offset} to ${offset + length}: there are ${size}, must be inside`,
    );
  }
}
