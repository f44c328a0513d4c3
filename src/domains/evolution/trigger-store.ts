// What a look for triggers reads of an agent, as SQL.
import { sql } from 'kysely';
import type { Database } from '#db/database.ts';
import type { ImprovementState } from '#db/tables/improvements.ts';

export interface AgentHistory {
  /** Of the version with the hash that was asked about. */
  liveAt: Date | null;
  isObserved: boolean;
  /** Not ended; the one that was asked for first. */
  open: string | null;
  lastAskedAt: Date | null;
  lastEndedAt: Date | null;
  /** How the last one ended that was not cancelled, and when. */
  lastOutcome: ImprovementState | null;
  lastOutcomeAt: Date | null;
  good: number;
  bad: number;
  /** Calls seen while the version was observed, and the share of them that failed; null when it was not. */
  observedCalls: number | null;
  observedErrorRate: number | null;
}

export async function historyOf(database: Database, agent: string, hash: string): Promise<AgentHistory> {
  const { rows } = await sql<AgentHistory>`
    SELECT version.live_at AS "liveAt", version.verdict = 'observing' AS "isObserved", asked.open, asked."lastAskedAt", asked."lastEndedAt", ended.state AS "lastOutcome",
      ended.finished_at AS "lastOutcomeAt", judged.good, judged.bad,
      (observed.canary ->> 'calls')::float8 AS "observedCalls", (observed.canary ->> 'errorRate')::float8 AS "observedErrorRate"
    FROM (SELECT live_at, verdict FROM versions WHERE agent = ${agent} AND hash = ${hash}) AS version
    CROSS JOIN (
      SELECT min(id::text) FILTER (WHERE finished_at IS NULL) AS open, max(created_at) AS "lastAskedAt", max(finished_at) AS "lastEndedAt"
      FROM improvements WHERE agent = ${agent}
    ) AS asked
    CROSS JOIN (
      SELECT count(*) FILTER (WHERE verdict = 'good')::int AS good, count(*) FILTER (WHERE verdict = 'bad')::int AS bad
      FROM call_feedback WHERE agent = ${agent} AND hash = ${hash}
    ) AS judged
    LEFT JOIN LATERAL (
      SELECT state, finished_at FROM improvements WHERE agent = ${agent} AND finished_at IS NOT NULL AND state <> 'cancelled'
      ORDER BY finished_at DESC LIMIT 1
    ) AS ended ON true
    LEFT JOIN LATERAL (
      SELECT analysis -> 'canary' AS canary FROM swaps WHERE agent = ${agent} AND to_hash = ${hash} ORDER BY generation DESC LIMIT 1
    ) AS observed ON true`.execute(database.db);
  const [row] = rows;
  if (row !== undefined) return row;
  const never = {
    liveAt: null,
    isObserved: false,
    open: null,
    lastAskedAt: null,
    lastEndedAt: null,
    lastOutcome: null,
    lastOutcomeAt: null,
  };
  return { ...never, good: 0, bad: 0, observedCalls: null, observedErrorRate: null };
}
