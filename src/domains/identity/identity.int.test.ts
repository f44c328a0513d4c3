import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { openPglite } from '#db/databases/pglite.ts';
import { testDatabase, testTemplate } from '#db/testing.ts';
import { authenticatorContract } from '#operation/authenticator.contract.ts';
import { allows } from '#operation/principal.ts';
import { createIdentity, SESSION_IDLE_MS, SESSION_LIFETIME_MS, type Identity } from './identity.ts';
import { newSecret } from './secret.ts';

const URL = 'http://127.0.0.1:4000';
const secretIn = (url: string): string => url.slice(url.lastIndexOf('/') + 1);

authenticatorContract('identity', async () => {
  const database = await testDatabase();
  const adminToken = newSecret();
  const identity = createIdentity({ database, adminToken, metricsToken: null, nowMs: Date.now });
  return {
    authenticator: identity,
    adminToken,
    newLink: () => secretIn(identity.createSignInLink(URL).url),
    close: () => database.close(),
  };
});

describe('identity', () => {
  const adminToken = newSecret();
  let database: Database;
  let identity: Identity;
  let nowMs: number;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await database.db.deleteFrom('sign_in_sessions').execute();
    nowMs = Date.parse('2026-06-01T00:00:00Z');
    identity = createIdentity({ database, adminToken, metricsToken: 'scraper-token-0123', nowMs: () => nowMs });
  });
  const signIn = async (): Promise<string> => (await identity.redeemToken(adminToken))?.secret ?? '';
  const stored = (): Promise<unknown> => database.db.selectFrom('sign_in_sessions').selectAll().execute();

  test('a link says where and for how long, and is over after that', async () => {
    const { url, expiresAtMs } = identity.createSignInLink('https://seed.example/');
    expect(url).toMatch(/^https:\/\/seed\.example\/sign-in\/[\w-]{43}$/);
    expect(expiresAtMs - nowMs).toBe(15 * 60_000);
    nowMs = expiresAtMs - 1;
    expect(identity.linkIsOpen(secretIn(url))).toBe(true);
    nowMs = expiresAtMs;
    expect([identity.linkIsOpen(secretIn(url)), await identity.redeemLink(secretIn(url))]).toEqual([false, null]);
  });

  test('links that nobody redeems do not pile up', () => {
    const first = identity.createSignInLink(URL);
    for (let count = 0; count < 100; count += 1) identity.createSignInLink(URL);
    expect(identity.linkIsOpen(secretIn(first.url))).toBe(false);
  });

  test('a session ends when it is not used', async () => {
    const secret = await signIn();
    nowMs += SESSION_IDLE_MS - 1;
    expect(await identity.session(secret)).not.toBeNull();
    nowMs += SESSION_IDLE_MS - 1;
    expect(await identity.session(secret)).not.toBeNull();
    nowMs += SESSION_IDLE_MS;
    expect(await identity.session(secret)).toBeNull();
  });

  test('a session ends after its lifetime however often it is used', async () => {
    const session = await identity.redeemToken(adminToken);
    const endMs = nowMs + SESSION_LIFETIME_MS;
    expect(session?.expiresAtMs).toBe(endMs);
    while (nowMs + SESSION_IDLE_MS - 1 < endMs) {
      expect(await identity.session(session?.secret ?? '')).not.toBeNull();
      nowMs += SESSION_IDLE_MS - 1;
    }
    nowMs = endMs;
    expect(await identity.session(session?.secret ?? '')).toBeNull();
  });

  test('using a session is written down once a minute at most', async () => {
    const secret = await signIn();
    const before = await stored();
    nowMs += 59_000;
    await identity.session(secret);
    expect(await stored()).toEqual(before);
    nowMs += 2_000;
    await identity.session(secret);
    expect(await stored()).toMatchObject([{ last_seen_at: new Date(nowMs) }]);
  });

  test('on a full disk who is signed in stays it, and a link that could not be used is not used up', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'seed-identity-'));
    const folder = join(dir, 'database');
    const onError = (error: unknown): never => expect.unreachable(String(error));
    const roomy = await openPglite({ folder, template: await testTemplate(), minFreeBytes: 0, onError });
    const of = (onDisk: Database): Identity => createIdentity({ database: onDisk, adminToken, metricsToken: null, nowMs: () => nowMs });
    const secret = (await of(roomy).redeemToken(adminToken))?.secret ?? '';
    await roomy.close();
    // No disk has so much room: from here on it is full.
    const full = await openPglite({ folder, minFreeBytes: 2 ** 60, onError });
    nowMs += 120_000;
    expect(await of(full).session(secret)).not.toBeNull();
    const signedOut = of(full);
    const link = signedOut.createSignInLink(URL);
    await expect(signedOut.redeemLink(secretIn(link.url))).rejects.toMatchObject({ code: 'storage_full' });
    expect(signedOut.linkIsOpen(secretIn(link.url))).toBe(true);
    await full.close();
    await rm(dir, { recursive: true });
  });

  test('what has ended is removed by the next sign-in', async () => {
    await signIn();
    nowMs += SESSION_LIFETIME_MS;
    await signIn();
    expect(await stored()).toHaveLength(1);
  });

  test('no secret is kept, only its hash', async () => {
    const secret = await signIn();
    const row = JSON.stringify(await stored());
    expect(row).not.toContain(secret);
    expect(row).toMatch(/[0-9a-f]{64}/);
  });

  test('the metrics token reads metrics and nothing else', async () => {
    const scraper = identity.bearer('scraper-token-0123');
    expect(scraper).not.toBeNull();
    if (scraper === null) return;
    expect(allows(scraper, 'metrics', 'read')).toBe(true);
    for (const resource of ['system', 'agents', 'code', 'config', '*']) expect(allows(scraper, resource, 'read')).toBe(false);
    expect(await identity.redeemToken('scraper-token-0123')).toBeNull();
  });

  test('without a metrics token nothing stands for it', () => {
    const without = createIdentity({ database, adminToken, metricsToken: null, nowMs: () => nowMs });
    expect([without.bearer(''), without.bearer('0'.repeat(64)), without.bearer('null')]).toEqual([null, null, null]);
  });

  test('an activity entry is a row', async () => {
    const entry = {
      id: '01890000-0000-7000-8000-000000000001',
      atMs: nowMs,
      principalKind: 'user' as const,
      principalId: 'admin',
      operation: 'code:promote',
      target: 'packer/3',
      outcome: 'ok',
      durationMs: 12.4,
      requestId: 'request-1',
    };
    await identity.append(entry);
    expect(await database.db.selectFrom('activity').selectAll().execute()).toEqual([
      {
        id: entry.id,
        at: new Date(nowMs),
        principal_kind: 'user',
        principal_id: 'admin',
        operation: 'code:promote',
        target: 'packer/3',
        outcome: 'ok',
        duration_ms: 12,
        request_id: 'request-1',
      },
    ]);
  });
});
