// Parked calls of the node, and the queue that wakes them.
import { JobWorker } from '#db/job-worker.ts';
import { CALLS_QUEUE } from '#domains/runtime/parked-call-desk.ts';
import { ParkedCallResumer } from '#domains/runtime/parked-call-resumer.ts';
import { inProcessQueue } from '#kernel/cluster/queues/in-process.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';

/** Runs at a time: each has its own call, and those of one instance wait for each other. */
const CONCURRENCY = 8;

export function startParkedCalls(parts: Parts): Service {
  const runtime = parts.get('runtime');
  const resumer = parts.set(
    'resumer',
    new ParkedCallResumer({
      desk: parts.get('parkedCalls'),
      resume: (call, options) => runtime.resume(call, options),
      isRunning: (agent) => runtime.find(agent) !== undefined,
    }),
  );
  const jobs = new JobWorker({
    database: parts.get('database'),
    wakeups: inProcessQueue({ onError: reportTo(parts, 'queue.wakeup.failed') }),
    owner: parts.ground.info.id,
    queues: {
      [CALLS_QUEUE]: {
        concurrency: CONCURRENCY,
        handlers: {
          resume: (job, { signal }) => resumer.run((job.args as { id: string }).id, { signal, attempt: job.attempt, jobId: job.id }),
        },
      },
    },
    onError: reportTo(parts, 'calls.resume.failed'),
  });
  return { close: () => jobs.close() };
}
