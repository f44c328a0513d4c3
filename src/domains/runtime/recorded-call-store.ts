// Records of calls as they are read: lists that SQL narrows, orders and cuts, and one record with everything in it.
import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Database } from '#db/database.ts';
import type { Tables } from '#db/tables.ts';
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import type { ParsedFilter } from '#operation/filter.ts';
import type { PageQuery } from '#operation/page.ts';
import type { ParkedRow } from './parked-call-store.ts';

export interface CallSummary {
  callId: string;
  agent: string;
  key: string | null;
  export: string;
  version: number;
  hash: string;
  state: ParkedRow['state'];
  /** `ok`, or the code of the error; null while it has not ended. */
  outcome: string | null;
  error: string | null;
  startedAt: Date;
  durationMs: number | null;
  cpuMs: number | null;
  principalKind: string;
  principalId: string;
  redacted: boolean;
  truncated: boolean;
  streamed: boolean;
}

/** Records, and the calls that were parked and have none (yet). */
function callsOf(agent: string) {
  return sql`(
    SELECT id, agent, key, export, version, hash, CASE WHEN error IS NULL THEN 'done' ELSE 'failed' END AS state,
      CASE WHEN error IS NULL THEN 'ok' ELSE error::json ->> 'code' END AS outcome, error::json ->> 'message' AS error,
      started_at, duration_us, cpu_us, principal_kind, principal_id, redacted, truncated, streamed
    FROM calls WHERE agent = ${agent}
    UNION ALL
    SELECT id, agent, key, export, version, hash, state, CASE WHEN state = 'done' THEN 'ok' ELSE error END, NULL,
      started_at, NULL, NULL, principal_kind, principal_id, false, false, false
    FROM parked_calls AS p WHERE agent = ${agent} AND NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.id = p.id)
  ) AS found`;
}

/** Members of a summary, as SQL over a row of `callsOf`. */
const COLUMNS = {
  callId: sql`id::text`,
  agent: sql`agent`,
  key: sql`key`,
  export: sql`export`,
  version: sql`version`,
  hash: sql`hash`,
  state: sql`state`,
  outcome: sql`outcome`,
  error: sql`error`,
  startedAt: sql`started_at`,
  durationMs: sql`duration_us / 1000.0::float8`,
  cpuMs: sql`cpu_us / 1000.0::float8`,
  principalKind: sql`principal_kind`,
  principalId: sql`principal_id`,
  redacted: sql`redacted`,
  truncated: sql`truncated`,
  streamed: sql`streamed`,
} as const satisfies Record<keyof CallSummary, RawBuilder<unknown>>;

type Field = keyof CallSummary;

const SELECTED = sql.join(Object.entries(COLUMNS).map(([name, column]) => sql`${column} AS ${sql.id(name)}`));

/** Records of one agent. @returns one page, and how many there are on all */
export async function listCalls(database: Database, agent: string, query: PageQuery): Promise<{ rows: CallSummary[]; total: number }> {
  const conditions = [sql`true`, ...query.filters.map(conditionOf)];
  const { search } = query;
  if (search !== undefined) {
    const found = query.searchFields.map((field) => sql`${COLUMNS[field as Field]} ILIKE ${containing(search)}`);
    conditions.push(sql`(${sql.join(found, sql` OR `)})`);
  }
  const where = sql.join(conditions, sql` AND `);
  const direction = sql.raw(query.order === 'asc' ? 'ASC' : 'DESC');
  const counted = await sql<{ total: number }>`SELECT count(*)::int AS total FROM ${callsOf(agent)} WHERE ${where}`.execute(database.db);
  const { rows } = await sql<CallSummary>`
    SELECT ${SELECTED} FROM ${callsOf(agent)} WHERE ${where}
    ORDER BY ${COLUMNS[query.sort as Field]} ${direction} NULLS LAST, id ${direction} LIMIT ${query.limit} OFFSET ${query.offset}`.execute(
    database.db,
  );
  return { rows, total: counted.rows[0]?.total ?? 0 };
}

/** Calls of one version: the newest that were answered, and the newest that failed, at most `limit` of each. */
export async function recentCalls(database: Database, request: { agent: string; hash: string; limit: number }): Promise<CallRecord[]> {
  const { agent, hash, limit } = request;
  const of = (failed: boolean) =>
    database.db
      .selectFrom('calls')
      .selectAll()
      .where('agent', '=', agent)
      .where('hash', '=', hash)
      .where('error', failed ? 'is not' : 'is', null)
      .orderBy('started_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
  const rows = await Promise.all([of(false), of(true)]);
  return rows.flat().map(recordOf);
}

/** @param id any text: what is no id names no call */
export async function getCall(database: Database, agent: string, id: string): Promise<CallRecord | null> {
  const row = await database.db.selectFrom('calls').selectAll().where('agent', '=', agent).where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : recordOf(row);
}

function recordOf(row: Selectable<Tables['calls']>): CallRecord {
  return {
    id: row.id,
    agent: row.agent,
    key: row.key,
    exportName: row.export,
    version: row.version,
    hash: row.hash,
    inputJson: row.input,
    journal: row.journal === null ? null : (JSON.parse(row.journal) as CallRecord['journal']),
    outputJson: row.output,
    error: row.error === null ? null : (JSON.parse(row.error) as CallRecord['error']),
    logs: JSON.parse(row.logs) as CallRecord['logs'],
    principalKind: row.principal_kind,
    principalId: row.principal_id,
    startedAtMs: row.started_at.getTime(),
    durationUs: row.duration_us,
    cpuUs: row.cpu_us,
    redacted: row.redacted,
    truncated: row.truncated,
    streamed: row.streamed,
  };
}

/** As `matches` says it for rows in memory: what is missing passes `!=` only, and `~` looks whatever the case. */
function conditionOf({ field, operator, type, value }: ParsedFilter): RawBuilder<unknown> {
  const column = COLUMNS[field as Field];
  switch (operator) {
    case '=':
      return sql`${column} = ${value}`;
    case '!=':
      return sql`${column} IS DISTINCT FROM ${value}`;
    case '~':
      return sql`${type === 'time' ? isoText(column) : sql`(${column})::text`} ILIKE ${containing(String(value))}`;
    case '<':
      return sql`${column} < ${value}`;
    case '>':
      return sql`${column} > ${value}`;
  }
}

/** A time as it is shown. */
function isoText(column: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
