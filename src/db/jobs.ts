// Jobs: one row each, and the row is the truth; whatever wakes a worker is only a hint.
import { sql } from 'kysely';
import { SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { toJson } from './columns.ts';
import { inTransaction, queriesOf, type Scope } from './database.ts';
import { type Job, type JobRow, type JobState, LIVE, NO_LEASE, tellOfJob, toJob, WAITING } from './job-row.ts';
import { leaseEnd } from './reader-lease.ts';

export interface JobRequest {
  queue: string;
  /** Which handler. */
  kind: string;
  /** JSON. */
  args: unknown;
  /** Smaller first, default 0. */
  priority?: number;
  /** Default 3. */
  maxAttempts?: number;
  /** Not before so long from now, on the database's clock. Default 0. */
  delayMs?: number;
  /** While a job of this queue with the same key has not ended, no second one is made: the first is answered. */
  uniqueKey?: string;
  /** Jobs of this queue with the same key run one at a time. */
  serialKey?: string;
  /** The queue takes no more when so many wait. Default: no limit. */
  limit?: number;
  /** What a refused caller is told. Default 1,000. */
  retryAfterMs?: number;
}

export interface QueueCount {
  queue: string;
  /** Could start now. */
  available: number;
  /** Wait for their time: scheduled, or to be tried again. */
  scheduled: number;
  executing: number;
  /** How long the first available one has been waiting; 0 when there is none. */
  oldestMs: number;
}

/**
 * @returns the job, or with `duplicate` the one that its unique key already stands for
 * @throws SeedError `queue_full` with `retryAfterMs`
 */
export async function enqueue(scope: Scope, request: JobRequest): Promise<{ job: Job; duplicate: boolean }> {
  const { limit } = request;
  if (limit === undefined) return insert(scope, request);
  return inTransaction(scope, async (tx) => {
    // In a statement of its own: the count must see what the one who held the lock has committed.
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`jobs:${request.queue}`}, 0))`.execute(tx);
    const existing = await findUnique(tx, request);
    if (existing !== undefined) return { job: existing, duplicate: true };
    const { rows } = await sql<{ waiting: number }>`
      SELECT count(*)::int AS waiting FROM (SELECT 1 FROM jobs WHERE queue = ${request.queue} AND state IN ${WAITING} LIMIT ${limit}) AS found`.execute(
      tx,
    );
    const waiting = rows[0]?.waiting ?? 0;
    if (waiting >= limit) {
      throw new SeedError('queue_full', `the queue ${request.queue} is full: ${waiting} jobs wait`, {
        details: { queue: request.queue, limit },
        retryAfterMs: request.retryAfterMs ?? 1000,
      });
    }
    return insert(tx, request);
  });
}

export async function getJob(scope: Scope, id: string): Promise<Job | undefined> {
  const row = await queriesOf(scope).selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toJob(row);
}

/** Whoever executes it can commit nothing any more, and learns of it at the next heartbeat. @returns undefined when it has ended already */
export async function cancelJob(scope: Scope, id: string, reason = 'cancelled'): Promise<Job | undefined> {
  const { rows } = await sql<JobRow>`
    UPDATE jobs SET state = 'cancelled', error = ${reason}, fence = fence + 1, finished_at = now(), ${NO_LEASE}
    WHERE id = ${id} AND state IN ${LIVE} RETURNING *`.execute(queriesOf(scope));
  const [row] = rows;
  if (row === undefined) return undefined;
  tellOfJob(scope, row);
  return toJob(row);
}

/** Per queue; a queue without waiting or executing jobs is left out. */
export async function countJobs(scope: Scope): Promise<QueueCount[]> {
  const { rows } = await sql<{ queue: string; available: number; scheduled: number; executing: number; oldest_ms: number }>`
    SELECT queue,
      count(*) FILTER (WHERE state <> 'executing' AND run_at <= now())::int AS available,
      count(*) FILTER (WHERE state <> 'executing' AND run_at > now())::int AS scheduled,
      count(*) FILTER (WHERE state = 'executing')::int AS executing,
      coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE state <> 'executing' AND run_at <= now())) * 1000, 0)::float8 AS oldest_ms
    FROM jobs WHERE state IN ${LIVE} GROUP BY queue ORDER BY queue`.execute(queriesOf(scope));
  return rows.map(({ oldest_ms: oldestMs, ...count }) => ({ ...count, oldestMs }));
}

async function insert(scope: Scope, request: JobRequest): Promise<{ job: Job; duplicate: boolean }> {
  const { queue, kind, args, priority = 0, maxAttempts = 3, delayMs = 0, uniqueKey = null, serialKey = null } = request;
  const state: JobState = delayMs > 0 ? 'scheduled' : 'available';
  for (;;) {
    const { rows } = await sql<JobRow>`
      INSERT INTO jobs (id, queue, kind, args, state, priority, max_attempts, run_at, unique_key, serial_key)
      VALUES (${uuidv7()}, ${queue}, ${kind}, ${toJson(args)}::jsonb, ${state}, ${priority}, ${maxAttempts}, ${delayMs > 0 ? leaseEnd(delayMs) : sql`now()`}, ${uniqueKey}, ${serialKey})
      ON CONFLICT (queue, unique_key) WHERE unique_key IS NOT NULL AND state IN ${LIVE} DO NOTHING RETURNING *`.execute(queriesOf(scope));
    if (rows[0] !== undefined) {
      tellOfJob(scope, rows[0]);
      return { job: toJob(rows[0]), duplicate: false };
    }
    // None when it has ended in this very moment: then there is room for ours.
    const existing = await findUnique(scope, request);
    if (existing !== undefined) return { job: existing, duplicate: true };
  }
}

async function findUnique(scope: Scope, { queue, uniqueKey }: JobRequest): Promise<Job | undefined> {
  if (uniqueKey === undefined) return undefined;
  const { rows } = await sql<JobRow>`SELECT * FROM jobs WHERE queue = ${queue} AND unique_key = ${uniqueKey} AND state IN ${LIVE}`.execute(
    queriesOf(scope),
  );
  return rows[0] === undefined ? undefined : toJob(rows[0]);
}
