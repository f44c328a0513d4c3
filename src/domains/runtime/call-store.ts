// Records of calls: written in batches beside the calls, never in their way.
import { sql } from 'kysely';
import { BatchWriter, type BatchWriterOptions } from '#db/batch-writer.ts';
import { toJson } from '#db/columns.ts';
import type { Database } from '#db/database.ts';
import type { Tables } from '#db/tables.ts';
import type { CallLog, CallRecord } from '#kernel/runtime/call-log.ts';

/** Of input, journal and output together; larger ones are left out and the record marked. */
const MAX_RECORD_BYTES = 65_536;

export type CallStoreOptions = Omit<BatchWriterOptions<CallRecord>, 'insert'>;

export class CallStore implements CallLog {
  readonly #writer: BatchWriter<CallRecord>;

  constructor(options: CallStoreOptions) {
    this.#writer = new BatchWriter({ ...options, insert: insertCalls });
  }

  record(record: CallRecord): void {
    this.#writer.add(record);
  }

  /** Writes what waits; resolves when it is written or given up. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** What can not be written now is lost with this process, and counted. */
  close(): Promise<void> {
    return this.#writer.close();
  }
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
    error: record.error === null ? null : toJson(readable(record.error)),
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

/** Whatever was thrown: lists read this as text, and a text of the database can hold neither NUL nor half a surrogate pair. */
function readable(error: NonNullable<CallRecord['error']>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(error).map(([name, text]: [string, string]) => [name, text.replaceAll('\0', '\ufffd').toWellFormed()]),
  );
}

/** Deletes records and idempotent answers older than their retention, but no call that people judged. @returns how many records */
export async function pruneCalls(database: Database, beforeMs: { calls: number; answers: number }): Promise<number> {
  const result = await database.db
    .deleteFrom('calls')
    .where('started_at', '<', new Date(beforeMs.calls))
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('call_feedback').select('call_id').whereRef('call_feedback.call_id', '=', 'calls.id'))),
    )
    .executeTakeFirst();
  // A call that is parked gives its answer when it has one, however long that takes.
  await sql`
    DELETE FROM idempotency_keys AS k WHERE created_at < ${new Date(beforeMs.answers)}
      AND NOT EXISTS (SELECT 1 FROM parked_calls AS p WHERE p.id = k.call_id AND p.state IN ('parked', 'running'))`.execute(database.db);
  return Number(result.numDeletedRows);
}
