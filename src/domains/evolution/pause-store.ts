// Pauses of all improvements: durable, at most one is open, and each says who and why.
import { sql } from 'kysely';
import { queriesOf, type Database, type Scope } from '#db/database.ts';
import { uuidv7 } from '#lib/id.ts';

interface Who {
  kind: string;
  id: string;
}

export interface Pause {
  reason: string;
  by: Who;
  at: Date;
}

interface Row {
  reason: string;
  principal_kind: string;
  principal_id: string;
  at: Date;
}

/** The one that is open; null while improvements may run. */
export async function currentPause(scope: Scope): Promise<Pause | null> {
  const row = await queriesOf(scope)
    .selectFrom('improvement_pauses')
    .select(['reason', 'principal_kind', 'principal_id', 'at'])
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  return row === undefined ? null : toPause(row);
}

/** @returns false when there is one already, which stays as it is */
export async function insertPause(database: Database, { reason, by }: { reason: string; by: Who }): Promise<boolean> {
  const result = await database.db
    .insertInto('improvement_pauses')
    .values({ id: uuidv7(), reason, principal_kind: by.kind, principal_id: by.id })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** @returns the pause that has ended with it; null when there was none */
export async function endPause(database: Database, by: Who): Promise<Pause | null> {
  const row = await database.db
    .updateTable('improvement_pauses')
    .set({ ended_at: sql<Date>`now()`, end_kind: by.kind, end_id: by.id })
    .where('ended_at', 'is', null)
    .returning(['reason', 'principal_kind', 'principal_id', 'at'])
    .executeTakeFirst();
  return row === undefined ? null : toPause(row);
}

function toPause({ reason, principal_kind: kind, principal_id: id, at }: Row): Pause {
  return { reason, by: { kind, id }, at };
}
