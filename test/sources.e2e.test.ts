// Code that may not come in: an error that leads to the line, nothing of it kept, and the live version untouched.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { agentOf, assertUnharmed, contractOf, createAgents, DOUBLE, upload } from './fixtures.ts';
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
  await createAgents(seed, [upload('double', DOUBLE)]);
});
afterAll(() => seed[Symbol.asyncDispose]());

const create = (from: Record<string, unknown>) => seed.api<Failure>('POST', '/api/agents', { from });
const stage = (from: Record<string, unknown>) => seed.api<Failure>('POST', '/api/code/double/versions', { from });
/** Those that may be there. */
const names = ['double', 'extract', 'packer'];
afterEach(() => assertUnharmed(seed, names));

describe('files', () => {
  const fine = { 'contract.ts': contractOf('files'), 'agent.ts': agentOf(DOUBLE) };

  test.each([
    '../agent.ts',
    '/etc/passwd',
    'a/../../b.ts',
    'C:\\x.ts',
    'a\\b.ts',
    'a\0b.ts',
    '.env',
    '',
    'x'.repeat(300),
    'a/b/c/d/e/f/g/h/i.ts',
  ])('the name %j', async (path) => {
    for (const { status, body } of [await create({ ...fine, [path]: '' }), await stage({ [path]: '' })]) {
      expect([status, body.code]).toEqual([422, 'invalid_input']);
      expect(body.error).toBe(`${JSON.stringify(path.slice(0, 120))} is not a name a file can have here`);
      expect(body.hint).toContain('letters, digits');
    }
  });

  test.each(['AGENT.ts', 'agent.ts/x.ts'])('the name %j beside agent.ts', async (path) => {
    const { status, body } = await create({ ...fine, [path]: '' });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.error).toContain('can not both be in one folder');
  });

  test.each([
    [
      'one over 1 MB',
      { 'agent.ts': `${agentOf(DOUBLE)}// ${'x'.repeat(1_048_577)}` },
      /^agent\.ts has \d+ bytes, at most 1048576 are taken$/,
    ],
    [
      'all over 4 MB',
      Object.fromEntries([1, 2, 3, 4].map((n) => [`f${n}.ts`, 'x'.repeat(1_048_576)])),
      /at most 4194304 are taken|larger than 4194304 bytes/,
    ],
    [
      'more than 200',
      Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`f${n}.ts`, ''])),
      /^the folder has 203 files, at most 200 are taken$/,
    ],
  ])('%s', async (_, files, message) => {
    const { status, body } = await create({ ...fine, ...files });
    expect([status, body.code]).toEqual([413, 'payload_too_large']);
    expect(body.error).toMatch(message);
  });

  test.each([[3], [null], [{}]])('text that is %j', async (text) => {
    const { status, body } = await create({ ...fine, 'agent.ts': text });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.details).toMatchObject([{ path: 'from.agent.ts' }]);
  });

  test.each(['contract.ts', 'agent.ts'] as const)('without %s', async (missing) => {
    const { [missing]: _, ...rest } = fine;
    const { status, body } = await create(rest);
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.error).toContain(missing);
  });
});

