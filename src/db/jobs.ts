// Jobs: one row each, and the row is the truth. Whoever executes one holds a lease and a fence; a commit with an older fence
// changes nothing, so a worker that was thought dead can do no harm when it comes back.
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { toJson } from './columns.ts';
import { inTransaction, queriesOf, type Scope } from './database.ts';
import { isUniqueViolation } from './database-error.ts';
import { leaseEnd } from './reader-lease.ts';
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

/** The right to end a job's attempt. A `Job` that was claimed is one. */
export type JobClaim = Pick<Job, 'id' | 'fence'>;

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

const WAITING = sql.raw("('available', 'scheduled', 'retryable')");
const LIVE = sql.raw("('available', 'scheduled', 'executing', 'retryable')");

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

/**
 * The first job of the queue that may start, by priority, then time; claimed for `leaseMs` with a new fence.
 * One whose serial key is being executed is passed over. @param claim `kinds`: only those (default all)
 */
export async function claimJob(
  scope: Scope,
  claim: { queue: string; owner: string; leaseMs: number; kinds?: readonly string[] },
): Promise<Job | undefined> {
  const { queue, owner, leaseMs, kinds } = claim;
  const known = kinds === undefined ? sql`true` : sql`j.kind = ANY (${[...kinds]}::text[])`;
  try {
    const { rows } = await sql<JobRow>`
      UPDATE jobs SET state = 'executing', attempt = attempt + 1, fence = fence + 1, owner = ${owner}, lease_until = ${leaseEnd(leaseMs)}, attempted_at = now()
      WHERE id = (
        SELECT j.id FROM jobs AS j
        WHERE j.queue = ${queue} AND j.state IN ${WAITING} AND j.run_at <= now() AND ${known}
          AND NOT EXISTS (SELECT 1 FROM jobs AS r WHERE r.queue = j.queue AND r.serial_key = j.serial_key AND r.state = 'executing')
        ORDER BY j.priority, j.run_at, j.id LIMIT 1 FOR UPDATE SKIP LOCKED
      ) RETURNING *`.execute(queriesOf(scope));
    return rows[0] === undefined ? undefined : toJob(rows[0]);
  } catch (error) {
    // Another node has just claimed one of the same serial key: this look finds nothing, the next one passes that key over.
    if (isUniqueViolation(error, 'jobs_serial')) return undefined;
    throw error;
  }
}

/** @returns false when the job is no longer this claim's: cancelled, or taken by another worker */
export async function renewJob(scope: Scope, claim: JobClaim, leaseMs: number): Promise<boolean> {
  return (await change(scope, claim, sql`lease_until = ${leaseEnd(leaseMs)}`)) !== undefined;
}

/**
 * In a transaction that commits something on behalf of the job: locks its row until the end.
 * @throws SeedError `conflict` when the claim is no longer good
 */
export async function requireClaim(scope: Scope, claim: JobClaim): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM jobs WHERE id = ${claim.id} AND fence = ${claim.fence} AND state = 'executing' FOR UPDATE`.execute(queriesOf(scope));
  if (rows.length === 0) throw lostClaim(claim);
}

/** Best in the transaction of what the job did. @throws SeedError `conflict` when the claim is no longer good */
export async function completeJob(scope: Scope, claim: JobClaim): Promise<Job> {
  return ended(scope, claim, sql`state = 'completed', error = NULL, finished_at = now(), ${NO_LEASE}`);
}

/** Tried again after `delayMs` unless it was the last attempt or `retry` is false. @throws SeedError `conflict` */
export async function failJob(scope: Scope, claim: JobClaim, failure: { error: string; delayMs: number; retry?: boolean }): Promise<Job> {
  const { error, delayMs, retry = true } = failure;
  const again = sql`(${retry}::boolean AND attempt < max_attempts)`;
  return ended(
    scope,
    claim,
    sql`state = CASE WHEN ${again} THEN 'retryable' ELSE 'discarded' END, error = ${error},
      run_at = CASE WHEN ${again} THEN ${leaseEnd(delayMs)} ELSE run_at END,
      finished_at = CASE WHEN ${again} THEN NULL ELSE now() END, ${NO_LEASE}`,
  );
}

/** Later, without having used an attempt. @throws SeedError `conflict` */
export async function snoozeJob(scope: Scope, claim: JobClaim, delayMs: number): Promise<Job> {
  return ended(scope, claim, sql`state = 'scheduled', attempt = attempt - 1, run_at = ${leaseEnd(delayMs)}, ${NO_LEASE}`);
}

/** Whoever executes it can commit nothing any more, and learns of it at the next heartbeat. @returns undefined when it has ended already */
export async function cancelJob(scope: Scope, id: string, reason = 'cancelled'): Promise<Job | undefined> {
  const { rows } = await sql<JobRow>`
    UPDATE jobs SET state = 'cancelled', error = ${reason}, fence = fence + 1, finished_at = now(), ${NO_LEASE}
    WHERE id = ${id} AND state IN ${LIVE} RETURNING *`.execute(queriesOf(scope));
  const [row] = rows;
  if (row === undefined) return undefined;
  tell(scope, row);
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

type JobRow = Selectable<Tables['jobs']>;

const NO_LEASE = sql.raw('lease_until = NULL, owner = NULL');

async function insert(scope: Scope, request: JobRequest): Promise<{ job: Job; duplicate: boolean }> {
  const { queue, kind, args, priority = 0, maxAttempts = 3, delayMs = 0, uniqueKey = null, serialKey = null } = request;
  const state: JobState = delayMs > 0 ? 'scheduled' : 'available';
  for (;;) {
    const { rows } = await sql<JobRow>`
      INSERT INTO jobs (id, queue, kind, args, state, priority, max_attempts, run_at, unique_key, serial_key)
      VALUES (${uuidv7()}, ${queue}, ${kind}, ${toJson(args)}::jsonb, ${state}, ${priority}, ${maxAttempts}, ${delayMs > 0 ? leaseEnd(delayMs) : sql`now()`}, ${uniqueKey}, ${serialKey})
      ON CONFLICT (queue, unique_key) WHERE unique_key IS NOT NULL AND state IN ${LIVE} DO NOTHING RETURNING *`.execute(queriesOf(scope));
    if (rows[0] !== undefined) {
      tell(scope, rows[0]);
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

async function change(scope: Scope, claim: JobClaim, set: RawBuilder<unknown>): Promise<Job | undefined> {
  const { rows } = await sql<JobRow>`
    UPDATE jobs SET ${set} WHERE id = ${claim.id} AND fence = ${claim.fence} AND state = 'executing' RETURNING *`.execute(queriesOf(scope));
  return rows[0] === undefined ? undefined : toJob(rows[0]);
}

/** The attempt is over: what its serial key held back may start. */
async function ended(scope: Scope, claim: JobClaim, set: RawBuilder<unknown>): Promise<Job> {
  const job = await change(scope, claim, set);
  if (job === undefined) throw lostClaim(claim);
  tell(scope, job);
  return job;
}

function tell(scope: Scope, { queue, id }: JobNotice): void {
  notify(scope, JOBS_CHANNEL, JSON.stringify({ queue, id } satisfies JobNotice));
}

function lostClaim({ id, fence }: JobClaim): SeedError {
  return new SeedError('conflict', `the job ${id} is no longer held with fence ${fence}: it was cancelled, or its lease ran out`, {
    details: { id, fence },
  });
}

function toJob(row: JobRow): Job {
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
