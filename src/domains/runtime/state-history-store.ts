// Snapshots of states that got another version, and instances that a rollback left where they are: the kernel's StateHistory.
import { sql } from 'kysely';
import type { JsonText } from '#db/columns.ts';
import type { Database } from '#db/database.ts';
import type { FrozenInstance, StateHistory, StoredState } from '#kernel/runtime/state-history.ts';
import type { ClaimedKey } from '#kernel/runtime/state-store.ts';
import { takenOver, takeSnapshot } from './state-store.ts';

const THAWED = { frozen_hash: null, frozen_reason: '', frozen_at: null, frozen_kept: false } as const;

export function stateHistory(database: Database): StateHistory {
  return {
    restore: (at, options) => restore(database, at, options),
    async freeze({ agent, key, fence }, { hash, reason }) {
      const result = await database.db
        .updateTable('agent_states')
        .set({ frozen_hash: hash, frozen_reason: reason.slice(0, 1_000), frozen_at: sql`now()`, frozen_kept: false })
        .where('agent', '=', agent)
        .where('key', '=', key)
        .where('fence', '=', fence)
        .executeTakeFirst();
      if (result.numUpdatedRows !== 1n) throw takenOver({ agent, key });
    },
    async keep(agent, key) {
      const result = await database.db
        .updateTable('agent_states')
        .set({ frozen_kept: true })
        .where('agent', '=', agent)
        .where('key', '=', key)
        .where('frozen_hash', 'is not', null)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async thaw(agent, stateVersion) {
      await database.db
        .updateTable('agent_states')
        .set(THAWED)
        .where('agent', '=', agent)
        .where('frozen_hash', 'is not', null)
        .where('state_version', '<=', stateVersion)
        .execute();
    },
    frozen: (agent) => frozen(database, agent),
    async keysAbove(agent, { stateVersion, after, limit }) {
      const rows = await database.db
        .selectFrom('agent_states')
        .select('key')
        .where('agent', '=', agent)
        .where('state_version', '>', stateVersion)
        .where('frozen_hash', 'is', null)
        .$if(after !== null, (query) => query.where('key', '>', after ?? ''))
        .orderBy('key')
        .limit(limit)
        .execute();
      return rows.map(({ key }) => key);
    },
    async hasAbove(agent, stateVersion) {
      const row = await database.db
        .selectFrom('agent_states')
        .select('key')
        .where('agent', '=', agent)
        .where('state_version', '>', stateVersion)
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },
    sample: (agent, options) => sample(database, agent, options),
  };
}

/** Hashes that no node may lose: they go on answering frozen instances, of whatever agent. */
export async function frozenHashes(database: Database): Promise<string[]> {
  const rows = await database.db.selectFrom('agent_states').select('frozen_hash').distinct().where('frozen_hash', 'is not', null).execute();
  return rows.flatMap(({ frozen_hash }) => (frozen_hash === null ? [] : [frozen_hash]));
}

/** Agents with frozen instances that nobody has decided about, and how many. */
export async function undecided(database: Database): Promise<{ agent: string; keys: number }[]> {
  return database.db
    .selectFrom('agent_states')
    .select(['agent', ({ fn }) => fn.countAll<number>().as('keys')])
    .where('frozen_hash', 'is not', null)
    .where('frozen_kept', '=', false)
    .groupBy('agent')
    .orderBy('agent')
    .execute();
}

/** Snapshots of ordinary instances, taken before then. @returns how many went */
export async function pruneSnapshots(database: Database, before: Date): Promise<number> {
  const result = await database.db
    .deleteFrom('state_snapshots as s')
    .where('s.taken_at', '<', before)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('agent_states as a')
            .select('a.key')
            .whereRef('a.agent', '=', 's.agent')
            .whereRef('a.key', '=', 's.key')
            .where('a.frozen_hash', 'is not', null),
        ),
      ),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

async function restore(database: Database, at: ClaimedKey, options: { stateVersion: number; discard: boolean }): Promise<boolean> {
  const { agent, key, fence } = at;
  const { stateVersion, discard } = options;
  return database.transaction(async (tx) => {
    const row = await tx
      .selectFrom('agent_states')
      .select('written_revision')
      .where('agent', '=', agent)
      .where('key', '=', key)
      .where('fence', '=', fence)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) throw takenOver(at);
    const snapshot = await tx
      .selectFrom('state_snapshots')
      .select(['state', 'state_hash', 'state_version'])
      .where('agent', '=', agent)
      .where('key', '=', key)
      .where('state_version', '<=', stateVersion)
      .$if(!discard, (query) => query.where('revision', '>=', row.written_revision))
      .orderBy('revision', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (snapshot === undefined && !discard) return false;
    // What is discarded can still be looked up.
    if (discard) await takeSnapshot(tx, at);
    await tx
      .updateTable('agent_states')
      .set({
        state: (snapshot?.state ?? null) as JsonText | null,
        state_hash: snapshot?.state_hash ?? null,
        state_version: snapshot?.state_version ?? 1,
        revision: sql`revision + 1`,
        migrations: sql`migrations + 1`,
        updated_at: sql`now()`,
        ...(discard ? { written_revision: sql`revision + 1` } : {}),
        ...THAWED,
      })
      .where('agent', '=', agent)
      .where('key', '=', key)
      .execute();
    return snapshot !== undefined;
  });
}

async function frozen(database: Database, agent: string): Promise<FrozenInstance[]> {
  const rows = await database.db
    .selectFrom('agent_states')
    .select(['key', 'frozen_hash', 'frozen_reason', 'frozen_at', 'frozen_kept', 'state_version'])
    .where('agent', '=', agent)
    .where('frozen_hash', 'is not', null)
    .orderBy('key')
    .execute();
  return rows.map((row) => ({
    key: row.key,
    hash: row.frozen_hash ?? '',
    stateVersion: row.state_version,
    reason: row.frozen_reason,
    at: row.frozen_at ?? new Date(0),
    kept: row.frozen_kept,
  }));
}

/** Sizes are those on the disk: to know the others every state would have to be read. */
async function sample(
  database: Database,
  agent: string,
  options: { upTo: number; perVersion: number; maxBytes: number },
): Promise<StoredState[]> {
  const { upTo, perVersion, maxBytes } = options;
  const { rows } = await sql<{ key: string; state_hash: string; state_version: number; state: string }>`
    WITH ranked AS (
      SELECT key, state_version, least(
        row_number() OVER (PARTITION BY state_version ORDER BY updated_at DESC, key),
        row_number() OVER (PARTITION BY state_version ORDER BY pg_column_size(state) DESC, key)) AS rank
      FROM agent_states WHERE agent = ${agent} AND state IS NOT NULL AND state_version <= ${upTo}
    ), chosen AS (
      SELECT s.key, s.state_hash, s.state_version, s.state, r.rank,
        sum(octet_length(s.state)) OVER (ORDER BY r.rank, s.state_version, s.key) AS bytes
      FROM ranked AS r JOIN agent_states AS s ON s.agent = ${agent} AND s.key = r.key
      WHERE r.rank <= ${perVersion}
    )
    SELECT key, state_hash, state_version, state FROM chosen WHERE bytes <= ${maxBytes} OR rank = 1
    ORDER BY rank, state_version, key`.execute(database.db);
  return rows.map((row) => ({ key: row.key, stateJson: row.state, stateHash: row.state_hash, stateVersion: row.state_version }));
}
