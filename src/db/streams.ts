// Streams of events: append with an expected version, read, fork. A fork reads its parent's prefix instead of copying it.
import { sql } from 'kysely';
import { SeedError } from '#lib/error.ts';
import { toJson } from './columns.ts';
import { inTransaction, queriesOf, type Scope, type Tx } from './database.ts';
import { type Event, type EventMeta, NO_UPCASTERS, type RecordedEvent, type Upcasters } from './events.ts';
import { notify } from './transactions.ts';

/** A version means exactly that one (0: no event yet); `any` does not look. */
export type ExpectedVersion = number | 'no_stream' | 'stream_exists' | 'any';

/** Changed in the append's transaction: with the events or not at all. */
export type InlineProjection<E extends Event = Event> = (tx: Tx, events: readonly RecordedEvent<E>[]) => Promise<void>;

export interface AppendOptions<E extends Event = Event> {
  expectedVersion: ExpectedVersion;
  /** Who causes the events. */
  principal: { kind: string; id: string };
  /** The request, run or conversation that they belong to. */
  correlationId?: string;
  /** The event or command that they follow from. */
  causationId?: string;
  inlineProjections?: readonly InlineProjection<E>[];
  upcasters?: Upcasters;
}

export interface AppendResult<E extends Event = Event> {
  /** Of the last event: what the next append may expect. */
  version: number;
  events: readonly RecordedEvent<E>[];
}

export interface ReadOptions {
  /** First version, default 1. */
  from?: number;
  /** Last version, default the newest. */
  to?: number;
  /** At most so many events; default all. */
  max?: number;
  upcasters?: Upcasters;
}

export interface StreamRead<E extends Event = Event> {
  exists: boolean;
  /** Of the stream, not of the last event read; 0 when it does not exist. */
  version: number;
  events: readonly RecordedEvent<E>[];
}

/** Channel that wakes the readers of all streams. */
export const EVENTS_CHANNEL = 'events';

/**
 * Append to one stream: one statement, atomic with the outbox rows that announce the events; with inline projections one transaction.
 * @throws SeedError `expected_version` (details: stream, expected, actual) and then nothing is written
 */
export function appendToStream<E extends Event>(
  scope: Scope,
  stream: string,
  work: { events: readonly E[] } & AppendOptions<E>,
): Promise<AppendResult<E>> {
  if ((work.inlineProjections ?? []).length === 0) return append(scope, stream, work);
  return inTransaction(scope, async (tx) => {
    const result = await append(tx, stream, work);
    for (const project of work.inlineProjections ?? []) await project(tx, result.events);
    return result;
  });
}

/** Events of a stream in order, a fork's parents' prefix included. A stream that does not exist is empty. */
export async function readStream<E extends Event>(scope: Scope, stream: string, options: ReadOptions = {}): Promise<StreamRead<E>> {
  const { from = 1, to, max, upcasters = NO_UPCASTERS } = options;
  const { rows } = await sql<EventRow & { stream_version: number }>`
    WITH RECURSIVE lineage AS (${lineageOf(stream)})
    SELECT head.version AS stream_version, found.*
    FROM streams AS head LEFT JOIN (
      SELECT part.* FROM lineage CROSS JOIN LATERAL (
        SELECT e.position, e.stream, e.version, e.type, e.type_version, e.data, e.meta, e.at FROM events AS e
        WHERE e.stream = lineage.stream AND e.version > lineage.fork_version AND e.version <= lineage.upto
          AND e.version >= ${from}::bigint AND e.version <= ${to ?? Number.MAX_SAFE_INTEGER}::bigint
        ORDER BY e.version LIMIT ${max ?? Number.MAX_SAFE_INTEGER}::bigint
      ) AS part
      ORDER BY part.version LIMIT ${max ?? Number.MAX_SAFE_INTEGER}::bigint
    ) AS found ON true
    WHERE head.stream = ${stream}
    ORDER BY found.version`.execute(queriesOf(scope));
  return {
    exists: rows.length > 0,
    version: rows[0]?.stream_version ?? 0,
    events: rows.filter((row) => row.position !== null).map((row) => upcasters.upcast(toEvent(row)) as RecordedEvent<E>),
  };
}

/**
 * A new stream that begins with the parent's events up to `version`, without copying them.
 * @throws SeedError `not_found` no parent; `invalid_input` a version it does not have; `conflict` the new stream exists
 */
export async function forkStream(scope: Scope, stream: string, from: { parent: string; version: number }): Promise<void> {
  const { rows } = await sql<{ parent_version: number | null; created: boolean }>`
    WITH parent AS (SELECT version FROM streams WHERE stream = ${from.parent}),
    created AS (
      INSERT INTO streams (stream, version, parent_stream, fork_version)
      SELECT ${stream}, ${from.version}, ${from.parent}, ${from.version} FROM parent
      WHERE ${from.version}::bigint BETWEEN 1 AND parent.version
      ON CONFLICT (stream) DO NOTHING RETURNING true
    )
    SELECT (SELECT version FROM parent) AS parent_version, EXISTS (SELECT 1 FROM created) AS created`.execute(queriesOf(scope));
  const { parent_version: parentVersion = null, created = false } = rows[0] ?? {};
  if (created) return;
  if (parentVersion === null) throw new SeedError('not_found', `there is no stream ${from.parent} to fork`);
  if (from.version < 1 || from.version > parentVersion) {
    throw new SeedError('invalid_input', `${from.parent} can not be forked at version ${from.version}`, {
      hint: `it has versions 1 to ${parentVersion}`,
    });
  }
  throw new SeedError('conflict', `the stream ${stream} exists already`);
}

