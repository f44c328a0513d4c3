// The kernel's Quarantine in the database.
import { sql, type RawBuilder } from 'kysely';
import type { Database } from '#db/database.ts';
import type { Quarantine, Quarantined } from '#kernel/rollout/quarantine.ts';
import { uuidv7 } from '#lib/id.ts';

interface Row {
  agent: string;
  hash: string;
  reason: string;
  strikes: number;
  at: Date;
}

export function quarantineStore(database: Database): Quarantine {
  return {
    async find(agent, hash) {
      const { rows } = await sql<Row>`
        SELECT agent, hash, reason, strikes, at FROM quarantines AS q
        WHERE agent = ${agent} AND released_at IS NULL AND (hash = ${hash} OR js_hash = ${jsHashOf(hash)})
        ORDER BY (hash = ${hash}) DESC, at DESC LIMIT 1`.execute(database.db);
      return rows[0] === undefined ? null : toQuarantined(rows[0]);
    },

    async list(agent) {
      const rows = await database.db
        .selectFrom('quarantines')
        .select(['agent', 'hash', 'reason', 'strikes', 'at'])
        .where('agent', '=', agent)
        .where('released_at', 'is', null)
        .orderBy('at')
        .execute();
      return rows.map(toQuarantined);
    },

    async add({ agent, hash, reason, strikes }, { kind, id }) {
      const { rows } = await sql`
        INSERT INTO quarantines (id, agent, hash, js_hash, reason, strikes, principal_kind, principal_id)
        VALUES (${uuidv7()}::uuid, ${agent}, ${hash}, coalesce(${jsHashOf(hash)}, ''), ${reason}, ${strikes}, ${kind}, ${id})
        ON CONFLICT DO NOTHING RETURNING id`.execute(database.db);
      return rows.length > 0;
    },

    async acceptedBefore(agent, hash, preferred) {
      const { rows } = await sql<{ hash: string }>`
        SELECT v.hash FROM versions AS v
        WHERE v.agent = ${agent} AND v.hash <> ${hash}
          AND (v.hash = ${preferred} OR (v.verdict IN ('healthy', 'unverified', 'superseded')
            AND v.number < (SELECT number FROM versions WHERE agent = ${agent} AND hash = ${hash})))
          AND NOT EXISTS (SELECT 1 FROM quarantines AS q WHERE q.agent = v.agent AND q.released_at IS NULL
            AND (q.hash = v.hash OR q.js_hash = ${jsHashOf(sql.ref('v.hash'))}))
        ORDER BY (v.hash = ${preferred}) DESC NULLS LAST, v.number DESC LIMIT 1`.execute(database.db);
      return rows[0]?.hash ?? null;
    },
  };
}

/** What the manifest says of the script. */
export function jsHashOf(hash: string | RawBuilder<unknown>): RawBuilder<string | null> {
  return sql<string | null>`(SELECT manifest::jsonb ->> 'jsHash' FROM artifacts WHERE artifacts.hash = ${hash})`;
}

function toQuarantined({ at, ...row }: Row): Quarantined {
  return { ...row, at: at.toISOString() };
}
