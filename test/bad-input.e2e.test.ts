// What a node answers to input that is wrong: an error that names what and where, and nothing is lost.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { agentOf, assertUnharmed, contractOf, COUNTER, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { agentsFolder } from './wrong-folders.ts';

interface Failure {
  error: string;
  code: string;
  details?: unknown;
  hint?: string;
}

let folder: string;
let seed: SeedProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seed-agents-'));
  await agentsFolder(folder);
  seed = await startSeed({ env: { AGENTS_DIR: folder } });
  await createAgents(seed, [upload('double', DOUBLE), upload('counter', COUNTER, "capabilities: ['state'],")]);
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const create = (from: Record<string, unknown>) => seed.api<Failure>('POST', '/api/agents', { from });
const invoke = (agent: string, body: unknown, headers?: Record<string, string>) =>
  seed.api<Failure & { data: unknown; call_id: string; version: number }>('POST', `/api/agents/${agent}/invoke`, body, headers);
const get = <T = Failure>(path: string) => seed.api<T>('GET', path);

afterEach(() => assertUnharmed(seed, ['counter', 'double', 'good']));

const NOT_NAMES = ['..%2F..%2Fetc', '%2e%2e', 'UPPER', 'a'.repeat(65), '-x', 'a%00b', 'a%20b', 'a%5Cb', '%C3%A9', '__proto__'];

describe('names of agents', () => {
  test.each(NOT_NAMES)('%s in an address', async (name) => {
    const value = decodeURIComponent(name);
    const asked = [
      await get(`/api/agents/${name}`),
      await get(`/api/code/${name}/versions`),
      await invoke(name, { input: { n: 1 } }),
      await seed.api<Failure>('POST', `/api/code/${name}/versions`, { from: { 'agent.ts': agentOf(DOUBLE) } }),
      await seed.api<Failure>('POST', `/api/agents/${name}/improvements`, {}),
    ];
    for (const { status, body } of asked) {
      // "%2e%2e" is a step up for whoever reads the address, before it is a name.
      if (value === '..') expect([404, 405]).toContain(status);
      else {
        expect([status, body.code]).toEqual([422, 'invalid_input']);
        expect(body.error).toContain(`${JSON.stringify(value.slice(0, 80))} is not a name: lower-case letters, digits`);
        expect(body.details).toMatchObject([{ path: 'agent' }]);
      }
    }
  });

  test.each(['../evil', '', '.', 'UPPER', 'a'.repeat(65), '-x', 'a b', 'a/b', 'é', '__proto__'])('%j in a contract', async (name) => {
    const { status, body } = await create({ 'contract.ts': contractOf(name), 'agent.ts': agentOf(DOUBLE) });
    expect([status, body.code]).toEqual([422, 'contract_invalid']);
    expect(body.error).toContain(`${JSON.stringify(name.slice(0, 80))} is not a name`);
    expect(body.details).toMatchObject([{ path: 'name' }]);
  });

  test('another one than the contract says', async () => {
    const { status, body } = await seed.api<Failure>('POST', '/api/agents', { name: 'other', ...upload('some', DOUBLE) });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.error).toBe('the contract is for "some", not for "other"');
  });

  test('one that is taken', async () => {
    const { status, body } = await create(upload('double', 'return { n: 0 };').from);
    expect([status, body.code]).toEqual([409, 'conflict']);
    expect(body.hint).toContain('code:stage double');
  });

  test('of folders in AGENTS_DIR: each wrong one is said by its name, and does not keep the others out', async () => {
    const { body } = await get<{ data: { name: string }[] }>('/api/agents');
    expect(body.data.map(({ name }) => name)).toEqual(['counter', 'double', 'good']);
    expect((await invoke('good', { input: { n: 2 } })).body.data).toEqual({ n: 4 });
    const said = seed.output();
    for (const [name, problem] of [
      ['BAD-Name', '"BAD-Name" is not a valid name'],
      ['with space', '"with space" is not a valid name'],
      ['large', 'agent.ts has 1048577 bytes, at most 1048576 are taken'],
      ['many', 'it has 201 source files, at most 200 are taken'],
      ['other-name', 'the contract is for "good", not for "other-name"'],
      ['syntax', 'agent.ts:2:11: Unexpected ";"'],
      ['no-code', 'agent.ts is missing'],
      ['no-example', 'example 1 of the contract: expected'],
    ]) {
      expect(said).toMatch(new RegExp(`agent ${name} was refused: .*${problem?.replaceAll(/[.()]/g, '\\$&')}`));
    }
    expect(said).not.toMatch(/notes|\.git/);
    // What only running it can tell is looked at three times, what reading it tells once.
    expect([...said.matchAll(/the folder (\S+) is tried again/g)].map(([, name]) => name)).toEqual(['no-example', 'no-example']);
  });

  test('that are not there, with the nearest', async () => {
    const asked = [
      await invoke('duoble', { input: { n: 1 } }),
      await get('/api/agents/duoble'),
      await get('/api/code/duoble/versions'),
      await seed.api<Failure>('POST', '/api/agents/duoble/improvements', {}),
    ];
    for (const { status, body } of asked) {
      expect([status, body.code]).toEqual([404, 'not_found']);
      expect(body.error).toContain('"duoble"');
      expect(body.hint).toBe('did you mean double?');
    }
  });
});

