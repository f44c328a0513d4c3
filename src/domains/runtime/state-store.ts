// The state of instances and the answers of idempotency keys: the kernel's StateStore in the database.
import { sql } from 'kysely';
import type { JsonText } from '#db/columns.ts';
import type { Database, Tx } from '#db/database.ts';
import { SeedError } from '#lib/error.ts';
import type { Claim, ClaimedKey, IdempotentAnswer, StateStore, StateWrite } from '#kernel/runtime/state-store.ts';
import type { ParkedCallDesk } from './parked-call-desk.ts';

/** @param options `parked`: who writes down what becomes of parked calls; without, none can be */
export function stateStore(database: Database, nodeId: string, { parked }: { parked?: Pick<ParkedCallDesk, 'commit'> } = {}): StateStore {
  return {
    claim: (agent, key, leaseMs) => claim(database, { agent, key, leaseMs, nodeId }),
    async renew({ agent, key, fence }, leaseMs) {
      const result = await database.db
        .updateTable('agent_states')
        .set({ lease_until: leaseEnd(leaseMs) })
        .where('agent', '=', agent)
        .where('key', '=', key)
        .where('fence', '=', fence)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async release(agent, key, fence) {
      await database.db
        .updateTable('agent_states')
        .set({ lease_until: null, node: null })
        .where('agent', '=', agent)
        .where('key', '=', key)
        .where('fence', '=', fence)
        .execute();
    },
    async commit(commit, leaseMs) {
      await database.transaction(async (tx) => {
        if (commit.instance !== null) await writeState(tx, commit.agent, { ...commit.instance, leaseMs });
        if (commit.idempotency !== null) await writeAnswer(tx, commit.agent, commit.idempotency);
        if (commit.parking === undefined) return;
        if (parked === undefined) throw new SeedError('internal', 'nobody keeps parked calls here');
        await parked.commit(tx, commit.parking);
      });
    },
    findAnswer: (agent, idempotencyKey) => findAnswer(database, agent, idempotencyKey),
  };
}

/** On the database's clock. */
function leaseEnd(leaseMs: number) {
  return sql<Date>`now() + ${leaseMs}::float8 * interval '1 millisecond'`;
}

interface ClaimRow {
  fence: number;
  revision: number;
  state: string | null;
  state_hash: string | null;
  state_version: number;
  migrations: number;
  frozen_hash: string | null;
}

/** One statement on the database's clock: ours already, nobody's, or its lease is over. */
async function claim(database: Database, request: { agent: string; key: string; leaseMs: number; nodeId: string }): Promise<Claim> {
  const { agent, key, leaseMs, nodeId } = request;
  const lease = leaseEnd(leaseMs);
  const { rows } = await sql<ClaimRow>`
    INSERT INTO agent_states AS s (agent, key, node, fence, lease_until) VALUES (${agent}, ${key}, ${nodeId}, 1, ${lease})
    ON CONFLICT (agent, key) DO UPDATE SET node = ${nodeId}, fence = s.fence + 1, lease_until = ${lease}
      WHERE s.node IS NULL OR s.node = ${nodeId} OR s.lease_until IS NULL OR s.lease_until < now()
    RETURNING s.fence, s.revision, s.state, s.state_hash, s.state_version, s.migrations, s.frozen_hash`.execute(database.db);
  const row = rows[0];
  if (row === undefined) {
    throw new SeedError('conflict', `the instance ${JSON.stringify(key)} of ${agent} is held by another node`, { retryAfterMs: leaseMs });
  }
  return {
    fence: row.fence,
    revision: row.revision,
    stateJson: row.state,
    stateHash: row.state_hash,
    stateVersion: row.state_version,
    migrations: row.migrations,
    frozenHash: row.frozen_hash,
  };
}

async function writeState(tx: Tx, agent: string, write: StateWrite & { leaseMs: number }): Promise<void> {
  const { key, fence, written, replacesVersion } = write;
  if (replacesVersion) await takeSnapshot(tx, { agent, key, fence });
  const result = await tx
    .updateTable('agent_states')
    .set({
      state: write.stateJson as JsonText,
      state_hash: write.stateHash,
      state_version: write.stateVersion,
      revision: sql`revision + 1`,
      lease_until: leaseEnd(write.leaseMs),
      updated_at: sql`now()`,
      ...(written ? { written_revision: sql`revision + 1` } : {}),
      // Whoever was to decide about the older version need not any more.
      ...(replacesVersion
        ? { migrations: sql`migrations + 1`, frozen_hash: null, frozen_reason: '', frozen_at: null, frozen_kept: false }
        : {}),
    })
    .where('agent', '=', agent)
    .where('key', '=', key)
    .where('fence', '=', fence)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw takenOver({ agent, key });
}

/** Keeps the state that is about to be replaced, if there is one and the claim is still ours. */
export async function takeSnapshot(tx: Tx, { agent, key, fence }: ClaimedKey): Promise<void> {
  await sql`
    INSERT INTO state_snapshots (agent, key, state_version, state, state_hash, revision)
    SELECT agent, key, state_version, state, state_hash, revision FROM agent_states
    WHERE agent = ${agent} AND key = ${key} AND fence = ${fence} AND state IS NOT NULL AND state_hash IS NOT NULL
    ON CONFLICT (agent, key, state_version) DO UPDATE SET state = excluded.state, state_hash = excluded.state_hash,
      revision = excluded.revision, taken_at = now()`.execute(tx);
}

export function takenOver({ agent, key }: { agent: string; key: string }): SeedError {
  return new SeedError('conflict', `the instance ${JSON.stringify(key)} of ${agent} was taken over while the call ran`, {
    hint: 'nothing of this call was kept; send it again',
  });
}

async function writeAnswer(tx: Tx, agent: string, entry: { key: string; answer: IdempotentAnswer }): Promise<void> {
  const { answer } = entry;
  const inserted = await tx
    .insertInto('idempotency_keys')
    .values({
      agent,
      key: entry.key,
      input_hash: answer.inputHash,
      call_id: answer.callId,
      export: answer.exportName,
      version: answer.version,
      hash: answer.hash,
      output: answer.outputJson as JsonText | null,
      streamed: answer.streamed,
      duration_us: Math.round(answer.durationUs),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) return;
  // Another node answered the same key meanwhile: what this call did to the state must not stand beside it.
  throw new SeedError('conflict', `the idempotency key ${JSON.stringify(entry.key)} was answered by another call`, {
    hint: 'send it again: it will get that answer',
  });
}

async function findAnswer(database: Database, agent: string, key: string): Promise<IdempotentAnswer | null> {
  const row = await database.db
    .selectFrom('idempotency_keys')
    .select(['call_id', 'input_hash', 'export', 'version', 'hash', 'duration_us', 'output', 'streamed'])
    .where('agent', '=', agent)
    .where('key', '=', key)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    callId: row.call_id,
    inputHash: row.input_hash,
    exportName: row.export,
    version: row.version,
    hash: row.hash,
    outputJson: row.output,
    streamed: row.streamed,
    durationUs: row.duration_us,
  };
}
