/** Fetches a file whole and says how far it is. */
export type Fetching = (url: string, what: string) => Promise<ArrayBuffer>;

export interface FetchProgress {
  readonly what: string;
  readonly done: number;
  /** 0 where the server does not say. */
  readonly total: number;
}

export function fetchingWith(onProgress: (progress: FetchProgress) => void): Fetching {
  return async (url, what) => {
    const response = await fetch(url).catch((cause: unknown) => {
      throw new Error(`Cannot load the ${what}: ${url} does not answer`, { cause });
    });
    if (!response.ok || response.body === null) {
      throw new Error(`Cannot load the ${what}: ${url} answers ${response.status}, must be 200`);
    }
    // A compressed answer tells its compressed length: of no use for what comes out of it.
    const compressed = response.headers.has("content-encoding");
    const total = compressed ? 0 : Number(response.headers.get("content-length") ?? 0);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let done = 0;
    const reader = response.body.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      parts.push(read.value);
      done += read.value.byteLength;
      onProgress({ what, done, total });
    }
    return new Blob(parts).arrayBuffer();
  };
}
