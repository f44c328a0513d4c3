import { expect, test } from 'vitest';
import { testDatabase } from '#db/testing.ts';
import { createIdentity } from '#domains/identity/index.ts';
import { uuidv7 } from '#lib/id.ts';
import { KEPT_MS, prune } from './retention.ts';

test('who did what is kept for 90 days', async () => {
  await using database = await testDatabase();
  const nowMs = Date.UTC(2026, 5, 1);
  const identity = createIdentity({ database, adminToken: 'x', metricsToken: null, nowMs: () => nowMs });
  for (const [operation, ageMs] of [
    ['agents:stop', KEPT_MS.activity + 1],
    ['agents:start', KEPT_MS.activity],
    ['code:promote', 0],
  ] as const) {
    await identity.append({
      id: uuidv7(nowMs),
      atMs: nowMs - ageMs,
      principalKind: 'token',
      principalId: 'admin',
      operation,
      target: null,
      outcome: 'ok',
      durationMs: 1,
      requestId: 'r',
    });
  }
  expect(KEPT_MS.activity).toBe(90 * 86_400_000);
  expect(await prune(database, nowMs)).toEqual({ calls: 0, activity: 1, snapshots: 0, uses: 0 });
  const left = await database.db.selectFrom('activity').select('operation').orderBy('at').execute();
  expect(left.map(({ operation }) => operation)).toEqual(['agents:start', 'code:promote']);
  expect(await prune(database, nowMs)).toEqual({ calls: 0, activity: 0, snapshots: 0, uses: 0 });
});
