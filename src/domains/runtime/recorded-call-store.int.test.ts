import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import { uuidv7 } from '#lib/id.ts';
import { pageQuery } from '#operation/page.ts';
import type { PageInput } from '#operation/operation.ts';
import { callsList } from './agents-calls.ts';
import { CallStore } from './call-store.ts';
import { getCall, listCalls } from './recorded-call-store.ts';

const START_MS = Date.UTC(2026, 5, 1);
const binding = callsList.list ?? expect.unreachable();

let database: Database;
const records = Array.from({ length: 30 }, (_, n): CallRecord => {
  const failed = n % 10 === 9;
  return {
    id: uuidv7(START_MS + n),
    agent: 'listed',
    key: n % 3 === 0 ? null : `truck-${n % 3}`,
    exportName: 'handle',
    version: 1 + (n % 2),
    hash: `h${n % 2}`,
    inputJson: JSON.stringify({ n }),
    journal: { journal: 1, time: START_MS, seed: n, entries: [] },
    outputJson: failed ? null : '{}',
    error: failed ? { code: n === 9 ? 'cpu_limit' : 'agent_error', message: `50%_wrong ${n}` } : null,
    logs: [],
    principalKind: 'token',
    principalId: 'admin',
    startedAtMs: START_MS + n * 1000,
    durationUs: n * 1500,
    cpuUs: 10,
    redacted: false,
    truncated: false,
    streamed: false,
  };
});

beforeAll(async () => {
  database = await testDatabase();
  const store = new CallStore({
    database: () => database,
    onWritten: () => undefined,
    onDropped: () => expect.unreachable(),
    onError: (error) => expect.unreachable(String(error)),
  });
  for (const record of records) store.record(record);
  store.record({ ...(records[0] as CallRecord), id: uuidv7(), agent: 'other' });
  await store.close();
});
afterAll(() => database.close());

async function found(input: Partial<PageInput>): Promise<{ numbers: number[]; total: number }> {
  const query = pageQuery({ page: 1, limit: 100, filter: [], ...input }, binding);
  const { rows, total } = await listCalls(database, 'listed', query);
  return { numbers: rows.map(({ startedAt }) => (startedAt.getTime() - START_MS) / 1000), total };
}
const numbers = (which: (n: number) => boolean): number[] => records.map((_, n) => n).filter(which);

test('the newest come first, page by page', async () => {
  expect(await found({ limit: 3 })).toEqual({ numbers: [29, 28, 27], total: 30 });
  expect(await found({ limit: 3, page: 10 })).toEqual({ numbers: [2, 1, 0], total: 30 });
  expect(await found({ sort: 'duration_ms', order: 'asc', limit: 2 })).toEqual({ numbers: [0, 1], total: 30 });
});

test.each<[string[], (n: number) => boolean]>([
  [['version=2'], (n) => n % 2 === 1],
  [['key=truck-1', 'version!=1'], (n) => n % 3 === 1 && n % 2 === 1],
  [['key!=truck-1'], (n) => n % 3 !== 1],
  [['outcome=ok'], (n) => n % 10 !== 9],
  [['outcome=cpu_limit'], (n) => n === 9],
  [['duration_ms>40'], (n) => n * 1.5 > 40],
  [[`started_at<${new Date(START_MS + 2500).toISOString()}`], (n) => n < 3],
  [[`started_at~${new Date(START_MS + 2000).toISOString().slice(0, 22)}`], (n) => n === 2],
  [['duration_ms~1.5'], (n) => String(n * 1.5).includes('1.5')],
  [['key~TRUCK'], (n) => n % 3 !== 0],
  [['error~50%_'], (n) => n % 10 === 9],
  [['error~50_%'], () => false],
  [['redacted=true'], () => false],
])('%j narrows', async (filter, which) => {
  const wanted = numbers(which);
  expect(await found({ filter, order: 'asc' })).toEqual({ numbers: wanted, total: wanted.length });
});

test('a text is looked for in keys and messages', async () => {
  expect(await found({ search: 'Wrong', order: 'asc' })).toEqual({ numbers: [9, 19, 29], total: 3 });
  expect(await found({ search: 'truck-2', order: 'asc', limit: 2 })).toEqual({ numbers: [2, 5], total: 10 });
});

test('one record comes back as it was written, and only to its agent', async () => {
  const [first, record] = [records[0], records[9]] as [CallRecord, CallRecord];
  expect(await getCall(database, 'listed', record.id)).toEqual(record);
  expect(await getCall(database, 'listed', first.id)).toEqual(first);
  expect(await getCall(database, 'other', record.id)).toBeNull();
});
