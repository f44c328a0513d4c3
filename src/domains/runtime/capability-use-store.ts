// What agents did beyond their own isolate, written down in batches.
import { sql } from 'kysely';
import { BatchWriter, type BatchWriterOptions } from '#db/batch-writer.ts';
import { toJson } from '#db/columns.ts';
import type { Database } from '#db/database.ts';
import type { Tables } from '#db/tables.ts';
import type { CapabilityUse, UseLog } from '#kernel/runtime/capabilities/use-log.ts';

export class CapabilityUseStore implements UseLog {
  readonly #writer: BatchWriter<CapabilityUse>;

  constructor(options: Omit<BatchWriterOptions<CapabilityUse>, 'insert'>) {
    this.#writer = new BatchWriter({ ...options, insert: insertUses });
  }

  record(use: CapabilityUse): void {
    this.#writer.add(use);
  }

  /** What can not be written now is lost with this process, and counted. */
  close(): Promise<void> {
    return this.#writer.close();
  }
}

function insertUses(database: Database, uses: readonly CapabilityUse[]) {
  return sql`
    INSERT INTO capability_uses (at, agent, version, call_id, seq, principal_kind, principal_id, capability, target, outcome, code,
      detail, bytes_out, bytes_in, duration_us)
    SELECT * FROM json_to_recordset(${toJson(uses.map(toRow))}::text::json) AS r (at timestamptz, agent text, version integer,
      call_id uuid, seq integer, principal_kind text, principal_id text, capability text, target text, outcome text, code text,
      detail text, bytes_out bigint, bytes_in bigint, duration_us bigint)`.execute(database.db);
}

function toRow(use: CapabilityUse) {
  return {
    at: new Date(use.atMs).toISOString(),
    agent: use.agent,
    version: use.version,
    call_id: use.callId,
    seq: use.seq,
    principal_kind: use.principalKind,
    principal_id: use.principalId,
    capability: use.capability,
    target: use.target,
    outcome: use.outcome,
    code: use.code,
    detail: use.detail,
    bytes_out: use.bytesOut,
    bytes_in: use.bytesIn,
    duration_us: use.durationUs,
  } satisfies Record<keyof Tables['capability_uses'], unknown>;
}

/** @returns how many rows went */
export async function pruneUses(database: Database, before: Date): Promise<number> {
  const { numDeletedRows } = await database.db.deleteFrom('capability_uses').where('at', '<', before).executeTakeFirst();
  return Number(numDeletedRows);
}
