// Keeps long work from holding up the event loop.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Called between small steps: lets the loop go round once the slice is used up. */
export function createPace(options: { now(): number; sliceMs: number }): () => Promise<void> {
  const { now, sliceMs } = options;
  let sliceEnd = now() + sliceMs;
  return async () => {
    if (now() < sliceEnd) return;
    await nextTurn();
    sliceEnd = now() + sliceMs;
  };
}
