// What a transaction announces: written in it, published after its commit, in order, at least once; deleted when published.
import { sql } from 'kysely';
import { toJson } from './columns.ts';
import { type Database, queriesOf, type Scope } from './database.ts';
import type { RecordedEvent } from './events.ts';
import { LeasedReader, type ReaderTimes } from './leased-reader.ts';
import { EVENTS_CHANNEL, type EventRow, toEvent } from './streams.ts';
import { notify } from './transactions.ts';

export interface OutboxMessage {
  /** Rises; the same when a message comes again. */
  position: number;
  /** `stream` for events; else what `announce` was given. */
  topic: string;
  /** The stream, or what `announce` was given. */
  key: string;
  event: RecordedEvent | null;
  payload: unknown;
}

export interface OutboxOptions extends ReaderTimes {
  database: Database;
  /** Fulfils when everybody who must know has been told. What it throws is tried again, and holds back what comes after. */
  publish(message: OutboxMessage): Promise<void> | void;
  onError: (error: unknown) => void;
}

type OutboxRow = { outbox_position: number; topic: string; key: string; payload: unknown; found: boolean } & EventRow;

const BATCH = 200;

/** Announce what is not an event: in the caller's transaction, published once that has committed. */
export async function announce(scope: Scope, message: { topic: string; key: string; payload: unknown }): Promise<void> {
  // The transaction's id before the identity, for the same reason as in an append.
  await sql`
    WITH own AS MATERIALIZED (SELECT pg_current_xact_id() AS id)
    INSERT INTO outbox (topic, key, payload) SELECT ${message.topic}, ${message.key}, ${toJson(message.payload)}::jsonb FROM own WHERE own.id IS NOT NULL`.execute(
    queriesOf(scope),
  );
  notify(scope, EVENTS_CHANNEL);
}

/** Publishes for the whole cluster: one node at a time. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #reader: LeasedReader;

  /** Starts at once, with what an earlier life left. */
  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#reader = new LeasedReader({ ...options, name: 'outbox', look: ({ signal }) => this.#look(signal) });
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #look(signal: AbortSignal): Promise<'again' | 'idle'> {
    const rows = await readOutbox(this.#options.database);
    const published: number[] = [];
    try {
      for (const row of rows) {
        if (signal.aborted) break;
        await this.#options.publish(toMessage(row));
        published.push(row.outbox_position);
      }
    } finally {
      if (published.length > 0) await this.#options.database.db.deleteFrom('outbox').where('position', 'in', published).execute();
    }
    return rows.length < BATCH ? 'idle' : 'again';
  }
}

async function readOutbox(database: Database): Promise<OutboxRow[]> {
  const { rows } = await sql<OutboxRow>`
    SELECT o.position AS outbox_position, o.topic, o.key, o.payload, e.position IS NOT NULL AS found,
      e.position, e.stream, e.version, e.type, e.type_version, e.data, e.meta, e.at
    FROM outbox AS o LEFT JOIN LATERAL (SELECT * FROM events WHERE events.position = o.event_position LIMIT 1) AS e ON true
    WHERE o.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY o.position LIMIT ${BATCH}`.execute(database.db);
  return rows;
}

function toMessage(row: OutboxRow): OutboxMessage {
  return { position: row.outbox_position, topic: row.topic, key: row.key, event: row.found ? toEvent(row) : null, payload: row.payload };
}