describe('versions', () => {
  test.each(['v99', '0', 'v0', '99999999999999999999', 'deadbeef', '../v1', 'v1/../v2', 'V1', '__proto__', 'v1\0', '%'])(
    '%j that is not there',
    async (version) => {
      const path = encodeURIComponent(version);
      const confirm = (operation: string) => ({ 'x-confirm': operation });
      const asked = [
        await invoke('double', { input: { n: 1 }, version }),
        await get(`/api/code/double/versions/${path}`),
        await seed.api<Failure>('POST', `/api/code/double/versions/${path}/promote`, {}, confirm('code:promote')),
        await seed.api<Failure>('POST', '/api/code/double/rollback', { version }, confirm('code:rollback')),
        await seed.api<Failure>('POST', '/api/code/double/versions', { from: { 'agent.ts': agentOf(DOUBLE) }, base: version }),
      ];
      for (const { status, body } of asked) {
        expect([status, body.code]).toEqual([404, 'not_found']);
        expect(body.error).toBe(`double has no version ${JSON.stringify(version)}`);
        expect(body.hint).toBe('the newest is v1');
      }
    },
  );

  test.each(['', 'v'.repeat(65)])('%j that is no reference', async (version) => {
    const { status, body } = await seed.api<Failure>('POST', '/api/code/double/rollback', { version }, { 'x-confirm': 'code:rollback' });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.details).toMatchObject([{ path: 'version' }]);
  });
});

describe('calls', () => {
  test.each([
    [{ n: 'four' }, 'n'],
    [{}, 'n'],
    [{ n: 1.5 }, 'n'],
    [{ n: 1e300 }, 'n'],
    [[], ''],
    ['text', ''],
    [null, ''],
  ])('input %j against the schema: 422 with the path', async (input, path) => {
    const { status, body } = await invoke('double', { input });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.details).toEqual([{ path, message: expect.stringMatching(/\w/) as string }]);
    expect(body.error).toMatch(path === '' ? /^the input must be object$/ : /^the input's n (must be|is missing)/);
  });

  test.each([
    ['not JSON at all', '{"input":', 400, 'bad_request'],
    ['a list', '[]', 422, 'invalid_input'],
    ['nested too deep', `{"input":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 400, 'bad_request'],
    ['larger than it may be', `{"input":"${'x'.repeat(4_194_304)}"}`, 413, 'payload_too_large'],
  ])('a body that is %s', async (_, body, status, code) => {
    const response = await fetch(`${seed.url}/api/agents/double/invoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${seed.token}`, 'content-type': 'application/json' },
      body,
    });
    expect([response.status, ((await response.json()) as Failure).code]).toEqual([status, code]);
  });

  test('an export that is not there, and a key for who keeps no state', async () => {
    const other = await invoke('double', { input: { n: 1 }, export: 'hadnle' });
    expect([other.status, other.body.code]).toEqual([404, 'not_found']);
    expect(other.body.error).toContain('hadnle');
    const keyed = await invoke('double', { input: { n: 1 }, key: 'a' });
    expect([keyed.status, keyed.body.code]).toEqual([422, 'invalid_input']);
  });

  test.each(['a\0b', 'a\ud800b', '', 'x'.repeat(201)])('the key %j', async (key) => {
    const { status, body } = await invoke('counter', { input: { n: 1 }, key });
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    expect(body.details).toMatchObject([{ path: 'key' }]);
  });

  test('an idempotency key answers once, and refuses another input', async () => {
    const headers = { 'idempotency-key': 'k1' };
    const first = await invoke('double', { input: { n: 1 } }, headers);
    const again = await invoke('double', { input: { n: 1 } }, headers);
    expect(again.body.call_id).toBe(first.body.call_id);
    const other = await invoke('double', { input: { n: 2 } }, headers);
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_mismatch']);
    expect(other.body.error).toContain('"k1"');
  });

  test('without a token nothing but health answers', async () => {
    for (const path of ['/api/agents', '/metrics', '/openapi.json', '/api/system/status', '/status']) {
      expect([path, (await fetch(seed.url + path)).status]).toEqual([path, 401]);
    }
    expect(await (await fetch(`${seed.url}/health`)).json()).toEqual({ status: 'ok' });
    expect(Object.keys((await (await fetch(`${seed.url}/health/deep`)).json()) as object)).toEqual(['status']);
  });

  test('a dangerous operation without its confirmation', async () => {
    const { status, body } = await seed.api<Failure>('POST', '/api/code/double/rollback', {});
    expect([status, body.code]).toEqual([428, 'confirmation_required']);
    expect(body.error + (body.hint ?? '')).toContain('code:rollback');
  });
});
