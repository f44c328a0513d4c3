// A job as it stands in its row, and the word that something about it has changed.
import { type Selectable, sql } from 'kysely';
import type { Scope } from './database.ts';
import type { JobState } from './tables/jobs.ts';
import type { Tables } from './tables.ts';
import { notify } from './transactions.ts';

export type { JobState } from './tables/jobs.ts';

/** Channel on which `enqueue`, and whatever frees a job, tells of it after the commit. */
export const JOBS_CHANNEL = 'jobs';

/** The payload on that channel. */
export interface JobNotice {
  queue: string;
  /** Of the job that can start, or has made room. */
  id: string;
}

export interface Job {
  id: string;
  queue: string;
  kind: string;
  args: unknown;
  state: JobState;
  priority: number;
  /** 1 while it is executed for the first time. */
  attempt: number;
  maxAttempts: number;
  fence: number;
  owner: string | null;
  leaseUntil: Date | null;
  runAt: Date;
  uniqueKey: string | null;
  serialKey: string | null;
  /** Why the last attempt did not succeed. */
  error: string | null;
  createdAt: Date;
  attemptedAt: Date | null;
  finishedAt: Date | null;
}

export type JobRow = Selectable<Tables['jobs']>;

/** States, as SQL lists. */
export const WAITING = sql.raw("('available', 'scheduled', 'retryable')");
export const LIVE = sql.raw("('available', 'scheduled', 'executing', 'retryable')");

/** What ends with an attempt, as SQL. */
export const NO_LEASE = sql.raw('lease_until = NULL, owner = NULL');

export function toJob(row: JobRow): Job {
  const { max_attempts: maxAttempts, lease_until: leaseUntil, run_at: runAt, unique_key: uniqueKey, serial_key: serialKey } = row;
  const { created_at: createdAt, attempted_at: attemptedAt, finished_at: finishedAt } = row;
  const { id, queue, kind, args, state, priority, attempt, fence, owner, error } = row;
  return {
    id,
    queue,
    kind,
    args,
    state,
    priority,
    attempt,
    maxAttempts,
    fence,
    owner,
    leaseUntil,
    runAt,
    uniqueKey,
    serialKey,
    error,
    createdAt,
    attemptedAt,
    finishedAt,
  };
}

/** After the commit. */
export function tellOfJob(scope: Scope, { queue, id }: JobNotice): void {
  notify(scope, JOBS_CHANNEL, JSON.stringify({ queue, id } satisfies JobNotice));
}
