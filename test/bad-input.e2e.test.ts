// What a node answers to input that is wrong: an error that says where, and nothing is lost.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentOf, contractOf, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';

interface Failure {
  error: string;
  code: string;
  details?: unknown;
  hint?: string;
}

let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed();
  const { status, body } = await seed.api('POST', '/api/agents', upload('double', DOUBLE));
  if (status !== 201) throw new Error(`the agent was refused: ${JSON.stringify(body)}`);
});
afterAll(() => seed[Symbol.asyncDispose]());

const create = (from: Record<string, string>) => seed.api<Failure>('POST', '/api/agents', { from });
const invoke = (agent: string, body: unknown, headers?: Record<string, string>) =>
  seed.api<Failure & { data: unknown; call_id: string; version: number }>('POST', `/api/agents/${agent}/invoke`, body, headers);
const stillWorks = async () => (await invoke('double', { input: { n: 4 } })).body;

describe('names and paths', () => {
  test.each(['..%2F..%2Fetc', 'UPPER', 'a'.repeat(65), '-x', 'a%00b'])('the agent %s', async (name) => {
    const { status, body } = await seed.api<Failure>('GET', `/api/agents/${name}`);
    expect([404, 422]).toContain(status);
    expect(['not_found', 'invalid_input']).toContain(body.code);
  });

  test('a contract with a name that would leave its folder', async () => {
    const { status, body } = await create({ 'contract.ts': contractOf('../evil'), 'agent.ts': agentOf(DOUBLE) });
    expect([status, body.code]).toEqual([422, 'contract_invalid']);
  });

  test.each(['../agent.ts', '/etc/passwd', 'a/../../b.ts', 'C:\\x.ts'])('the file %s in an upload', async (path) => {
    const { status, body } = await create({ 'contract.ts': contractOf('paths'), 'agent.ts': agentOf(DOUBLE), [path]: 'x' });
    expect(status).toBe(422);
    expect(body.error).toContain(JSON.stringify(path).slice(1, 4));
  });

  test('an agent that is not there, with the nearest name', async () => {
    const { status, body } = await invoke('duoble', { input: { n: 1 } });
    expect([status, body.code]).toEqual([404, 'not_found']);
    expect(body.hint).toContain('double');
  });

  test('a version that is not there', async () => {
    const { status, body } = await invoke('double', { input: { n: 1 }, version: 'v99' });
    expect([status, body.code]).toEqual([404, 'not_found']);
  });
});

describe('sources', () => {
  test('over 1 MB', async () => {
    const { status, body } = await create({
      'contract.ts': contractOf('large'),
      'agent.ts': `${agentOf(DOUBLE)}// ${'x'.repeat(1_048_577)}`,
    });
    expect([status, body.code]).toEqual([413, 'payload_too_large']);
  });

  test('a syntax error, with line and column of agent.ts', async () => {
    const { status, body } = await create({ 'contract.ts': contractOf('syntax'), 'agent.ts': 'const a = 1;\nconst b = ;\n' });
    expect([status, body.code]).toEqual([422, 'compile_failed']);
    expect(body.error).toMatch(/agent\.ts:2:1\d/);
    expect(body.details).toMatchObject([{ file: 'agent.ts', line: 2 }]);
  });

  test.each(['node:fs', 'lodash', '../other/agent.ts'])('the import of %s', async (name) => {
    const { status, body } = await create({
      'contract.ts': contractOf('imports'),
      'agent.ts': `import x from '${name}';\n${agentOf(DOUBLE)}export { x };`,
    });
    expect(status).toBe(422);
    expect(body.error).toContain('agent.ts:1');
  });

  test('a missing export', async () => {
    const { status, body } = await create({
      'contract.ts': contractOf('missing'),
      'agent.ts': `import { agent } from 'seed-agent/agent';\nexport default agent({} as never);\n`,
    });
    expect(status).toBe(422);
    expect(body.error).toContain('handle');
  });

  test('a contract that says what JSON Schema can not', async () => {
    const contract = contractOf('unsayable').replace('z.object({ n: z.int() })', 'z.object({ n: z.int().refine((n) => n % 2 === 0) })');
    const { status, body } = await create({ 'contract.ts': contract, 'agent.ts': agentOf(DOUBLE) });
    expect([status, body.code]).toEqual([422, 'contract_invalid']);
    expect(JSON.stringify(body)).toContain('handle');
  });

  test('a pattern that would backtrack is harmless', async () => {
    const contract = contractOf('backtracks').replace(
      'z.object({ n: z.int() })',
      'z.object({ n: z.int(), text: z.string().regex(/^(a+)+$/).optional() })',
    );
    const created = await create({ 'contract.ts': contract, 'agent.ts': agentOf('return { n: input.n };') });
    expect(created.status).toBe(201);
    const startedMs = performance.now();
    const { status, body } = await invoke('backtracks', { input: { n: 1, text: `${'a'.repeat(50_000)}!` } });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    // In a backtracking engine this takes longer than the universe has; any bound tells the two apart.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  test('an example that the code does not fulfil', async () => {
    const { status, body } = await create({
      'contract.ts': contractOf('example', 'examples: [{ input: { n: 2 }, output: { n: 5 } }],'),
      'agent.ts': agentOf(DOUBLE),
    });
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(await stillWorks()).toMatchObject({ data: { n: 8 }, version: 1 });
  });
});

