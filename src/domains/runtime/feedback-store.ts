// What people said of recorded calls: one verdict for each person and call, gone when the call is.
import { sql } from 'kysely';
import type { JsonText } from '#db/columns.ts';
import { queriesOf, type Database, type Scope } from '#db/database.ts';
import { isForeignKeyViolation } from '#db/database-error.ts';

export type Verdict = 'good' | 'bad';

export interface Feedback {
  by: { kind: string; id: string };
  verdict: Verdict;
  /** What it should have answered, as JSON, without what the contract marks as secret; null when nobody said. */
  expectedJson: string | null;
  note: string;
  at: Date;
}

export interface NewFeedback extends Omit<Feedback, 'at'> {
  callId: string;
  agent: string;
  /** Of the version that answered. */
  hash: string;
}

/** Takes the place of what the same person said of the same call before. @returns false when the call is not there any more */
export async function putFeedback(database: Database, feedback: NewFeedback): Promise<boolean> {
  const { callId, agent, hash, by, verdict, expectedJson, note } = feedback;
  const said = { verdict, expected: expectedJson as JsonText | null, note, at: sql<Date>`now()` };
  try {
    await database.db
      .insertInto('call_feedback')
      .values({ call_id: callId, principal_kind: by.kind, principal_id: by.id, agent, hash, ...said })
      .onConflict((conflict) => conflict.columns(['call_id', 'principal_kind', 'principal_id']).doUpdateSet(said))
      .execute();
    return true;
  } catch (error) {
    if (isForeignKeyViolation(error)) return false;
    throw error;
  }
}

/** The oldest first. */
export async function feedbackOf(scope: Scope, callId: string): Promise<Feedback[]> {
  const rows = await queriesOf(scope)
    .selectFrom('call_feedback')
    .select(['principal_kind', 'principal_id', 'verdict', 'expected', 'note', 'at'])
    .where('call_id', '=', callId)
    .orderBy('at')
    .orderBy('principal_id')
    .execute();
  return rows.map(({ principal_kind: kind, principal_id: id, expected: expectedJson, ...row }) => ({
    by: { kind, id },
    expectedJson,
    ...row,
  }));
}

/** How often people were content with calls of one version. */
export async function countFeedback(scope: Scope, agent: string, hash: string): Promise<{ good: number; bad: number }> {
  const { rows } = await sql<{ good: number; bad: number }>`
    SELECT count(*) FILTER (WHERE verdict = 'good')::int AS good, count(*) FILTER (WHERE verdict = 'bad')::int AS bad
    FROM call_feedback WHERE agent = ${agent} AND hash = ${hash}`.execute(queriesOf(scope));
  return rows[0] ?? { good: 0, bad: 0 };
}

/** @returns how many went */
export async function pruneFeedback(database: Database, before: Date): Promise<number> {
  const result = await database.db.deleteFrom('call_feedback').where('at', '<', before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
