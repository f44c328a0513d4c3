// Reads the evidence for a better version of an agent out of its recorded calls, what people said of them, and its improvements.
import { sql, type RawBuilder } from 'kysely';
import type { Database } from '#db/database.ts';
import type { CallEvidence, Evidence, FailureEvidence, FeedbackEvidence, ScoreEvidence } from '#improvement/evidence.ts';

/** Recorded calls that are looked at. */
const MAX_CALLS = 2_000;
const EXAMPLES = 3;
const MAX_SLOW = 5;
const MAX_FEEDBACK = 50;
const MAX_SCORES = 10;
/** Fewer calls of the version before say nothing of its p95. */
const MIN_CALLS_BEFORE = 20;

/** Errors that are an agent's own fault, as SQL. */
const OWN_FAULT = sql.raw("('agent_error', 'memory_limit', 'cpu_limit', 'deadline')");
/** Of a row of `calls` that failed. What an agent threw has a stack; what the contract refused has none. */
const CODE = sql<string>`CASE WHEN error::json ->> 'code' = 'agent_error' AND error::json ->> 'stack' IS NULL
  AND error::json ->> 'message' ~ '^the (output|state)' THEN 'contract_violation' ELSE error::json ->> 'code' END`;

/** A call, with what was recorded of it. */
const CALL = sql.raw(
  'c.id::text AS "callId", c.export, c.input AS "inputJson", c.output AS "outputJson", c.error AS "errorJson", c.duration_us AS "durationUs"',
);

interface CallRow {
  callId: string;
  export: string;
  inputJson: string | null;
  outputJson: string | null;
  errorJson: string | null;
  durationUs: number;
}

/** Of the version that is live, since it went live; null when none is. */
export async function evidenceFor(database: Database, agent: string): Promise<Evidence | null> {
  const { rows } = await sql<{ number: number; hash: string; live_at: Date | null; before: string | null }>`
    SELECT v.number, v.hash, v.live_at, d.previous AS before FROM desired_state AS d
    JOIN versions AS v ON v.agent = d.agent AND v.hash = coalesce(d.canary, d.stable) WHERE d.agent = ${agent}`.execute(database.db);
  const [live] = rows;
  if (live === undefined) return null;
  const { hash, number: version } = live;
  const recent = recentOf(agent, { hash, since: live.live_at ?? new Date(0) });
  const { count, failures } = await failuresIn(database, recent);
  const verdicts = await feedbackOn(database, agent, hash);
  return {
    agent,
    version,
    hash,
    calls: count,
    failures,
    slow: await slowIn(database, recent, { agent, before: live.before }),
    ...verdicts,
    scores: await scoresOf(database, agent),
  };
}

/** Ids and figures alone: what a call was given and answered is read of the examples only. */
function recentOf(agent: string, { hash, since }: { hash: string; since: Date }): RawBuilder<unknown> {
  return sql`(
    SELECT id, started_at, duration_us, error IS NOT NULL AS failed FROM calls
    WHERE agent = ${agent} AND hash = ${hash} AND started_at >= ${since} ORDER BY started_at DESC LIMIT ${MAX_CALLS}
  )`;
}

async function failuresIn(database: Database, recent: RawBuilder<unknown>): Promise<{ count: number; failures: FailureEvidence[] }> {
  const counted = await sql<{ count: number }>`SELECT count(*)::int AS count FROM ${recent} AS recent`.execute(database.db);
  const { rows } = await sql<CallRow & { code: string; count: number }>`
    WITH ranked AS (
      SELECT id, code, count(*) OVER (PARTITION BY code)::int AS count,
        row_number() OVER (PARTITION BY code ORDER BY started_at DESC, id DESC) AS place
      FROM (
        SELECT recent.id, recent.started_at, ${CODE} AS code FROM ${recent} AS recent JOIN calls ON calls.id = recent.id
        WHERE recent.failed AND calls.error::json ->> 'code' IN ${OWN_FAULT}
      ) AS failed
    )
    SELECT r.code, r.count, ${CALL} FROM ranked AS r JOIN calls AS c ON c.id = r.id
    WHERE r.place <= ${EXAMPLES} ORDER BY r.count DESC, r.code, r.place`.execute(database.db);
  const byCode = Map.groupBy(rows, ({ code }) => code);
  const failures = [...byCode].map(([code, examples]) => ({
    code,
    count: examples[0]?.count ?? 0,
    examples: examples.map(toCall),
  }));
  return { count: counted.rows[0]?.count ?? 0, failures };
}