describe('code', () => {
  const IMPORT_TYPE = "import type contract from './contract.ts';";
  test.each([
    ['a syntax error', 'const a = 1;\nconst b = ;\n', 'compile_failed', 2, 11],
    ['an import of Node', `import fs from 'node:fs';\n${agentOf(DOUBLE)}export { fs };`, 'compile_failed', 1, 16],
    ['an import of a package', `import _ from 'lodash';\n${agentOf(DOUBLE)}export { _ };`, 'compile_failed', 1, 15],
    ['an import from another folder', `import x from '../other/agent.ts';\n${agentOf(DOUBLE)}export { x };`, 'compile_failed', 1, 15],
    ['an import by address', `import x from 'https://evil.example/x.ts';\n${agentOf(DOUBLE)}export { x };`, 'compile_failed', 1, 15],
    ['an export of all of Node', `export * from 'node:fs';\n${agentOf(DOUBLE)}`, 'compile_failed', 1, 15],
    ['a dynamic import', agentOf("return import('node:fs') as never;"), 'compile_failed', 6, 19],
    ['a dynamic import of what is put together', agentOf("return import('node:' + 'fs') as never;"), 'compile_failed', 6, 19],
    ['require', agentOf("return require('node:fs') as never;"), 'compile_failed', 6, 20],
    [
      'contract.ts as a value',
      agentOf('return { n: Object.keys(contract).length };').replace(IMPORT_TYPE, "import contract from './contract.ts';"),
      'compile_failed',
      2,
      22,
    ],
    ['eval', agentOf("return eval('1') as never;"), 'policy_refused', 6, 12],
    ['new Function', agentOf("return new Function('return 1')() as never;"), 'policy_refused', 6, 16],
  ])('%s is refused with its line and column', async (_, code, errorCode, line, column) => {
    for (const { status, body } of [
      await create({ 'contract.ts': contractOf('code'), 'agent.ts': code }),
      await stage({ 'agent.ts': code }),
    ]) {
      expect([status, body.code]).toEqual([422, errorCode]);
      expect(body.error).toMatch(new RegExp(`^agent\\.ts:${line}:${column}: \\w|^agent\\.ts:${line}:${column}: "`));
      expect(body.details).toMatchObject([{ file: 'agent.ts', line, column }]);
    }
  });

  test.each([
    ['no default export', 'export const x = 1;'],
    ['no such function', "import { agent } from 'seed-agent/agent';\nexport default agent({ other: () => 1 } as never);\n"],
    ['no function', "import { agent } from 'seed-agent/agent';\nexport default agent({ handle: 3 } as never);\n"],
  ])('%s: the export that is missing is named', async (_, code) => {
    const { status, body } = await stage({ 'agent.ts': code });
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.error).toContain('the contract names handle, and agent.ts does not have it');
    expect(body.hint).toContain('handle');
  });

  test.each([
    ['throws', "throw new Error('at load');", /at load/],
    ['loops', `for (;;) {}\n${agentOf(DOUBLE)}`, /cpu_limit/],
    ['fills its memory', `const all = []; for (;;) all.push(new Array(1e6).fill(all.length));\n${agentOf(DOUBLE)}`, /memory|limit|ended/],
  ])('that %s when it is loaded', async (_, code, message) => {
    const { status, body } = await stage({ 'agent.ts': code });
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.error).toMatch(message);
  });

  test('an example that it does not fulfil: a worse candidate is never a version', async () => {
    const { status, body } = await create({
      'contract.ts': contractOf('example', 'examples: [{ input: { n: 2 }, output: { n: 5 } }],'),
      'agent.ts': agentOf(DOUBLE),
    });
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.error).toMatch(/example/);
  });
});

describe('contracts', () => {
  const withInput = (schema: string) => ({
    'contract.ts': contractOf('harmless').replace('z.object({ n: z.int() })', `z.object({ n: ${schema} })`),
    'agent.ts': agentOf('return { n: 1 };'),
  });

  test.each([
    ['z.int().transform((n) => n + 1)', /change the value with code/],
    ['z.int().refine((n) => n > 1)', /decide with code/],
    ['z.int().pipe(z.int())', /change the value with code/],
    ['z.int().catch(3)', /replaces what is wrong/],
    ['z.coerce.number()', /coercion/],
    ['z.preprocess((x) => x, z.int())', /change the value with code/],
    ['z.string().trim()', /change the value with code/],
    ['z.custom(() => true)', /decide with code/],
    ['z.date()', /a Date is not JSON/],
    ['z.bigint()', /a bigint is not JSON/],
    ['z.map(z.string(), z.string())', /a Map is not JSON/],
    ['z.string().regex(/a/i)', /flags "i"/],
    ['z.string().regex(/(?<=a)b/)', /looks ahead or behind/],
    ['z.string().regex(/(a)\\1/)', /linear time/],
  ])('%s, which JSON Schema can not say', async (schema, message) => {
    const { status, body } = await create(withInput(schema));
    expect([status, body.code]).toEqual([422, 'contract_invalid']);
    expect(body.error).toMatch(message);
    expect(body.details).toMatchObject([{ path: 'exports.handle.input.n' }]);
  });

  test.each([
    ['loops', 'for (;;) {}\nexport default 1;', 'contract_invalid', /no value after \d+ ms/],
    ['throws', "throw new Error('boo');", 'contract_invalid', /^contract\.ts:1:7: boo$/],
    ['is no contract', 'export default 5;', 'contract_invalid', /no default export/],
    ['has a syntax error', 'export default contract({;', 'compile_failed', /^contract\.ts:1:26: /],
  ])('one that %s', async (_, contract, code, message) => {
    const { status, body } = await create({ 'contract.ts': contract, 'agent.ts': agentOf(DOUBLE) });
    expect([status, body.code]).toEqual([422, code]);
    expect(body.error).toMatch(message);
  });

  test('a pattern that would backtrack is harmless', async () => {
    expect((await create(withInput('z.string().regex(/^(a+)+$/)'))).status).toBe(201);
    names.splice(2, 0, 'harmless');
    const call = (n: string) => seed.api<Failure>('POST', '/api/agents/harmless/invoke', { input: { n } });
    expect((await call('aaa')).status).toBe(200);
    // A backtracking engine would not come back from this before the test is given up.
    const { status, body } = await call(`${'a'.repeat(50_000)}!`);
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.details).toMatchObject([{ path: 'n' }]);
  });
});
