import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { uuidv7 } from '#lib/id.ts';
import { pruneCalls } from './call-store.ts';
import { countFeedback, feedbackOf, pruneFeedback, putFeedback, type NewFeedback } from './feedback-store.ts';

const DAY_MS = 86_400_000;

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

async function call(agent: string, ageMs = 0): Promise<string> {
  const id = uuidv7();
  await sql`INSERT INTO calls (id, agent, export, version, hash, principal_kind, principal_id, started_at, duration_us, cpu_us)
    VALUES (${id}, ${agent}, 'handle', 1, 'h', 'user', 'u', ${new Date(Date.now() - ageMs)}, 1, 1)`.execute(database.db);
  return id;
}

const said = (callId: string, over: Partial<NewFeedback> = {}): NewFeedback => ({
  callId,
  agent: 'one',
  hash: 'h',
  by: { kind: 'user', id: 'u1' },
  verdict: 'good',
  expectedJson: null,
  note: '',
  ...over,
});

test('one verdict for each person and call: the next takes its place', async () => {
  const id = await call('one');
  const other = { kind: 'user', id: 'u2' };
  expect(await putFeedback(database, said(id))).toBe(true);
  await putFeedback(database, said(id, { by: other, verdict: 'bad', note: 'no' }));
  await putFeedback(database, said(id, { verdict: 'bad', expectedJson: '{"n":"\\u0000"}' }));
  const all = await feedbackOf(database, id);
  expect(all.toSorted((a, b) => a.by.id.localeCompare(b.by.id))).toMatchObject([
    { by: { kind: 'user', id: 'u1' }, verdict: 'bad', expectedJson: '{"n":"\\u0000"}', note: '' },
    { by: other, verdict: 'bad', note: 'no' },
  ]);
  expect(await countFeedback(database, 'one', 'h')).toEqual({ good: 0, bad: 2 });
  expect(await countFeedback(database, 'one', 'other')).toEqual({ good: 0, bad: 0 });
  expect(await putFeedback(database, said(uuidv7()))).toBe(false);
});

test('a call that was judged is kept as long as what was said of it, and takes it along', async () => {
  const [judged, forgotten] = [await call('two', 30 * DAY_MS), await call('two', 30 * DAY_MS)];
  await putFeedback(database, said(judged, { agent: 'two' }));
  const before = { calls: Date.now() - 7 * DAY_MS, answers: 0 };
  const left = async () => (await database.db.selectFrom('calls').select('id').where('agent', '=', 'two').execute()).map(({ id }) => id);
  expect(await pruneCalls(database, before)).toBe(1);
  expect(await left()).toEqual([judged]);
  expect(await left()).not.toContain(forgotten);
  expect(await pruneFeedback(database, new Date(Date.now() - DAY_MS))).toBe(0);
  await database.db.deleteFrom('calls').where('id', '=', judged).execute();
  expect(await feedbackOf(database, judged)).toEqual([]);
  const old = await call('two', 100 * DAY_MS);
  await putFeedback(database, said(old, { agent: 'two' }));
  expect(await pruneFeedback(database, new Date(Date.now() + DAY_MS))).toBeGreaterThan(0);
  expect(await pruneCalls(database, before)).toBe(1);
});
