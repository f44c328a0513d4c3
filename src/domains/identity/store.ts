// Sessions and activity: the SQL of this context.
import type { Scope } from '#db/database.ts';
import { queriesOf } from '#db/database.ts';
import type { ActivityEntry } from '#operation/activity.ts';

export interface SessionRow {
  id: string;
  principalId: string;
  lastSeenAt: Date;
}

export async function insertSession(
  scope: Scope,
  session: { id: string; secretHash: string; principalId: string; createdAt: Date; expiresAt: Date },
): Promise<void> {
  const { id, secretHash, principalId, createdAt, expiresAt } = session;
  await queriesOf(scope)
    .insertInto('sign_in_sessions')
    .values({
      id,
      secret_hash: secretHash,
      principal_id: principalId,
      created_at: createdAt,
      last_seen_at: createdAt,
      expires_at: expiresAt,
    })
    .execute();
}

/** A session that was seen after `idleSince` and has not expired at `now`. */
export async function findSession(scope: Scope, secretHash: string, at: { now: Date; idleSince: Date }): Promise<SessionRow | undefined> {
  const row = await queriesOf(scope)
    .selectFrom('sign_in_sessions')
    .select(['id', 'principal_id', 'last_seen_at'])
    .where('secret_hash', '=', secretHash)
    .where('expires_at', '>', at.now)
    .where('last_seen_at', '>', at.idleSince)
    .executeTakeFirst();
  return row === undefined ? undefined : { id: row.id, principalId: row.principal_id, lastSeenAt: row.last_seen_at };
}

export async function touchSession(scope: Scope, id: string, now: Date): Promise<void> {
  await queriesOf(scope).updateTable('sign_in_sessions').set({ last_seen_at: now }).where('id', '=', id).execute();
}

export async function deleteSession(scope: Scope, secretHash: string): Promise<void> {
  await queriesOf(scope).deleteFrom('sign_in_sessions').where('secret_hash', '=', secretHash).execute();
}

/** Those that could not be used any more anyway. */
export async function deleteEndedSessions(scope: Scope, at: { now: Date; idleSince: Date }): Promise<void> {
  await queriesOf(scope)
    .deleteFrom('sign_in_sessions')
    .where((row) => row.or([row('expires_at', '<=', at.now), row('last_seen_at', '<=', at.idleSince)]))
    .execute();
}

export async function insertActivity(scope: Scope, entry: ActivityEntry): Promise<void> {
  await queriesOf(scope)
    .insertInto('activity')
    .values({
      id: entry.id,
      at: new Date(entry.atMs),
      principal_kind: entry.principalKind,
      principal_id: entry.principalId,
      operation: entry.operation,
      target: entry.target,
      outcome: entry.outcome,
      duration_ms: Math.round(entry.durationMs),
      request_id: entry.requestId,
    })
    .execute();
}

/** @returns how many entries went */
export async function pruneActivity(scope: Scope, before: Date): Promise<number> {
  const { numDeletedRows } = await queriesOf(scope).deleteFrom('activity').where('at', '<', before).executeTakeFirst();
  return Number(numDeletedRows);
}
