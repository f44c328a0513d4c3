// Several streams as one, each value when it comes.

/** Ends when all have ended. When one throws, or the reader leaves, the others are left as well: their `finally` has run by then. */
export async function* merge<T>(streams: readonly AsyncGenerator<T, void, void>[]): AsyncGenerator<T, void, void> {
  const next = async (stream: AsyncGenerator<T, void, void>) => ({ stream, result: await stream.next() });
  const pending = new Map(streams.map((stream) => [stream, next(stream)]));
  try {
    while (pending.size > 0) {
      const { stream, result } = await Promise.race(pending.values());
      if (result.done === true) {
        pending.delete(stream);
        continue;
      }
      pending.set(stream, next(stream));
      yield result.value;
    }
  } finally {
    await Promise.allSettled([...pending.keys()].map((stream) => stream.return()));
  }
}
