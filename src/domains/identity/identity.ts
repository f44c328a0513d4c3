// Who is who before there are users: whoever holds the admin token, a session that came from it or from a sign-in link, and
// a scraper with the metrics token.
import type { Database } from '#db/database.ts';
import { isSeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import type { ActivityEntry, ActivityLog } from '#operation/activity.ts';
import type { Authenticator, NewSession } from '#operation/authenticator.ts';
import { SCRAPER, type Principal } from '#operation/principal.ts';
import { hashSecret, sameHash, newSecret } from './secret.ts';
import { createSignInLinks, type SignInLink } from './sign-in-links.ts';
import { deleteEndedSessions, deleteSession, findSession, insertActivity, insertSession, touchSession } from './store.ts';

const DAY_MS = 86_400_000;
/** A session ends when it is not used for this long … */
export const SESSION_IDLE_MS = 7 * DAY_MS;
/** … and after this long in any case. */
export const SESSION_LIFETIME_MS = 30 * DAY_MS;
/** How old `last_seen_at` may be before a request writes it again. */
const TOUCH_AFTER_MS = 60_000;

const ADMIN_ID = 'admin';
const ADMIN_TOKEN: Principal = { kind: 'token', id: ADMIN_ID, roles: ['admin'], scopes: ['*'] };
const ADMIN: Principal = { kind: 'user', id: ADMIN_ID, roles: ['admin'], scopes: ['*'] };

export interface IdentityOptions {
  database: Database;
  adminToken: string;
  /** METRICS_TOKEN; null: /metrics takes the admin token alone. */
  metricsToken: string | null;
  /** ms since the epoch. */
  nowMs: () => number;
}

/** Implements the ports of the surfaces (Authenticator) and of the gate (ActivityLog). */
export interface Identity extends Authenticator, ActivityLog {
  /** Works once, for 15 minutes. @param url where the node is reached. */
  createSignInLink(url: string): SignInLink;
}

export function createIdentity({ database, adminToken, metricsToken, nowMs }: IdentityOptions): Identity {
  const adminHash = hashSecret(adminToken);
  // Without one nothing matches: no secret hashes to zeros.
  const metricsHash = metricsToken === null ? '0'.repeat(64) : hashSecret(metricsToken);
  const links = createSignInLinks(nowMs);
  const times = (): { now: Date; idleSince: Date } => ({ now: new Date(nowMs()), idleSince: new Date(nowMs() - SESSION_IDLE_MS) });

  async function newSession(): Promise<NewSession> {
    const at = times();
    await deleteEndedSessions(database, at);
    const secret = newSecret();
    const expiresAt = new Date(at.now.getTime() + SESSION_LIFETIME_MS);
    await insertSession(database, {
      id: uuidv7(at.now.getTime()),
      secretHash: hashSecret(secret),
      principalId: ADMIN_ID,
      createdAt: at.now,
      expiresAt,
    });
    return { secret, expiresAtMs: expiresAt.getTime() };
  }

  /** Whoever may read may go on reading while the disk is full: the session only looks less used than it was. */
  async function touch(id: string, now: Date): Promise<void> {
    await touchSession(database, id, now).catch((error: unknown) => {
      if (!isSeedError(error) || error.code !== 'storage_full') throw error;
    });
  }

  return {
    bearer(token) {
      const given = hashSecret(token);
      if (sameHash(given, adminHash)) return ADMIN_TOKEN;
      return sameHash(given, metricsHash) ? SCRAPER : null;
    },
    async session(secret) {
      const at = times();
      const row = await findSession(database, hashSecret(secret), at);
      if (row === undefined) return null;
      if (at.now.getTime() - row.lastSeenAt.getTime() > TOUCH_AFTER_MS) await touch(row.id, at.now);
      return ADMIN;
    },
    linkIsOpen: (secret) => links.isOpen(secret),
    async redeemLink(secret) {
      const putBack = links.redeem(secret);
      if (putBack === null) return null;
      return newSession().catch((error: unknown) => {
        putBack();
        throw error;
      });
    },
    redeemToken: async (token) => (sameHash(hashSecret(token), adminHash) ? newSession() : null),
    signOut: (secret) => deleteSession(database, hashSecret(secret)),
    createSignInLink: (url) => links.create(url),
    append: (entry: ActivityEntry) => insertActivity(database, entry),
  };
}
