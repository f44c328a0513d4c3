// States that get another shape, on the whole program: tried on copies before, changed at the first call, and back after a rollback
// without losing a write, over kill -9 of the node.
import { expect, test } from 'vitest';
import { agentOf, contractOf, COUNTER, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

const GRANTS = "capabilities: ['state'],";
const SECOND = `${GRANTS} state: { version: 2, schema: z.strictObject({ sum: z.int() }) },`;
const SUMS =
  'return next(); async function next() { const { sum } = (await ctx.state.get<{ sum: number }>()) ?? { sum: 0 }; const n = sum + input.n; await ctx.state.set({ sum: n }); return { n }; }';
const CHANGE = `
export const codeChange = (state: unknown, change: { from?: number; down?: number }): unknown => {
  if (change.from === undefined) throw new RangeError('there is no way back');
  return { sum: state };
};
`;

interface Status {
  data: { frozen_keys: number; frozen: { key: string; version: number; kept: boolean; reason: string }[] };
}

const codePath = (path: string): string => `/api/code/ledger/${path}`;
const PROMOTE = { 'x-confirm': 'code:promote' };
const ROLLBACK = { 'x-confirm': 'code:rollback' };

async function stage(seed: SeedProcess, agentTs: string, contractTs = contractOf('ledger', SECOND)): Promise<number> {
  const from = { 'contract.ts': contractTs, 'agent.ts': agentTs };
  const { status, body } = await seed.api<{ data: { version: number } }>('POST', codePath('versions'), { from });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body.data.version;
}

async function add(seed: SeedProcess, key: string, n: number, idempotencyKey?: string) {
  const headers = idempotencyKey === undefined ? undefined : { 'idempotency-key': idempotencyKey };
  const { status, body } = await seed.api<{ data: { n: number }; version: number }>(
    'POST',
    '/api/agents/ledger/invoke',
    { input: { n }, key },
    headers,
  );
  return { status, n: body.data?.n, version: body.version };
}

const statusOf = async (seed: SeedProcess) => (await seed.api<Status>('GET', '/api/agents/ledger')).body.data;

async function killNode(seed: SeedProcess): Promise<void> {
  process.kill(seed.nodePid, 'SIGKILL');
  await seed.nodeAgain();
}

test('a state changes its shape and a rollback asks before it gives up what was written since', async () => {
  await using seed = await startSeed();
  expect((await seed.api('POST', '/api/agents', upload('ledger', COUNTER, GRANTS))).status).toBe(201);
  await add(seed, 'a', 10);
  await add(seed, 'b', 20);

  const without = await seed.api('POST', codePath('versions'), {
    from: { 'contract.ts': contractOf('ledger', SECOND), 'agent.ts': agentOf(SUMS) },
  });
  expect(without).toMatchObject({
    status: 422,
    body: { code: 'validation_failed', error: expect.stringContaining('does not export codeChange') },
  });
  const bad = await stage(seed, agentOf(SUMS) + CHANGE.replace('sum: state', "sum: state === 20 ? 'many' : state"));
  const refused = await seed.api('POST', codePath(`versions/v${bad}/promote`), {}, PROMOTE);
  expect(refused).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { key: 'b', change: { from: 1 } } } });
  expect(await add(seed, 'b', 1)).toMatchObject({ status: 200, n: 21, version: 1 });

  const good = await stage(seed, agentOf(SUMS) + CHANGE);
  const promoted = await seed.api('POST', codePath(`versions/v${good}/promote`), {}, PROMOTE);
  expect(promoted).toMatchObject({ status: 200, body: { data: { rehearsal: { states: 2, changed: 2, down: 'none' } } } });
  expect(await add(seed, 'a', 5, 'once')).toEqual({ status: 200, n: 15, version: good });
  expect(await add(seed, 'a', 5)).toEqual({ status: 200, n: 20, version: good });

  expect(await seed.api('POST', codePath('rollback'), {}, ROLLBACK)).toMatchObject({ status: 200, body: { data: { version: 1 } } });
  const asked = await until(
    () => statusOf(seed),
    ({ frozen_keys: keys }) => keys === 1,
  );
  expect(asked.frozen).toMatchObject([{ key: 'a', version: good, kept: false, reason: expect.stringContaining('there is no way back') }]);
  const deep = await until(
    () => seed.api<{ checks: Record<string, [{ status: string; output?: string }]> }>('GET', '/health/deep'),
    ({ body }) => body.checks['agents:states']?.[0].status === 'warn',
  );
  expect(deep.body.checks['agents:states']?.[0].output).toContain('ledger (1)');

  await killNode(seed);
  expect(await add(seed, 'a', 5, 'once')).toEqual({ status: 200, n: 15, version: good });
  expect(await add(seed, 'a', 1)).toEqual({ status: 200, n: 21, version: good });
  expect(await add(seed, 'b', 1)).toEqual({ status: 200, n: 22, version: 1 });

  const discard = { frozen: 'discard', key: 'a' };
  expect((await seed.api('POST', codePath('rollback'), discard)).status).toBe(428);
  expect(await seed.api('POST', codePath('rollback'), { ...discard, key: 'b' }, ROLLBACK)).toMatchObject({ status: 404 });
  expect(await seed.api('POST', codePath('rollback'), discard, ROLLBACK)).toMatchObject({
    status: 200,
    body: { data: { decided: ['a'], applied: true } },
  });
  expect(await add(seed, 'a', 1)).toEqual({ status: 200, n: 11, version: 1 });
  expect((await statusOf(seed)).frozen_keys).toBe(0);
});
