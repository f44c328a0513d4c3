// Whoever executes a job holds a lease and a fence; a commit with an older fence changes nothing, so a worker that was
// thought dead can do no harm when it comes back.
import { type RawBuilder, sql } from 'kysely';
import { SeedError } from '#lib/error.ts';
import { queriesOf, type Scope } from './database.ts';
import { isUniqueViolation } from './database-error.ts';
import { type Job, type JobRow, NO_LEASE, tellOfJob, toJob, WAITING } from './job-row.ts';
import { leaseEnd } from './reader-lease.ts';

/** The right to end a job's attempt. A `Job` that was claimed is one. */
export type JobClaim = Pick<Job, 'id' | 'fence'>;

const LONGEST_ERROR = 10_000;

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
  const { delayMs, retry = true } = failure;
  // Whatever was thrown: a text can hold no NUL, and a row no megabytes of message.
  const error = failure.error.replaceAll('\0', '').slice(0, LONGEST_ERROR);
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

async function change(scope: Scope, claim: JobClaim, set: RawBuilder<unknown>): Promise<Job | undefined> {
  const { rows } = await sql<JobRow>`
    UPDATE jobs SET ${set} WHERE id = ${claim.id} AND fence = ${claim.fence} AND state = 'executing' RETURNING *`.execute(queriesOf(scope));
  return rows[0] === undefined ? undefined : toJob(rows[0]);
}

/** The attempt is over: what its serial key held back may start. */
async function ended(scope: Scope, claim: JobClaim, set: RawBuilder<unknown>): Promise<Job> {
  const job = await change(scope, claim, set);
  if (job === undefined) throw lostClaim(claim);
  tellOfJob(scope, job);
  return job;
}

function lostClaim({ id, fence }: JobClaim): SeedError {
  return new SeedError('conflict', `the job ${id} is no longer held with fence ${fence}: it was cancelled, or its lease ran out`, {
    details: { id, fence },
  });
}
