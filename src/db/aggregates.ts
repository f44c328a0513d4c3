// The state of a stream: what its events make of it, from the last snapshot on; and commands that are decided on that state.
import { sql } from 'kysely';
import { isSeedError } from '#lib/error.ts';
import { toJson } from './columns.ts';
import { type Database, isDatabase, queriesOf, type Scope } from './database.ts';
import type { Event, RecordedEvent, Upcasters } from './events.ts';
import { type AppendOptions, type AppendResult, appendToStream, lineageOf, readStream } from './streams.ts';

export interface Aggregate<State, E extends Event = Event> {
  initialState(): State;
  evolve(state: State, event: RecordedEvent<E>): State;
  upcasters?: Upcasters;
  /** For long streams: the state, which must be JSON, is kept every so many events. A new `schemaVersion` forgets the old ones. */
  snapshots?: { name: string; schemaVersion: number; every: number };
}

export interface Aggregated<State> {
  exists: boolean;
  /** Of the last event in the state: what an append that is decided on it expects. */
  version: number;
  state: State;
}

export interface Command<State, E extends Event> extends Omit<AppendOptions<E>, 'expectedVersion'> {
  aggregate: Aggregate<State, E>;
  /** The events that follow from the state; none: nothing happens. What it throws ends the command. May run several times. */
  decide(state: State, version: number): readonly E[] | Promise<readonly E[]>;
  /** How often it is decided anew when somebody else appended first. Default 3. */
  retries?: number;
  /** Default Math.random: spreads the retries of those who collided. */
  random?: () => number;
}

const RETRY_MS = 20;

/** @param aggregate how events make the state; `to` a version: the state as it was then */
export async function aggregateStream<State, E extends Event = Event>(
  scope: Scope,
  stream: string,
  { to, ...aggregate }: Aggregate<State, E> & { to?: number },
): Promise<Aggregated<State>> {
  const { evolve, initialState, upcasters, snapshots } = aggregate;
  const snapshot =
    snapshots === undefined ? undefined : await readSnapshot(scope, stream, { ...snapshots, to: to ?? Number.MAX_SAFE_INTEGER });
  const from = (snapshot?.version ?? 0) + 1;
  const read = await readStream<E>(scope, stream, {
    from,
    ...(to === undefined ? {} : { to }),
    ...(upcasters === undefined ? {} : { upcasters }),
  });
  const start = snapshot === undefined ? initialState() : (snapshot.state as State);
  const state = read.events.reduce((before, event) => evolve(before, event), start);
  const version = read.events.at(-1)?.version ?? snapshot?.version ?? 0;
  // Not in a transaction of the caller, which may be read-only: whoever reads next outside of one writes it.
  if (snapshots !== undefined && isDatabase(scope) && read.events.length >= snapshots.every) {
    await writeSnapshot(scope, stream, { ...snapshots, version, state });
  }
  return { exists: read.exists, version, state };
}

/**
 * Read, decide, append; once more when the stream has moved in between.
 * @throws SeedError `expected_version` when it moved every time; whatever `decide` throws
 */
export async function handleCommand<State, E extends Event>(
  scope: Scope,
  stream: string,
  command: Command<State, E>,
): Promise<AppendResult<E> & { state: State }> {
  const { aggregate, decide, retries = 3, random = Math.random, ...options } = command;
  for (let attempt = 0; ; attempt += 1) {
    const before = await aggregateStream(scope, stream, aggregate);
    const events = await decide(before.state, before.version);
    if (events.length === 0) return { version: before.version, events: [], state: before.state };
    try {
      const upcasters = aggregate.upcasters === undefined ? {} : { upcasters: aggregate.upcasters };
      const result = await appendToStream<E>(scope, stream, { ...upcasters, ...options, events, expectedVersion: before.version });
      return { ...result, state: result.events.reduce((state, event) => aggregate.evolve(state, event), before.state) };
    } catch (error) {
      if (!isSeedError(error) || error.code !== 'expected_version' || attempt >= retries) throw error;
      await new Promise((resolve) => setTimeout(resolve, random() * RETRY_MS * 2 ** attempt));
    }
  }
}

async function readSnapshot(
  scope: Scope,
  stream: string,
  wanted: { name: string; schemaVersion: number; to: number },
): Promise<{ version: number; state: unknown } | undefined> {
  const { rows } = await sql<{ version: number; state: unknown }>`
    WITH RECURSIVE lineage AS (${lineageOf(stream)})
    SELECT s.version, s.state FROM lineage JOIN snapshots AS s ON s.stream = lineage.stream AND s.version <= lineage.upto
    WHERE s.name = ${wanted.name} AND s.schema_version = ${wanted.schemaVersion} AND s.version <= ${wanted.to}
    ORDER BY s.version DESC LIMIT 1`.execute(queriesOf(scope));
  return rows[0];
}

async function writeSnapshot(
  database: Database,
  stream: string,
  snapshot: { name: string; schemaVersion: number; version: number; state: unknown },
): Promise<void> {
  const { name, schemaVersion, version, state } = snapshot;
  try {
    await sql`
      INSERT INTO snapshots (stream, name, schema_version, version, state) VALUES (${stream}, ${name}, ${schemaVersion}, ${version}, ${toJson(state)}::jsonb)
      ON CONFLICT (stream, name) DO UPDATE SET schema_version = excluded.schema_version, version = excluded.version, state = excluded.state, at = now()
      WHERE snapshots.version < excluded.version OR snapshots.schema_version <> excluded.schema_version`.execute(database.db);
  } catch (error) {
    // Only a cache: a full disk must not make what is stored unreadable.
    if (!isSeedError(error) || error.code !== 'storage_full') throw error;
  }
}