describe('calls', () => {
  test('input against the schema, with its path', async () => {
    const { status, body } = await invoke('double', { input: { n: 'four' } });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(JSON.stringify(body.details)).toContain('n');
  });

  test.each([
    ['loops', 'for (;;) {}', /cpu_limit|deadline/],
    ['throws', "throw new RangeError('no ' + input.n);", /agent_error/],
    ['unserialisable', 'return { n: 1n } as never;', /agent_error/],
    ['answers against its contract', "return { n: 'x' } as never;", /agent_error/],
    [
      'exhausts its memory',
      'const kept: number[][] = []; for (;;) kept.push(new Array(100_000).fill(input.n));',
      /memory_limit|cpu_limit|deadline|agent_error/,
    ],
    ['never settles', 'return new Promise<never>(() => {});', /deadline/],
  ])('code that %s fails its call, not the node', async (what, body, code) => {
    const name = `bad-${what.split(' ')[0]?.toLowerCase()}`;
    expect((await seed.api('POST', '/api/agents', upload(name, body, 'limits: { cpuMs: 200, deadlineMs: 500 },'))).status).toBe(201);
    const failed = await invoke(name, { input: { n: 1 } });
    expect(failed.body.code).toMatch(code);
    expect(await stillWorks()).toMatchObject({ data: { n: 8 }, version: 1 });
  });

  test('a stack trace leads back to agent.ts', async () => {
    await seed.api('POST', '/api/agents', upload('stack', "throw new RangeError('here');"));
    const { body } = await invoke('stack', { input: { n: 1 } });
    expect(JSON.stringify(body.details)).toContain('agent.ts:6');
  });

  test('an idempotency key answers once, and refuses another input', async () => {
    const headers = { 'idempotency-key': 'k1' };
    const first = await invoke('double', { input: { n: 1 } }, headers);
    const again = await invoke('double', { input: { n: 1 } }, headers);
    expect(again.body.call_id).toBe(first.body.call_id);
    const other = await invoke('double', { input: { n: 2 } }, headers);
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_mismatch']);
  });

  test('without a token nothing but health answers', async () => {
    for (const path of ['/api/agents', '/metrics', '/openapi.json', '/api/system/status']) {
      expect((await fetch(seed.url + path)).status).toBe(401);
    }
    expect(await (await fetch(`${seed.url}/health`)).json()).toEqual({ status: 'ok' });
    expect(Object.keys((await (await fetch(`${seed.url}/health/deep`)).json()) as object)).toEqual(['status']);
  });

  test('a dangerous operation without its confirmation', async () => {
    const { status, body } = await seed.api<Failure>('POST', '/api/code/double/rollback', {});
    expect([status, body.code]).toEqual([428, 'confirmation_required']);
  });
});