/** A row of `events`. */
export interface EventRow {
  position: number;
  stream: string;
  version: number;
  type: string;
  type_version: number;
  data: unknown;
  meta: EventMeta;
  at: Date;
}

export function toEvent(row: EventRow): RecordedEvent {
  const { position, stream, version, type, type_version: typeVersion, data, meta, at } = row;
  return { position, stream, version, type, typeVersion, data, meta, at };
}

/** The stream and its ancestors: from each, what lies after its own fork point up to where the next one forked off. */
export function lineageOf(stream: string) {
  return sql`
    SELECT s.stream, s.parent_stream, s.fork_version, s.version AS upto FROM streams AS s WHERE s.stream = ${stream}
    UNION ALL
    SELECT p.stream, p.parent_stream, p.fork_version, least(child.fork_version, child.upto)
    FROM lineage AS child JOIN streams AS p ON p.stream = child.parent_stream`;
}

async function append<E extends Event>(
  scope: Scope,
  stream: string,
  work: { events: readonly E[] } & AppendOptions<E>,
): Promise<AppendResult<E>> {
  const { events, expectedVersion, principal, correlationId, causationId, upcasters = NO_UPCASTERS } = work;
  if (events.length === 0) throw new SeedError('internal', `nothing to append to ${stream}`);
  const meta: EventMeta = {
    actor: { kind: principal.kind, id: principal.id },
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
  };
  const typed = events.map((event) => ({ ...event, typeVersion: event.typeVersion ?? upcasters.newest(event.type) }));
  const items = toJson(typed.map(({ type, typeVersion, data }) => ({ type, typeVersion, data: data ?? null })));
  // `moved` is read before the identities are drawn, so the transaction has its id before its positions: without that, a reader
  // could pass a position whose transaction it could not yet know of.
  const { rows } = await sql<{ position: number; version: number; at: Date }>`
    WITH moved AS (${moveVersion(stream, events.length, expectedVersion)}),
    appended AS (
      INSERT INTO events (stream, version, type, type_version, data, meta)
      SELECT ${stream}, moved.version - ${events.length}::bigint + item.ordinality, item.value ->> 'type',
        (item.value ->> 'typeVersion')::integer, item.value -> 'data', ${toJson(meta)}::jsonb
      FROM moved CROSS JOIN jsonb_array_elements(${items}::jsonb) WITH ORDINALITY AS item
      ORDER BY item.ordinality
      RETURNING position, version, at
    ),
    announced AS (INSERT INTO outbox (topic, key, event_position) SELECT 'stream', ${stream}, position FROM appended ORDER BY position)
    SELECT position, version, at FROM appended ORDER BY version`.execute(queriesOf(scope));
  const last = rows.at(-1);
  if (last === undefined) throw await versionConflict(scope, stream, expectedVersion);
  notify(scope, EVENTS_CHANNEL);
  const recorded = typed.map((event, index) => ({ ...event, ...rows[index], stream, meta }) as unknown as RecordedEvent<E>);
  return { version: last.version, events: recorded };
}

/** Move the stream's version on by `count` if it is the expected one: no row otherwise. Waits for a concurrent writer, then looks again. */
function moveVersion(stream: string, count: number, expected: ExpectedVersion) {
  const insert = sql`INSERT INTO streams AS s (stream, version) VALUES (${stream}, ${count}::bigint) ON CONFLICT (stream)`;
  const moved = sql`s.version + ${count}::bigint`;
  if (expected === 'any') return sql`${insert} DO UPDATE SET version = ${moved} RETURNING s.version`;
  if (expected === 'no_stream' || expected === 0) return sql`${insert} DO NOTHING RETURNING s.version`;
  if (expected === 'stream_exists') return sql`UPDATE streams AS s SET version = ${moved} WHERE s.stream = ${stream} RETURNING s.version`;
  return sql`UPDATE streams AS s SET version = ${moved} WHERE s.stream = ${stream} AND s.version = ${expected}::bigint RETURNING s.version`;
}

async function versionConflict(scope: Scope, stream: string, expected: ExpectedVersion): Promise<SeedError> {
  const row = await queriesOf(scope).selectFrom('streams').select('version').where('stream', '=', stream).executeTakeFirst();
  const actual = row?.version ?? 'no_stream';
  const found = row === undefined ? 'does not exist' : `is at version ${row.version}`;
  return new SeedError('expected_version', `the stream ${stream} ${found}, expected ${expected}`, {
    details: { stream, expected, actual },
    hint: 'read the stream again and repeat the command',
  });
}
