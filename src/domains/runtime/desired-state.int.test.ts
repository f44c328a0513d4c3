import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import type { DesiredChange } from '#kernel/rollout/desired-state.ts';
import { desiredState, insertAgent } from './store.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
  for (const name of ['first', 'race']) {
    await insertAgent(database, { name, type: 'worker', summary: '', source: 'upload', owner: { kind: 'node', id: 'n' } });
  }
});
afterAll(() => database.close());

const change = (over: Partial<DesiredChange> = {}): DesiredChange => ({
  stable: 'a',
  canary: null,
  weight: 0,
  previous: null,
  phase: 'idle',
  deadlineMs: null,
  reason: '',
  ...over,
});

test('the row comes back as it was set, and its generation only grows', async () => {
  const desired = desiredState(database);
  expect(await desired.get('first')).toBeNull();
  expect(await desired.compareAndSet('first', 0, change())).toMatchObject({ generation: 1, stable: 'a' });
  const observing = change({ canary: 'b', weight: 100, previous: 'a', phase: 'observing', deadlineMs: 1_800_000_000_000, reason: 'why' });
  await desired.compareAndSet('first', 1, observing);
  expect(await desired.get('first')).toEqual({ agent: 'first', generation: 2, ...observing });
});

test('a change that expects an older generation is refused', async () => {
  const desired = desiredState(database);
  await expect(desired.compareAndSet('first', 1, change({ stable: 'c' }))).rejects.toMatchObject({ code: 'conflict' });
  await expect(desired.compareAndSet('first', 0, change({ stable: 'c' }))).rejects.toMatchObject({ code: 'conflict' });
  expect((await desired.get('first'))?.stable).toBe('a');
});

test('of many changes at once one is made', async () => {
  const desired = desiredState(database);
  const changes = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => desired.compareAndSet('race', 0, change({ stable: `h${index}` }))),
  );
  expect(changes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect((await desired.get('race'))?.generation).toBe(1);
});
