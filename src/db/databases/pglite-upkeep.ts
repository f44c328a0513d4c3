// What a Postgres server does in the background and PGlite, a single process, never does: checkpoints (without them the log
// grows for ever and a start after a crash replays all of it), vacuum and analyze.
import { sql } from 'kysely';
import type { Queries } from '../database.ts';

export interface UpkeepLimits {
  /** Log since the last checkpoint that asks for one. */
  checkpointBytes: number;
  /** Dead rows, and changed rows, of a table that ask for a vacuum: so many, and a tenth of the table. */
  vacuumRows: number;
  /** Age of the oldest transaction id, of 2^31, that asks for a freeze. */
  freezeAge: number;
}

const UPKEEP_LIMITS: UpkeepLimits = { checkpointBytes: 32 * 2 ** 20, vacuumRows: 1000, freezeAge: 200_000_000 };

/** At most one table a turn, so that no statement waits long. @returns the statements to run, none of them inside a transaction */
export async function upkeepDue(db: Queries, limits: UpkeepLimits = UPKEEP_LIMITS): Promise<string[]> {
  const { rows } = await sql<{ wal: number; age: number; table: string | null }>`
    SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), (pg_control_checkpoint()).redo_lsn)::float8 AS wal,
      (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()) AS age,
      (SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables
        WHERE greatest(n_dead_tup, n_mod_since_analyze) > ${limits.vacuumRows}::bigint + n_live_tup / 10
        ORDER BY n_dead_tup DESC LIMIT 1) AS table`.execute(db);
  const { wal = 0, age = 0, table = null } = rows[0] ?? {};
  const due: string[] = [];
  if (age > limits.freezeAge) due.push('VACUUM (FREEZE)');
  else if (table !== null) due.push(`VACUUM (ANALYZE) ${table}`);
  if (wal > limits.checkpointBytes) due.push('CHECKPOINT');
  return due;
}
