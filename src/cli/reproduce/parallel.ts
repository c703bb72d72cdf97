/**
 * Does something with every item, in order, at most `count` at a time. After a failure nothing new begins, the others are told to
 * stop, and it fails when all have ended.
 *
 * @param options.signal - stops all of it
 * @throws the first failure
 */
export async function inParallel<T>(
  items: Iterable<T>,
  options: { readonly count: number; readonly signal: AbortSignal },
  act: (item: T, stop: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([options.signal, failed.signal]);
  const left = items[Symbol.iterator]();
  const takeTurns = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      stop.throwIfAborted();
      await act(next.value, stop);
    }
  };
  const all = Array.from({ length: options.count }, () =>
    // What is aborted stays so for its first reason.
    takeTurns().catch((error: unknown) => failed.abort(error)),
  );
  await Promise.all(all);
  if (failed.signal.aborted) throw failed.signal.reason;
}
