// Readers of all streams in one order, each with a durable checkpoint.
import { sql } from 'kysely';
import { type Database, queriesOf, type Scope, type Tx } from './database.ts';
import { type Event, NO_UPCASTERS, type RecordedEvent, type Upcasters } from './events.ts';
import { LeasedReader, type ReaderTimes, type Turn } from './leased-reader.ts';
import { type EventRow, toEvent } from './streams.ts';

export interface ReadAllOptions {
  /** Positions beyond this one. Default 0: from the beginning. */
  after?: number;
  /** Default 100. */
  max?: number;
  upcasters?: Upcasters;
}

interface ProcessorBase extends ReaderTimes {
  database: Database;
  /** Its checkpoint's name: another name begins at the beginning. */
  name: string;
  onError: (error: unknown) => void;
  upcasters?: Upcasters;
  /** Events per turn, default 100. */
  batchSize?: number;
}

export type ProcessorOptions<E extends Event = Event> = ProcessorBase &
  (
    | {
        /** Runs in the transaction of its checkpoint: each event takes effect in the database exactly once. */
        project(tx: Tx, events: readonly RecordedEvent<E>[]): Promise<void>;
      }
    | {
        /** Runs after the commit, one event after another, each at least once: again after a crash or an error. */
        react(event: RecordedEvent<E>, signal: AbortSignal): Promise<void>;
      }
  );

/**
 * Events of all streams in the order of their positions, up to the transaction horizon: a position may become visible after a higher one
 * did, because identities are drawn before their transactions commit; so nothing is read that a running transaction could still precede.
 * A long transaction anywhere in the database server holds the horizon back.
 */
export async function readAll<E extends Event>(scope: Scope, options: ReadAllOptions = {}): Promise<readonly RecordedEvent<E>[]> {
  const { after = 0, max = 100, upcasters = NO_UPCASTERS } = options;
  const { rows } = await sql<EventRow>`
    SELECT position, stream, version, type, type_version, data, meta, at FROM events
    WHERE position > ${after}::bigint AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY position LIMIT ${max}`.execute(queriesOf(scope));
  return rows.map((row) => upcasters.upcast(toEvent(row)) as RecordedEvent<E>);
}

export class Processor<E extends Event = Event> {
  readonly #options: ProcessorOptions<E>;
  readonly #reader: LeasedReader;

  /** Starts at once. */
  constructor(options: ProcessorOptions<E>) {
    this.#options = options;
    const { database, onError, pollMs, leaseMs } = options;
    this.#reader = new LeasedReader({
      database,
      onError,
      pollMs,
      leaseMs,
      name: `processor:${options.name}`,
      look: (turn) => this.#look(turn),
    });
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #look({ after, lease, signal }: Turn): Promise<'again' | 'idle'> {
    const { database, upcasters, batchSize = 100 } = this.#options;
    const events = await readAll<E>(database, { after, max: batchSize, ...(upcasters === undefined ? {} : { upcasters }) });
    const last = events.at(-1);
    if (last === undefined) return 'idle';
    if ('project' in this.#options) {
      const { project } = this.#options;
      await database.transaction(async (tx) => {
        await project(tx, events);
        await lease.save(tx, last.position);
      });
    } else {
      await this.#react(events, this.#options.react, { lease, signal });
    }
    return events.length < batchSize ? 'idle' : 'again';
  }

  /** What was done before an error or the end stays done. */
  async #react(
    events: readonly RecordedEvent<E>[],
    react: (event: RecordedEvent<E>, signal: AbortSignal) => Promise<void>,
    { lease, signal }: Pick<Turn, 'lease' | 'signal'>,
  ): Promise<void> {
    let done: number | undefined;
    try {
      for (const event of events) {
        if (signal.aborted) break;
        await react(event, signal);
        done = event.position;
      }
    } finally {
      if (done !== undefined) await lease.save(this.#options.database, done);
    }
  }
}
