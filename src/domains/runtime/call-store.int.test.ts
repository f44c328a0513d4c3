import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { openPglite } from '#db/databases/pglite.ts';
import { testDatabase, testTemplate } from '#db/testing.ts';
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import { uuidv7 } from '#lib/id.ts';
import { CallStore } from './call-store.ts';
import { getCall, listCalls } from './recorded-call-store.ts';
import { insertAgent } from './store.ts';

const AGENT = 'recorded';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
  await insertAgent(database, { name: AGENT, type: 'worker', summary: '', source: 'upload', owner: { kind: 'node', id: 'n' } });
});
afterAll(() => database.close());

const record = (over: Partial<CallRecord> = {}): CallRecord => ({
  id: uuidv7(),
  agent: AGENT,
  key: null,
  exportName: 'handle',
  version: 1,
  hash: 'h',
  inputJson: '{"n":1}',
  journal: null,
  outputJson: '{"n":2}',
  streamed: false,
  error: null,
  logs: [],
  principalKind: 'token',
  principalId: 'admin',
  startedAtMs: Date.now(),
  durationUs: 5,
  cpuUs: 1,
  redacted: false,
  truncated: false,
  ...over,
});

interface Told {
  written: number;
  dropped: number;
  errors: string[];
}
function open(of: () => Database | null): { store: CallStore; told: Told } {
  const told: Told = { written: 0, dropped: 0, errors: [] };
  const store = new CallStore({
    database: of,
    onWritten: (count) => (told.written += count),
    onDropped: (count) => (told.dropped += count),
    onError: (error) => told.errors.push((error as { code?: string }).code ?? String(error)),
  });
  return { store, told };
}
const stored = async (records: readonly CallRecord[]) => {
  const ids = records.map(({ id }) => id);
  const rows = await database.db.selectFrom('calls').select('id').where('id', 'in', ids).execute();
  return rows.map(({ id }) => id);
};

test('a record that can not be stored costs only itself', async () => {
  const { store, told } = open(() => database);
  const [before, wrong, after] = [record(), record({ key: 'a\0b' }), record()];
  for (const each of [before, wrong, after]) store.record(each);
  await store.close();
  const ids = await stored([before, wrong, after]);
  expect(new Set(ids)).toEqual(new Set([before.id, after.id]));
  expect(told).toEqual({ written: 2, dropped: 1, errors: ['invalid_input'] });
});

test('on a full disk records wait, which is said once, and are written in their order when there is room', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seed-calls-'));
  const full = await openPglite({
    folder: join(folder, 'database'),
    template: await testTemplate(),
    // No disk has so much room: this one is always full.
    minFreeBytes: 2 ** 60,
    onError: (error) => expect.unreachable(String(error)),
  });
  let present: Database = full;
  const { store, told } = open(() => present);
  const records = Array.from({ length: 250 }, () => record());
  for (const each of records.slice(0, 200)) store.record(each);
  await store.flush();
  await store.flush();
  for (const each of records.slice(200)) store.record(each);
  await store.flush();
  expect(told).toEqual({ written: 0, dropped: 0, errors: ['storage_full'] });
  present = database;
  await store.close();
  expect(told).toEqual({ written: 250, dropped: 0, errors: ['storage_full'] });
  expect(await stored(records)).toHaveLength(250);
  await full.close();
  await rm(folder, { recursive: true });
});

test('what still waits when it is closed is counted', async () => {
  const { store, told } = open(() => null);
  store.record(record());
  await store.close();
  expect(told).toEqual({ written: 0, dropped: 1, errors: [] });
});

test('whatever an agent threw, its calls can be listed', async () => {
  const { store, told } = open(() => database);
  const thrown = record({ agent: 'thrower', outputJson: null, error: { code: 'agent_error', message: 'a\0b \ud800', stack: 'at \0' } });
  store.record(thrown);
  await store.close();
  expect(told).toEqual({ written: 1, dropped: 0, errors: [] });
  const query = {
    limit: 10,
    offset: 0,
    page: 1,
    filters: [],
    search: undefined,
    searchFields: [],
    sort: 'startedAt',
    order: 'asc' as const,
  };
  const { rows } = await listCalls(database, 'thrower', query);
  expect(rows).toMatchObject([{ outcome: 'agent_error', error: 'a\ufffdb \ufffd' }]);
  expect(await getCall(database, 'thrower', thrown.id)).toMatchObject({ error: { stack: 'at \ufffd' } });
});
