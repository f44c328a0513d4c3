// Executes jobs: per queue as many at a time as allowed, woken by the queue port, and by a sweeper for whatever no wake-up told of.
import type { Database } from './database.ts';
import { Attempt, type JobHandler } from './job-attempt.ts';
import { type JobNotice, JOBS_CHANNEL } from './job-row.ts';
import { claimJob } from './job-claim.ts';
import { pruneJobs, sweepJobs } from './job-sweep.ts';
import { Loop } from './loop.ts';

/** The queue port of the kernel, as far as it is needed here. */
export interface Wakeups {
  notify(queue: string, id: string): void;
  subscribe(queue: string, wake: (id: string) => void): () => void;
}

export interface QueueOptions {
  /** By kind; a job of another kind is left to other nodes. */
  handlers: Readonly<Record<string, JobHandler>>;
  /** Executed at a time by this worker. Default 1. */
  concurrency?: number;
  /** After so long without a sign of life another node may take the job. Default 5,000; renewed three times as often. */
  leaseMs?: number;
  /** Longest attempt. Default none. */
  timeoutMs?: number;
  /** Until the next attempt. Default: 1 s, doubled each time, at most a minute, with jitter. */
  backoffMs?: (attempt: number) => number;
  /** While it says so none is claimed. Asked before every claim, and again within `sweepMs` while jobs wait. Default never. */
  isPaused?: () => Promise<boolean>;
}

export interface JobWorkerOptions {
  database: Database;
  wakeups: Wakeups;
  /** The node; shown in the rows. */
  owner: string;
  queues: Readonly<Record<string, QueueOptions>>;
  onError: (error: unknown) => void;
  /** How often the sweeper looks, default 1,000. */
  sweepMs?: number;
  /** How long ended jobs stay, default 7 days. */
  retentionMs?: number;
  /** For the jitter. Default Math.random. */
  random?: () => number;
}

const LEASE_MS = 5000;
const LONGEST_BACKOFF_MS = 60_000;
const RETENTION_MS = 7 * 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;

export class JobWorker {
  readonly #options: JobWorkerOptions;
  readonly #running = new Map<Attempt, Promise<void>>();
  readonly #loops: readonly Loop[];
  readonly #sweeper: Loop;
  readonly #stopListening: readonly (() => void)[];
  #prunedAtMs: number | undefined;

  /** Starts at once. */
  constructor(options: JobWorkerOptions) {
    const { database, wakeups, queues, onError, sweepMs = 1000 } = options;
    this.#options = options;
    const loops = Object.entries(queues).map(([queue, queueOptions]) => {
      const loop: Loop = new Loop({
        pollMs: sweepMs * 10,
        onError,
        look: (signal) => this.#fill(queue, queueOptions, { signal, again: () => loop.wake() }),
      });
      return { queue, loop };
    });
    this.#sweeper = new Loop({ pollMs: sweepMs, onError, look: () => this.#sweep() });
    this.#loops = [this.#sweeper, ...loops.map(({ loop }) => loop)];
    this.#stopListening = [
      database.listen(JOBS_CHANNEL, (payload) => {
        const { queue, id } = JSON.parse(payload) as JobNotice;
        wakeups.notify(queue, id);
      }),
      ...loops.map(({ queue, loop }) => wakeups.subscribe(queue, () => loop.wake())),
    ];
    for (const loop of this.#loops) loop.wake();
  }

  /** Being executed here. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Take no more, wait for what is under way, give back what has not ended after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    for (const stop of this.#stopListening) stop();
    await Promise.all(this.#loops.map((loop) => loop.close()));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, timeoutMs);
    await Promise.race([Promise.all(this.#running.values()), late.promise]);
    clearTimeout(timer);
    await Promise.all([...this.#running.keys()].map((attempt) => attempt.giveBack()));
  }

  /** Drain without waiting. */
  close(): Promise<void> {
    return this.drain(0);
  }

  async #fill(queue: string, options: QueueOptions, loop: { signal: AbortSignal; again: () => void }): Promise<'idle'> {
    const { database, owner, onError, random = Math.random } = this.#options;
    const { handlers, concurrency = 1, leaseMs = LEASE_MS, timeoutMs } = options;
    const backoffMs = options.backoffMs ?? ((attempt) => Math.min(1000 * 2 ** (attempt - 1), LONGEST_BACKOFF_MS) * (0.75 + random() / 2));
    while (!loop.signal.aborted && this.#runningIn(queue) < concurrency) {
      if ((await options.isPaused?.()) === true) break;
      const job = await claimJob(database, { queue, owner, leaseMs, kinds: Object.keys(handlers) });
      const handler = handlers[job?.kind ?? ''];
      if (job === undefined || handler === undefined) break;
      const attempt = new Attempt(job, { database, leaseMs, timeoutMs, backoffMs, onError });
      const ended = attempt.run(handler).then(() => {
        this.#running.delete(attempt);
        loop.again();
      });
      this.#running.set(attempt, ended);
    }
    return 'idle';
  }

  #runningIn(queue: string): number {
    return [...this.#running.keys()].filter(({ job }) => job.queue === queue).length;
  }

  async #sweep(): Promise<'idle' | number> {
    const { database, wakeups, retentionMs = RETENTION_MS } = this.#options;
    const { due, nextInMs } = await sweepJobs(database);
    for (const { queue, id } of due) wakeups.notify(queue, id);
    const nowMs = performance.now();
    if (this.#prunedAtMs === undefined || nowMs - this.#prunedAtMs > PRUNE_EVERY_MS) {
      this.#prunedAtMs = nowMs;
      await pruneJobs(database, retentionMs);
    }
    return nextInMs ?? 'idle';
  }
}
