// What no worker does for itself: freeing what dead ones held, finding what is due, deleting what has long ended.
import { sql } from 'kysely';
import { queriesOf, type Scope } from './database.ts';
import { type JobNotice, type JobState, NO_LEASE, WAITING } from './job-row.ts';
import { leaseEnd } from './reader-lease.ts';

export interface Sweep {
  /** Attempts that ended with their lease: to be tried again. */
  rescued: number;
  /** The same, with no attempt left. */
  discarded: number;
  /** One job for each queue that has something to start now. */
  due: readonly JobNotice[];
  /** Until the next scheduled job; null: there is none. */
  nextInMs: number | null;
}

/** Frees what dead workers held, and tells what is due. Any node may, at any time. */
export async function sweepJobs(scope: Scope): Promise<Sweep> {
  const db = queriesOf(scope);
  const freed = await sql<{ state: JobState }>`
    UPDATE jobs SET state = CASE WHEN attempt < max_attempts THEN 'retryable' ELSE 'discarded' END, fence = fence + 1, run_at = now(),
      error = 'the node that executed it went away', finished_at = CASE WHEN attempt < max_attempts THEN NULL ELSE now() END, ${NO_LEASE}
    WHERE state = 'executing' AND lease_until < clock_timestamp() RETURNING state`.execute(db);
  const due = await sql<{ queue: string; id: string | null; next_in_ms: number | null }>`
    SELECT queue, min(id::text) FILTER (WHERE run_at <= now()) AS id,
      (extract(epoch FROM min(run_at) FILTER (WHERE run_at > now()) - now()) * 1000)::float8 AS next_in_ms
    FROM jobs WHERE state IN ${WAITING} GROUP BY queue`.execute(db);
  const next = due.rows.map((row) => row.next_in_ms).filter((ms) => ms !== null);
  const discarded = freed.rows.filter(({ state }) => state === 'discarded').length;
  return {
    rescued: freed.rows.length - discarded,
    discarded,
    due: due.rows.flatMap(({ queue, id }) => (id === null ? [] : [{ queue, id }])),
    nextInMs: next.length === 0 ? null : Math.max(1, Math.ceil(Math.min(...next))),
  };
}

/** Delete what ended more than `olderThanMs` ago. @returns how many */
export async function pruneJobs(scope: Scope, olderThanMs: number): Promise<number> {
  const { rows } = await sql`DELETE FROM jobs WHERE finished_at < ${leaseEnd(-olderThanMs)} RETURNING id`.execute(queriesOf(scope));
  return rows.length;
}
