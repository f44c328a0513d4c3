// One attempt at one job: the handler, its lease kept alive beside it, and how the row ends.
import { isSeedError, SeedError } from '#lib/error.ts';
import type { Database, Tx } from './database.ts';
import type { Job } from './job-row.ts';
import { completeJob, failJob, renewJob, requireClaim, snoozeJob } from './job-claim.ts';

/** Nothing: done. Else not now, or never. */
export type JobOutcome = void | { snoozeMs: number } | { discard: string };

export interface JobContext {
  /**
   * Aborted when the job was cancelled, its lease was lost, it took too long, or the node goes down. A handler that does not stop
   * then keeps its place in the worker, but can commit nothing.
   */
  signal: AbortSignal;
  /** Write on behalf of the job, as long as it is ours. @throws SeedError `conflict` when it is not: nothing was written */
  commit<T>(fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** The job's last writes and its end in one transaction. */
  complete(fn: (tx: Tx) => Promise<void>): Promise<void>;
}

/** What it throws fails the attempt, which is tried again later while attempts are left. */
export type JobHandler = (job: Job, context: JobContext) => Promise<JobOutcome>;

export interface AttemptOptions {
  database: Database;
  leaseMs: number;
  /** Undefined: no limit. */
  timeoutMs: number | undefined;
  /** Until the next attempt, given the number of the one that failed. */
  backoffMs: (attempt: number) => number;
  onError: (error: unknown) => void;
}

export class Attempt {
  readonly job: Job;
  readonly #options: AttemptOptions;
  readonly #stop = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #timeout: NodeJS.Timeout | undefined;
  #renewedAtMs = performance.now();
  #over = false;
  #completed = false;

  constructor(job: Job, options: AttemptOptions) {
    this.job = job;
    this.#options = options;
    this.#heartbeat = setInterval(() => void this.#renew(), options.leaseMs / 3).unref();
    const { timeoutMs } = options;
    if (timeoutMs !== undefined) {
      const why = new SeedError('deadline', `the job took longer than ${timeoutMs} ms`);
      this.#timeout = setTimeout(() => void this.#endEarly(why, () => this.#fail(why)), timeoutMs).unref();
    }
  }

  /** Never rejects: what goes wrong is in the row, or went to `onError`. */
  async run(handler: JobHandler): Promise<void> {
    const { database } = this.#options;
    const context: JobContext = {
      signal: this.#stop.signal,
      commit: (fn) =>
        database.transaction(async (tx) => {
          await requireClaim(tx, this.job);
          return fn(tx);
        }),
      complete: (fn) =>
        database
          .transaction(async (tx) => {
            await requireClaim(tx, this.job);
            await fn(tx);
            await completeJob(tx, this.job);
          })
          .then(() => {
            this.#completed = true;
            this.#finish();
          }),
    };
    try {
      const outcome = await handler(this.job, context);
      await this.#settle(() => this.#keep(outcome));
    } catch (error) {
      // After its end is committed an error can not take it back any more, but shall be seen.
      if (this.#completed) this.#options.onError(error);
      await this.#settle(() => this.#fail(error));
    } finally {
      this.#finish();
    }
  }

  /** The node goes down: the job is given back, without having used an attempt, for whoever comes next. */
  giveBack(): Promise<void> {
    return this.#endEarly(new SeedError('cancelled', 'the node goes down'), async () => {
      await snoozeJob(this.#options.database, this.job, 0);
    });
  }

  async #keep(outcome: JobOutcome): Promise<void> {
    const { database } = this.#options;
    if (outcome === undefined) await completeJob(database, this.job);
    else if ('snoozeMs' in outcome) await snoozeJob(database, this.job, outcome.snoozeMs);
    else await failJob(database, this.job, { error: outcome.discard, delayMs: 0, retry: false });
  }

  async #fail(error: unknown): Promise<void> {
    const { database, backoffMs } = this.#options;
    await failJob(database, this.job, {
      error: error instanceof Error ? error.message : String(error),
      delayMs: backoffMs(this.job.attempt),
    });
  }

  /** The row first, so that nothing the handler still does can count. */
  async #endEarly(why: SeedError, end: () => Promise<void>): Promise<void> {
    await this.#settle(end);
    this.#stop.abort(why);
  }

  async #settle(end: () => Promise<void>): Promise<void> {
    if (this.#over) return;
    this.#finish();
    try {
      await end();
    } catch (error) {
      // Lost to a cancellation or to another worker: the row says so already.
      if (!isSeedError(error) || error.code !== 'conflict') this.#options.onError(error);
    }
  }

  async #renew(): Promise<void> {
    const { database, leaseMs, onError } = this.#options;
    try {
      const askedAtMs = performance.now();
      if (await renewJob(database, this.job, leaseMs)) {
        this.#renewedAtMs = askedAtMs;
        return;
      }
      this.#lose('the job was cancelled, or taken by another worker');
    } catch (error) {
      onError(error);
      if (performance.now() - this.#renewedAtMs > leaseMs) this.#lose('the lease could not be renewed');
    }
  }

  #lose(why: string): void {
    if (this.#over) return;
    this.#finish();
    this.#stop.abort(new SeedError('cancelled', why));
  }

  #finish(): void {
    this.#over = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timeout);
  }
}
