// What a killed node held need not run out when it is certain that the node is gone: the lock of an embedded database proves it.
import { sql } from 'kysely';
import type { Database } from './database.ts';
import { leaseEnd } from './reader-lease.ts';

/**
 * End every lease, so that the jobs and readers of this database's former owner are taken at once.
 * Only for an embedded database, after it was opened and migrated and before anything reads from it.
 * @returns how many jobs had been under way
 */
export async function endFormerLife(database: Database): Promise<{ interruptedJobs: number }> {
  return database.transaction(async (tx) => {
    await tx.updateTable('checkpoints').set({ lease_until: null, owner: null }).where('lease_until', 'is not', null).execute();
    const { rows } = await sql`UPDATE jobs SET lease_until = ${leaseEnd(-1)} WHERE state = 'executing' RETURNING id`.execute(tx);
    return { interruptedJobs: rows.length };
  });
}
