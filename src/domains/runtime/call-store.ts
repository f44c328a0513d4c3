// Records of calls: written in batches beside the calls, never in their way.
import { sql } from 'kysely';
import { toJson } from '#db/columns.ts';
import type { Database } from '#db/database.ts';
import type { Tables } from '#db/tables.ts';
import type { CallLog, CallRecord } from '#kernel/runtime/call-log.ts';
import { isSeedError } from '#lib/error.ts';

const FLUSH_MS = 200;
/** While nothing can be written. */
const RETRY_MS = 1_000;
/** Whatever else wants the database waits for one batch: some 3 ms. */
const BATCH = 100;
/** Records that may wait for the database; more are dropped and counted. */
const CAPACITY = 5_000;
/** Of input, journal and output together; larger ones are left out and the record marked. */
const MAX_RECORD_BYTES = 65_536;

export interface CallStoreOptions {
  database: () => Database | null;
  onWritten: (count: number) => void;
  onDropped: (count: number, reason: 'buffer_full' | 'write_failed') => void;
  onError: (error: unknown) => void;
}

export class CallStore implements CallLog {
  readonly #options: CallStoreOptions;
  #waiting: CallRecord[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** Whether the outage that lasts was told already. */
  #isOut = false;

  constructor(options: CallStoreOptions) {
    this.#options = options;
  }

  record(record: CallRecord): void {
    if (this.#waiting.length >= CAPACITY) return this.#options.onDropped(1, 'buffer_full');
    this.#waiting.push(record);
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  /** Writes what waits; resolves when it is written or given up. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** What can not be written now is lost with this process, and counted. */
  async close(): Promise<void> {
    await this.flush();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#waiting.length > 0) this.#options.onDropped(this.#waiting.length, 'write_failed');
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const database = this.#options.database();
      // Without a database they wait in their bounded place; the next record starts the next try.
      if (database === null || database.state() !== 'ready') return;
      const batch = this.#waiting.splice(0, BATCH);
      try {
        // Batches follow each other, so that calls get their turn on the database
        await insertCalls(database, batch);
        this.#options.onWritten(batch.length);
        this.#isOut = false;
      } catch (error) {
        if (isOutage(error)) return this.#putBack(batch, error);
        await this.#writeSingly(database, batch);
      }
    }
  }

  /** A full disk is no reason to lose what fits into memory. */
  #putBack(batch: CallRecord[], error: unknown): void {
    this.#waiting = [...batch, ...this.#waiting];
    this.#timer ??= setTimeout(() => void this.flush(), RETRY_MS).unref();
    if (!this.#isOut) this.#options.onError(error);
    this.#isOut = true;
  }

  /** One of them can not be stored: the others are. */
  async #writeSingly(database: Database, batch: readonly CallRecord[]): Promise<void> {
    for (const record of batch) {
      try {
        await insertCalls(database, [record]);
        this.#options.onWritten(1);
      } catch (error) {
        this.#options.onDropped(1, 'write_failed');
        this.#options.onError(error);
      }
    }
  }
}

function isOutage(error: unknown): boolean {
  return isSeedError(error) && (error.code === 'storage_full' || error.code === 'database_unavailable');
}

/** As one parameter: a statement with one for each value of each row stops the event loop while it is built. */
function insertCalls(database: Database, records: readonly CallRecord[]) {
  return sql`
    INSERT INTO calls (id, agent, key, export, version, hash, input, journal, output, error, logs, principal_kind, principal_id,
      started_at, duration_us, cpu_us, redacted, truncated, streamed)
    SELECT * FROM json_to_recordset(${toJson(records.map(toRow))}::text::json) AS r (id uuid, agent text, key text, export text,
      version integer, hash text, input text, journal text, output text, error text, logs text, principal_kind text,
      principal_id text, started_at timestamptz, duration_us bigint, cpu_us bigint, redacted boolean, truncated boolean, streamed boolean)
    ON CONFLICT DO NOTHING`.execute(database.db);
}

function toRow(record: CallRecord) {
  const { inputJson, outputJson } = record;
  const journal = record.journal === null ? null : toJson(record.journal);
  const tooLarge = (inputJson?.length ?? 0) + (journal?.length ?? 0) + (outputJson?.length ?? 0) > MAX_RECORD_BYTES;
  return {
    id: record.id,
    agent: record.agent,
    key: record.key,
    export: record.exportName,
    version: record.version,
    hash: record.hash,
    input: tooLarge ? null : inputJson,
    journal: tooLarge ? null : journal,
    output: tooLarge ? null : outputJson,
    error: record.error === null ? null : toJson(record.error),
    logs: toJson(record.logs),
    principal_kind: record.principalKind,
    principal_id: record.principalId,
    started_at: new Date(record.startedAtMs).toISOString(),
    duration_us: Math.round(record.durationUs),
    cpu_us: Math.round(record.cpuUs),
    redacted: record.redacted,
    truncated: record.truncated || tooLarge,
    streamed: record.streamed,
  } satisfies Record<keyof Tables['calls'], unknown>;
}

/** Deletes records and idempotent answers older than their retention. @returns how many records */
export async function pruneCalls(database: Database, beforeMs: { calls: number; answers: number }): Promise<number> {
  const result = await database.db.deleteFrom('calls').where('started_at', '<', new Date(beforeMs.calls)).executeTakeFirst();
  // A call that is parked gives its answer when it has one, however long that takes.
  await sql`
    DELETE FROM idempotency_keys AS k WHERE created_at < ${new Date(beforeMs.answers)}
      AND NOT EXISTS (SELECT 1 FROM parked_calls AS p WHERE p.id = k.call_id AND p.state IN ('parked', 'running'))`.execute(database.db);
  return Number(result.numDeletedRows);
}
