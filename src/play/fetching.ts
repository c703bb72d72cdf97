/**
 * Fetches a file whole and says how far it is.
 * @throws {AbsentFileError} if there is none; {Error} if it cannot be had for another reason
 */
export type Fetching = (url: string, what: string) => Promise<ArrayBuffer>;

export interface FetchProgress {
  readonly what: string;
  readonly done: number;
  /** 0 where the server does not say. */
  readonly total: number;
}

/** Files of one kind that are on their way at once. Bytes. */
interface Batch {
  open: number;
  done: number;
  total: number;
  /** Whether the length of every one is known. */
  isKnown: boolean;
}

/** @param onProgress hears of all files of one kind that are fetched at once as of one */
export function fetchingWith(onProgress: (progress: FetchProgress) => void): Fetching {
  const batches = new Map<string, Batch>();
  return async (url, what) => {
    const batch = batches.get(what) ?? { open: 0, done: 0, total: 0, isKnown: true };
    batches.set(what, batch);
    batch.open++;
    const tell = (): void =>
      onProgress({ what, done: batch.done, total: batch.isKnown ? batch.total : 0 });
    try {
      const response = await answerOf(url, what);
      const length = lengthOf(response);
      if (length === undefined) batch.isKnown = false;
      else batch.total += length;
      tell();
      const parts: Uint8Array<ArrayBuffer>[] = [];
      const reader = response.body.getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        parts.push(read.value);
        batch.done += read.value.byteLength;
        tell();
      }
      return await new Blob(parts).arrayBuffer();
    } finally {
      batch.open--;
      if (batch.open === 0) batches.delete(what);
    }
  };
}

/** There is no such file, as against a server that fails. */
export class AbsentFileError extends Error {}

/** Where a file by its path below a folder lies. */
export function addressBelow(folderUrl: string, path: string): string {
  return folderUrl + path.split("/").map(encodeURIComponent).join("/");
}

type Answer = Response & { readonly body: ReadableStream<Uint8Array<ArrayBuffer>> };

async function answerOf(url: string, what: string): Promise<Answer> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new Error(`Cannot load the ${what}: ${url} does not answer`, { cause });
  });
  if (response.ok && response.body !== null) return response as Answer;
  const words = `Cannot load the ${what}: ${url} answers ${response.status}, must be 200`;
  throw response.status === 404 ? new AbsentFileError(words) : new Error(words);
}

/** A compressed answer tells its compressed length: of no use for what comes out of it. */
function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? undefined : Number(length);
}