async function slowIn(
  database: Database,
  recent: RawBuilder<unknown>,
  { agent, before }: { agent: string; before: string | null },
): Promise<Evidence['slow']> {
  const none = { overMs: null, count: 0, examples: [] };
  if (before === null) return none;
  const p95 = await sql<{ calls: number; p95_us: number | null }>`
    SELECT count(*)::int AS calls, percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_us) AS p95_us FROM (
      SELECT duration_us FROM calls WHERE agent = ${agent} AND hash = ${before} AND error IS NULL ORDER BY started_at DESC LIMIT ${MAX_CALLS}
    ) AS before`.execute(database.db);
  const { calls = 0, p95_us: overUs = null } = p95.rows[0] ?? {};
  if (overUs === null || calls < MIN_CALLS_BEFORE) return none;
  const { rows } = await sql<CallRow & { count: number }>`
    SELECT count(*) OVER ()::int AS count, ${CALL} FROM calls AS c JOIN ${recent} AS recent ON recent.id = c.id
    WHERE recent.duration_us > ${overUs}::float8 AND NOT recent.failed ORDER BY recent.duration_us DESC LIMIT ${MAX_SLOW}`.execute(
    database.db,
  );
  return { overMs: overUs / 1000, count: rows[0]?.count ?? 0, examples: rows.map(toCall) };
}

async function feedbackOn(database: Database, agent: string, hash: string): Promise<Pick<Evidence, 'good' | 'bad' | 'feedback'>> {
  const { rows } = await sql<CallRow & { verdict: 'good' | 'bad'; expectedJson: string | null; note: string; good: number; bad: number }>`
    SELECT f.verdict, f.expected AS "expectedJson", f.note, f.good, f.bad, ${CALL} FROM (
      SELECT *, count(*) FILTER (WHERE verdict = 'good') OVER ()::int AS good, count(*) FILTER (WHERE verdict = 'bad') OVER ()::int AS bad
      FROM call_feedback WHERE agent = ${agent} AND hash = ${hash} ORDER BY (verdict = 'bad') DESC, at DESC LIMIT ${MAX_FEEDBACK}
    ) AS f JOIN calls AS c ON c.id = f.call_id ORDER BY (f.verdict = 'bad') DESC, f.at DESC`.execute(database.db);
  const feedback: FeedbackEvidence[] = rows.map(({ verdict, expectedJson, note, ...row }) => ({
    call: toCall(row),
    verdict,
    expectedJson,
    note,
  }));
  return { good: rows[0]?.good ?? 0, bad: rows[0]?.bad ?? 0, feedback };
}

async function scoresOf(database: Database, agent: string): Promise<ScoreEvidence[]> {
  const rows = await database.db
    .selectFrom('improvements')
    .select(['state as outcome', 'reason', 'version', 'baseline', 'test'])
    .where('agent', '=', agent)
    .where('finished_at', 'is not', null)
    .where('state', '<>', 'cancelled')
    .orderBy('finished_at', 'desc')
    .limit(MAX_SCORES)
    .execute();
  return rows.toReversed();
}

function toCall({ callId, export: name, inputJson, outputJson, errorJson, durationUs }: CallRow): CallEvidence {
  const error = errorJson === null ? null : (JSON.parse(errorJson) as { message: string }).message;
  return { callId, export: name, inputJson, outputJson, error, durationMs: durationUs / 1000 };
}
