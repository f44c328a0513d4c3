// Rows of parked calls: what may be searched in columns, what was said in one sealed text.
import { sql, type Selectable, type Updateable } from 'kysely';
import { toJson } from '#db/columns.ts';
import { queriesOf, type Database, type Scope, type Tx } from '#db/database.ts';
import type { Sealing } from '#db/sealing.ts';
import { appendToStream, type InlineProjection } from '#db/streams.ts';
import type { Tables } from '#db/tables.ts';
import type { WaitAnswer } from '#kernel/runtime/capabilities/waits.ts';
import type { ParkedCall, ParkedEnd } from '#kernel/runtime/parked-call.ts';
import type { Journal } from '#kernel/sandbox/journal.ts';
import { parkedCallUpcasters, streamOf, type OpenRequest, type ParkedCallEvent } from './parked-call-event.ts';

/** What is sealed of a call. */
export interface ParkedContent {
  inputJson: string;
  journal: Journal;
  /** Those that the call has not taken yet, by number of their request. */
  answers: Record<string, WaitAnswer>;
  /** Once it has ended. */
  end?: ParkedEnd;
}

export interface ParkedRow extends ParkedContent {
  id: string;
  agent: string;
  key: string | null;
  exportName: string;
  version: number;
  hash: string;
  state: 'parked' | 'running' | 'done' | 'failed' | 'cancelled';
  open: readonly OpenRequest[];
  fence: number;
  hasEffects: boolean;
  dueJob: string | null;
  principal: { kind: string; id: string };
  startedAt: Date;
  parkedAt: Date;
  endedAt: Date | null;
}

const place = (row: string) => ({ table: 'parked_calls', column: 'sealed', row });

/** How many calls of the agent are parked or being gone on with. */
export async function countParked(tx: Tx, agent: string): Promise<number> {
  // One after the other, so that a limit counts what others insert at the same time.
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`parked:${agent}`}, 0))`.execute(tx);
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM parked_calls WHERE agent = ${agent} AND state IN ('parked', 'running')`.execute(tx);
  return rows[0]?.count ?? 0;
}

export async function insertParked(tx: Tx, sealing: Sealing, call: ParkedCall): Promise<void> {
  const content: ParkedContent = { inputJson: call.inputJson, journal: call.journal, answers: {} };
  await tx
    .insertInto('parked_calls')
    .values({
      id: call.id,
      agent: call.agent,
      key: call.key,
      export: call.exportName,
      version: call.version,
      hash: call.hash,
      state: 'parked',
      principal_kind: call.principal.kind,
      principal_id: call.principal.id,
      sealed: sealing.seal(JSON.stringify(content), place(call.id)),
      started_at: new Date(call.journal.time),
    })
    .execute();
}

/** @param lock until the end of the transaction nobody else changes it */
export async function readParked(
  scope: Scope,
  sealing: Sealing,
  { id, lock = false }: { id: string; lock?: boolean },
): Promise<ParkedRow | null> {
  let query = queriesOf(scope).selectFrom('parked_calls').selectAll().where('id', '=', id);
  if (lock) query = query.forUpdate();
  const row = await query.executeTakeFirst();
  return row === undefined ? null : toParked(row, sealing);
}

function toParked(row: Selectable<Tables['parked_calls']>, sealing: Sealing): ParkedRow {
  return {
    ...(JSON.parse(sealing.open(row.sealed, place(row.id))) as ParkedContent),
    id: row.id,
    agent: row.agent,
    key: row.key,
    exportName: row.export,
    version: row.version,
    hash: row.hash,
    state: row.state,
    open: row.open as OpenRequest[],
    fence: row.fence,
    hasEffects: row.has_effects,
    dueJob: row.due_job,
    principal: { kind: row.principal_kind, id: row.principal_id },
    startedAt: row.started_at,
    parkedAt: row.parked_at,
    endedAt: row.ended_at,
  };
}

