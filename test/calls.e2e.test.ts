// Recorded calls over HTTP on a real node: found, looked at, and run again.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentOf, COUNTER, createAgents, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

interface Item {
  call_id: string;
  outcome: string;
  version: number;
}
interface Answer<T> {
  data: T;
  code?: string;
  call_id?: string;
}

const STATEFUL = "capabilities: ['state', 'now'], isolation: 'call',";

let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed();
  await createAgents(seed, [upload('counter', COUNTER, STATEFUL)]);
});
afterAll(() => seed[Symbol.asyncDispose]());

const list = async (query: string) => (await seed.api<Answer<Item[]>>('GET', `/api/agents/counter/calls?${query}`)).body.data;

async function recorded(n: number): Promise<string> {
  const { body } = await seed.api<Answer<unknown>>('POST', '/api/agents/counter/invoke', { input: { n }, key: 'k' });
  const id = body.call_id ?? expect.unreachable(JSON.stringify(body));
  await until(
    () => list('limit=100'),
    (items) => items.some((item) => item.call_id === id),
  );
  return id;
}

test('a call is listed, shows what it asked for and got, and replays the same on its version and to a difference on another', async () => {
  await recorded(1);
  const id = await recorded(5);
  expect(await list('version=1&outcome=ok&key=k&since=1h')).toMatchObject([{ call_id: id }, { outcome: 'ok' }]);
  expect(await list('outcome=failed')).toEqual([]);
  const { body } = await seed.api<Answer<Record<string, unknown>>>('GET', `/api/agents/counter/calls/${id}`);
  expect(body.data).toMatchObject({
    call_id: id,
    input: { n: 5 },
    output: { n: 6 },
    error: null,
    unknown: null,
    journal: {
      entries: [
        { kind: 'request', request: 1, name: 'state.get' },
        { kind: 'result', request: 1, value: 1 },
        { kind: 'request', request: 2, name: 'state.set', args: 6 },
      ],
    },
  });

  const replay = (version?: string) =>
    seed.api<Answer<Record<string, unknown>>>('POST', `/api/agents/counter/calls/${id}/replay`, version === undefined ? {} : { version });
  expect((await replay()).body.data).toMatchObject({ verdict: 'same', exact: true, version: 1, differences: [] });

  const staged = { from: { 'agent.ts': agentOf(COUNTER.replace('return { n }', 'return { n: -n }')) } };
  await seed.api('POST', '/api/code/counter/versions', staged);
  expect((await replay('v2')).body.data).toMatchObject({
    verdict: 'different',
    version: 2,
    recorded_version: 1,
    differences: [{ path: 'output.n', before: 6, after: -6 }],
  });
  // Nobody's state was touched by it.
  expect((await seed.api<Answer<unknown>>('POST', '/api/agents/counter/invoke', { input: { n: 0 }, key: 'k' })).body.data).toEqual({
    n: 6,
  });
});

test('what is not there is said so, and a time that is none is refused', async () => {
  const missing = '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01';
  expect(await seed.api('GET', `/api/agents/counter/calls/${missing}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await seed.api('POST', `/api/agents/counter/calls/${missing}/replay`, {})).toMatchObject({ status: 404 });
  expect(await seed.api('GET', '/api/agents/nobody/calls')).toMatchObject({ status: 404 });
  expect(await seed.api('GET', '/api/agents/counter/calls?since=yesterday')).toMatchObject({
    status: 422,
    body: { code: 'invalid_input' },
  });
});
