// What was used of the limits, and what was asked for before, as SQL.
import { sql } from 'kysely';
import { queriesOf, type Scope, type Tx } from '#db/database.ts';
import type { ImprovementState } from '#db/tables/improvements.ts';
import { DAY_MS, type Used } from './limits.ts';

/** Until the end of the transaction nobody else lets an improvement in: what is counted stays so. A statement of its own, see jobs.ts. */
export async function lockAdmission(tx: Tx): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('improvements:admission', 0))`.execute(tx);
}

/** Within the 24 hours before `now`. */
export async function usedOf(scope: Scope, agent: string, now: Date): Promise<Used> {
  const since = new Date(now.getTime() - DAY_MS);
  const { rows } = await sql<{
    count: number;
    first_at: Date | null;
    agent_micro_usd: number;
    total_micro_usd: number;
    first_spent_at: Date | null;
  }>`
    SELECT asked.count, asked.first_at, spent.agent_micro_usd, spent.total_micro_usd, spent.first_spent_at FROM
      (SELECT count(*)::int AS count, min(created_at) AS first_at FROM improvements WHERE agent = ${agent} AND created_at > ${since}) AS asked,
      (SELECT coalesce(sum(cost_micro_usd) FILTER (WHERE agent = ${agent}), 0)::float8 AS agent_micro_usd,
        coalesce(sum(cost_micro_usd), 0)::float8 AS total_micro_usd, min(at) AS first_spent_at
        FROM improvement_spending WHERE at > ${since}) AS spent`.execute(queriesOf(scope));
  const [row] = rows;
  return {
    count: row?.count ?? 0,
    firstAtMs: row?.first_at?.getTime() ?? null,
    agentMicroUsd: row?.agent_micro_usd ?? 0,
    totalMicroUsd: row?.total_micro_usd ?? 0,
    firstSpentAtMs: row?.first_spent_at?.getTime() ?? null,
  };
}

/** The improvement of an agent that has not ended; the one that was asked for first. */
export async function openOf(scope: Scope, agent: string): Promise<string | null> {
  const row = await queriesOf(scope)
    .selectFrom('improvements')
    .select('id')
    .where('agent', '=', agent)
    .where('finished_at', 'is', null)
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? null;
}

/** The newest that was asked for with this fingerprint, however long ago. */
export async function withFingerprint(
  scope: Scope,
  agent: string,
  fingerprint: string,
): Promise<{ id: string; state: ImprovementState } | null> {
  const row = await queriesOf(scope)
    .selectFrom('improvements')
    .select(['id', 'state'])
    .where('agent', '=', agent)
    .where('fingerprint', '=', fingerprint)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}
