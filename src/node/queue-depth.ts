// How much improvement work the node has before it.
import { countJobs } from '#db/jobs.ts';
import { IMPROVEMENTS_QUEUE } from '#domains/evolution/improver.ts';
import type { Parts } from './parts.ts';

/** Jobs that wait or run. */
export async function queueDepth(parts: Parts): Promise<number> {
  const counts = await countJobs(parts.get('database'));
  const queue = counts.find((count) => count.queue === IMPROVEMENTS_QUEUE);
  return queue === undefined ? 0 : queue.available + queue.scheduled + queue.executing;
}
