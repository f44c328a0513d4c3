// What a transaction announces: written in it, published after its commit, in order, at least once; deleted when published.
import { sql } from 'kysely';
import { toJson } from './columns.ts';
import { type Database, queriesOf, type Scope } from './database.ts';
import type { RecordedEvent } from './events.ts';
import { Loop } from './loop.ts';
import { ReaderLease } from './reader-lease.ts';
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

export interface OutboxOptions {
  database: Database;
  /** Fulfils when everybody who must know has been told. What it throws is tried again, and holds back what comes after. */
  publish(message: OutboxMessage): Promise<void> | void;
  onError: (error: unknown) => void;
  /** How often it looks without a wake-up, default 2,000. */
  pollMs?: number;
  /** When another node may take over from a silent one, default 15,000. */
  leaseMs?: number;
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
  readonly #lease: ReaderLease;
  readonly #loop: Loop;
  readonly #stopListening: () => void;

  /** Starts at once, with what an earlier life left. */
  constructor(options: OutboxOptions) {
    const { database, onError, pollMs = 2000, leaseMs = 15_000 } = options;
    this.#options = options;
    this.#lease = new ReaderLease({ database, name: 'outbox', leaseMs, onError });
    this.#loop = new Loop({ pollMs, onError, look: (signal) => this.#look(signal) });
    this.#stopListening = database.listen(EVENTS_CHANNEL, () => this.#loop.wake());
    this.#loop.wake();
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.#loop.close();
    await this.#lease.release();
  }

  async #look(signal: AbortSignal): Promise<'again' | 'idle'> {
    if ((await this.#lease.hold()) === undefined) return 'idle';
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