export async function reseal(tx: Tx, sealing: Sealing, { id, inputJson, journal, answers, end }: ParkedRow): Promise<void> {
  const content: ParkedContent = { inputJson, journal, answers, ...(end === undefined ? {} : { end }) };
  await tx
    .updateTable('parked_calls')
    .set({ sealed: sealing.seal(JSON.stringify(content), place(id)) })
    .where('id', '=', id)
    .execute();
}

export async function setDueJob(tx: Tx, id: string, job: string | null): Promise<void> {
  await tx.updateTable('parked_calls').set({ due_job: job }).where('id', '=', id).execute();
}

/** @returns false when the fence is not the row's any more */
export async function setHasEffects(database: Database, id: string, fence: number): Promise<boolean> {
  const result = await database.db
    .updateTable('parked_calls')
    .set({ has_effects: true })
    .where('id', '=', id)
    .where('fence', '=', fence)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** The answer that its idempotency key gives from now on, and the time from which it is kept. */
export async function answerKey(tx: Tx, id: string, outputJson: string | null): Promise<void> {
  await sql`UPDATE idempotency_keys SET output = ${outputJson}, created_at = now() WHERE call_id = ${id} AND output IS NULL`.execute(tx);
}

/** ms since the epoch: the time of this transaction. */
export async function databaseNowMs(tx: Tx): Promise<number> {
  const { rows } = await sql<{ now: Date }>`SELECT now() AS now`.execute(tx);
  return rows[0]?.now.getTime() ?? 0;
}

/** Versions that parked calls go on on. */
export async function parkedHashes(database: Database): Promise<string[]> {
  const rows = await database.db.selectFrom('parked_calls').select('hash').distinct().where('state', 'in', ['parked', 'running']).execute();
  return rows.map(({ hash }) => hash);
}

/** Those that have ended before. @returns how many went */
export async function pruneParked(database: Database, endedBefore: Date): Promise<number> {
  const result = await database.db.deleteFrom('parked_calls').where('ended_at', '<', endedBefore).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Under the row's lock, so that any version of the stream is the newest. */
export async function appendParked(
  tx: Tx,
  id: string,
  { events, principal }: { events: readonly ParkedCallEvent[]; principal: { kind: string; id: string } },
): Promise<void> {
  await appendToStream<ParkedCallEvent>(tx, streamOf(id), {
    events,
    expectedVersion: 'any',
    principal,
    correlationId: id,
    upcasters: parkedCallUpcasters,
    inlineProjections: [project],
  });
}

const project: InlineProjection<ParkedCallEvent> = async (tx, events) => {
  for (const event of events) {
    const id = event.stream.slice('call-'.length);
    if (event.type === 'call_answered') {
      const { request } = event.data;
      await sql`
        UPDATE parked_calls SET open = coalesce((
          SELECT jsonb_agg(wait ORDER BY place) FROM jsonb_array_elements(open) WITH ORDINALITY AS o (wait, place)
          WHERE (wait ->> 'request')::int <> ${request}::int), '[]') WHERE id = ${id}`.execute(tx);
    } else await tx.updateTable('parked_calls').set(changeBy(event)).where('id', '=', id).execute();
  }
};

type Change = Updateable<Tables['parked_calls']>;

function changeBy(event: Parameters<InlineProjection<Exclude<ParkedCallEvent, { type: 'call_answered' }>>>[1][number]): Change {
  switch (event.type) {
    case 'call_parked':
      return { state: 'parked', open: toJson(event.data.open), has_effects: false, parked_at: event.at };
    case 'call_resumed':
      return { state: 'running', fence: event.data.fence };
    case 'call_interrupted':
      return { state: 'parked', has_effects: false };
    case 'call_completed':
      return { state: 'done', open: toJson([]), ended_at: event.at };
    case 'call_failed':
      return { state: 'failed', open: toJson([]), error: event.data.code, ended_at: event.at };
    case 'call_diverged':
      return { state: 'failed', open: toJson([]), error: 'agent_error', ended_at: event.at };
    case 'call_cancelled':
      return { state: 'cancelled', open: toJson([]), error: 'cancelled', fence: event.data.fence, ended_at: event.at };
  }
}
