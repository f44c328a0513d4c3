// Tests wait for conditions, never for time.

/** Asks again until the answer is the wanted one. @throws Error with the last answer after `timeoutMs` (default 60,000) */
export async function until<T>(read: () => Promise<T> | T, wanted: (value: T) => boolean, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (performance.now() > deadline) throw new Error(`not reached in time; last: ${JSON.stringify(value)?.slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
