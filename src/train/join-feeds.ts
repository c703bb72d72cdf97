import type { NdArray } from "../core/index.ts";

type Feeds = Readonly<Record<string, NdArray>>;

/**
 * The feeds of K updates as one, every array with a first axis of K.
 * @throws {TypeError} unless all have the same arrays, of equal dtypes and shapes
 */
export function joinFeeds(feeds: readonly Feeds[]): Feeds {
  const [first = {}] = feeds;
  for (const [i, feed] of feeds.entries()) assertAlike(feed, first, i);
  return Object.fromEntries(
    Object.entries(first).map(([name, like]) => [name, stack(feeds, name, like)]),
  );
}

function stack(feeds: readonly Feeds[], name: string, like: NdArray): NdArray {
  const size = like.data.length;
  const data = new (like.data.constructor as new (length: number) => NdArray["data"])(
    feeds.length * size,
  );
  for (const [i, feed] of feeds.entries()) {
    (data as Float32Array).set(feed[name]?.data as Float32Array, i * size);
  }
  return { ...like, shape: [feeds.length, ...like.shape], data };
}

function assertAlike(feed: Feeds, first: Feeds, index: number): void {
  for (const name of new Set([...Object.keys(first), ...Object.keys(feed)])) {
    const [is, must] = [words(feed[name]), words(first[name])];
    if (is !== must) {
      throw new TypeError(
        `Cannot join feeds: "${name}" of update ${index} is ${is}, must be ${must} as in the first`,
      );
    }
  }
}

function words(array: NdArray | undefined): string {
  return array === undefined ? "absent" : `${array.dtype}[${array.shape.join(", ")}]`;
}
