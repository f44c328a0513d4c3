// Every command against a whole node: its help, its formats, its lists, its plans; and the exit code of everything that is not well.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '#domains/index.ts';
import { runCommand } from '#lib/process.ts';
import { catalogueOf } from '#operation/catalogue.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { agentOf, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

const SEED = new URL('../bin/seed', import.meta.url).pathname;
const entries = catalogueOf(operations);
const entryOf = (name: string): CatalogueEntry => {
  const entry = entries.find((one) => one.name === name);
  if (entry === undefined) throw new Error(`there is no ${name}`);
  return entry;
};

let folder: string;
let seed: SeedProcess;
let improvement: string;
let approval: string;
let rule: string;
let call: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seed-commands-'));
  seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE)]);
  await seed.api('POST', '/api/code/double/versions', { from: { 'agent.ts': agentOf(`${DOUBLE} // 2`) } });
  // Commands are asked about it; the search itself would only take the processors from them.
  await seed.api('POST', '/api/improvements/pause', {});
  const queued = await seed.api<{ data: { id: string } }>('POST', '/api/agents/packer/improvements', { budget: '1h' });
  improvement = queued.body.data.id;
  const made = async (path: string, body: object): Promise<string> =>
    (await seed.api<{ data: { id: string } }>('POST', path, body)).body.data.id;
  approval = await made('/api/approvals', { title: 'May it?' });
  rule = await made('/api/approval-rules', { name: 'careful', action: 'require_review' });
  for (const n of [1, 2, 3]) await seed.api('POST', '/api/agents/double/invoke', { input: { n } });
  // They are written down in batches.
  const { body } = await until(
    () => seed.api<{ data: { call_id: string }[] }>('GET', '/api/agents/double/calls'),
    ({ body: page }) => page.data.length === 3,
  );
  call = body.data[0]?.call_id ?? '';
});

/** What an id in a path means for this command. */
function idFor(name: string): string {
  if (name.startsWith('approvals:rules:')) return rule;
  return name.startsWith('approvals:') ? approval : improvement;
}
afterAll(async () => {
  await seed.api('POST', `/api/improvements/${improvement}/cancel`, {});
  await seed[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const cli = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(SEED, args, {
    env: { PATH: process.env['PATH'] ?? '', DATA_DIR: seed.dataDir, ...env },
    cwd: folder,
    timeoutMs: 60_000,
  });

/** What a command needs so that it can be asked. */
const ASKED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'agents:status': { agent: 'double' },
  'agents:calls:list': { agent: 'double' },
  'agents:logs': { agent: 'double' },
  'code:list': { agent: 'double' },
  'code:get': { agent: 'double', version: 'v2' },
  'code:diff': { agent: 'double', to: 'v2' },
  'code:lineage': { agent: 'double' },
  'config:get': { key: 'PORT' },
};
const flagsFor = (name: string): string[] => {
  const asked =
    name === 'agents:calls:get'
      ? { agent: 'double', call }
      : entryOf(name).path?.includes(':id') === true
        ? { id: idFor(name) }
        : (ASKED[name] ?? {});
  return Object.entries(asked).flatMap(([flag, value]) => [`--${flag}`, value]);
};

/** Those that only look; a stream without `--follow` ends. */
const READS = entries.filter(({ name, kind, method }) => kind === 'read' && method === 'GET' && name !== 'improvements:watch');

describe('every command', () => {
  test.each(entries.map(({ name }) => name))('%s --help', async (name) => {
    const { code, stdout, stderr } = await cli([...name.split(':'), '--help']);
    expect([code, stderr]).toEqual([0, '']);
    const entry = entryOf(name);
    for (const words of ['Usage', 'Examples', `seed ${name}`, entry.summary]) expect(stdout).toContain(words);
    for (const flag of entry.flags) expect(stdout).toContain(`--${flag.name}`);
  });

  test.each(READS.map(({ name }) => name))('%s as JSON, as YAML and as a table; to a file; and ids alone', async (name) => {
    const command = [name, ...flagsFor(name)];
    const isStream = entryOf(name).stream === true;
    const [json, yaml, table, quiet] = await Promise.all([
      cli([...command, '--format', 'json']),
      cli([...command, '--format', 'yaml']),
      cli(command),
      cli([...command, '--quiet']),
    ]);
    for (const { code, stderr } of [json, yaml, table, quiet]) expect([code, stderr.replace(/^(?:page .*|none)\n$/, '')]).toEqual([0, '']);
    const lines = isStream ? json.stdout.split('\n').filter((line) => line !== '') : [json.stdout];
    const values: unknown[] = lines.map((line) => JSON.parse(line) as unknown);
    if (!isStream) expect(shapeOf(parseYaml(yaml.stdout, { maxAliasCount: -1 }))).toEqual(shapeOf(values[0]));
    const file = join(folder, `${name.replaceAll(':', '-')}.json`);
    const written = await cli([...command, '--format', 'json', '--output', file]);
    expect([written.code, written.stdout, written.stderr]).toEqual([0, '', '']);
    if (!isStream) expect(shapeOf(JSON.parse(await readFile(file, 'utf8')))).toEqual(shapeOf(values[0]));
  });
});

/** Names and types, without what changes from one moment to the next. */
function shapeOf(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : 'scalar';
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  return Object.keys(value).toSorted((a, b) => a.localeCompare(b));
}

describe('every list', () => {
  const lists = entries.filter(({ fields }) => fields !== undefined);
  const pathOf = ({ path = '' }: CatalogueEntry) => path.replace(':agent', 'double');
  type Scalar = string | number | boolean | null;
  interface List {
    data: Record<string, Scalar>[];
    page_info: { page: number; limit: number; total: number; pages: number; has_next: boolean; has_previous: boolean };
    code?: string;
  }
  const ask = (entry: CatalogueEntry, query: string) => seed.api<List>('GET', `${pathOf(entry)}?${query}`);

  test.each(lists.map((entry) => [entry.name, entry] as const))(
    '%s pages: every item once, and nothing beyond the end',
    async (_, entry) => {
      const all = await ask(entry, 'limit=100');
      const { total, pages } = (await ask(entry, 'limit=2')).body.page_info;
      expect(total).toBe(all.body.data.length);
      expect(total).toBeGreaterThan(0);
      const seen: unknown[] = [];
      for (let page = 1; page <= pages; page += 1) {
        const { body } = await ask(entry, `limit=2&page=${page}`);
        expect(body.page_info).toEqual({ page, limit: 2, total, pages, has_next: page < pages, has_previous: page > 1 });
        seen.push(...body.data.map(keyOf));
      }
      expect(seen).toEqual(all.body.data.map(keyOf));
      expect((await ask(entry, `page=${pages + 1}`)).body.data).toEqual([]);
    },
  );

  test.each(lists.map((entry) => [entry.name, entry] as const))('%s orders by each of its fields, and filters by it', async (_, entry) => {
    for (const [field, type] of Object.entries(entry.fields ?? {})) {
      const up = (await ask(entry, `limit=100&sort=${field}&order=asc`)).body.data.map((item) => item[field] ?? null);
      const down = (await ask(entry, `limit=100&sort=${field}&order=desc`)).body.data.map((item) => item[field] ?? null);
      const present = (values: readonly Scalar[]) => values.filter((value) => value !== null);
      expect([field, present(down)]).toEqual([field, present(up).toReversed()]);
      // What is missing comes last in either direction.
      expect(up.indexOf(null) === -1 || up.slice(up.indexOf(null)).every((value) => value === null)).toBe(true);
      const [value] = present(up);
      if (value === undefined) continue;
      const narrowed = async (operator: string) => {
        const { status, body } = await ask(entry, `limit=100&filter=${encodeURIComponent(`${field}${operator}${String(value)}`)}`);
        return status === 200 ? body.data.map((item) => item[field] ?? null) : body.code;
      };
      expect(await narrowed('=')).toEqual(up.filter((other) => other === value));
      expect(await narrowed('!=')).toHaveLength(up.filter((other) => other !== value).length);
      expect(await narrowed('~')).toContain(value);
      expect(await narrowed('<')).toEqual(type === 'boolean' ? 'invalid_input' : []);
      if (type !== 'boolean') expect(await narrowed('>')).toHaveLength(up.filter((other) => other !== value && other !== null).length);
    }
  });

  test.each(lists.map((entry) => [entry.name, entry] as const))('%s refuses what it can not read', async (_, entry) => {
    const wrong = ['page=0', 'page=-1', 'page=1.5', 'page=x', 'limit=0', 'limit=-5', 'limit=101', 'limit=', 'sort=nope', 'sort=__proto__'];
    wrong.push('order=up', 'filter=nope%3D1', 'filter=name', 'filter=__proto__%3D1', 'search=', 'nope=1', 'page=1&page=2');
    for (const query of wrong) {
      const { status, body } = await ask(entry, query);
      expect([query, status, body.code]).toEqual([query, 422, 'invalid_input']);
    }
  });

  const keyOf = (item: Record<string, unknown>) => ['id', 'call_id', 'name', 'key', 'version', 'method', 'path'].map((name) => item[name]);
});

describe('every plan', () => {
  const bodies: Readonly<Record<string, unknown>> = {
    'agents:config': { key: 'owner', value: 'x' },
    'agents:metrics': { metrics: { a: 1 } },
    'code:stage': { from: { 'agent.ts': agentOf(`${DOUBLE} // plan`) } },
    'config:set': { value: 'debug' },
  };
  const planned = entries.filter(({ plan }) => plan === true);
  const everything = async () => {
    const answers = await Promise.all(
      ['/api/agents/double', '/api/code/double/versions', '/api/config', '/api/database/status'].map((path) =>
        seed.api<{ data: Record<string, unknown> }>('GET', path),
      ),
    );
    return answers.map(({ body: { data } }) => ({ ...data, figures: undefined, size_bytes: undefined }));
  };

  test.each(planned.map((entry) => [entry.name, entry] as const))(
    '%s --dry-run says what it would do, and does nothing',
    async (name, entry) => {
      const path = (entry.path ?? '').replace(':agent', 'double').replace(':version', 'v2').replace(':key', 'LOG_LEVEL');
      const before = await everything();
      // Never confirmed: a plan needs no agreement.
      const { status, body } = await seed.api<{ data: { applied: boolean } }>(
        entry.method ?? '',
        `${path}?dry_run=true`,
        name === 'agents:feedback' ? { call, verdict: 'good' } : (bodies[name] ?? {}),
      );
      if (name === 'code:rollback') expect(status).toBe(409);
      else expect([status < 300, body.data.applied]).toEqual([true, false]);
      expect(await everything()).toEqual(before);
    },
  );

  test.each(entries.filter(({ kind, plan }) => (kind === 'write' || kind === 'dangerous') && plan !== true).map(({ name }) => name))(
    '%s has none, and is not performed instead',
    async (name) => {
      const entry = entryOf(name);
      const path = (entry.path ?? '').replace(':agent', 'double').replace(':call', call).replace(':id', idFor(name));
      const body = {
        'agents:chat': { model: 'codex', messages: [{ role: 'user', content: 'x' }] },
        'agents:invoke': { input: { n: 1 } },
        'agents:create': upload('planned', DOUBLE),
        'agents:calls:answer': { answer: 1 },
        'improvements:generate': { goal: 'read more' },
        'approvals:create': { title: 'May it?' },
        'approvals:rules:create': { name: 'planned', action: 'deny' },
        'database:query': { sql: 'select 1' },
      }[name];
      const before = await everything();
      const answer = await seed.api<{ error: string | { message: string } }>(entry.method ?? '', `${path}?dry_run=true`, body ?? {});
      // In OpenAI's own shape where that is spoken.
      const { error } = answer.body;
      const [status, words] = typeof error === 'string' ? [422, error] : [400, error.message];
      expect([answer.status, words]).toEqual([status, `${name} can not say beforehand what it would do`]);
      expect(await everything()).toEqual(before);
    },
  );
});

describe('every dangerous command', () => {
  test.each(entries.filter(({ kind }) => kind === 'dangerous').map(({ name }) => name))('%s is not done unasked', async (name) => {
    const entry = entryOf(name);
    const words = entry.flags
      .filter(({ required }) => required === true)
      .map(({ member }) => ({ agent: 'double', version: 'v2', id: idFor(name) })[member] ?? 'x');
    const { code, stdout, stderr } = await cli([name, ...words, ...(name === 'database:query' ? ['select 1'] : [])]);
    expect([code, stdout]).toEqual([6, '']);
    expect(stderr).toContain('--confirm');
    const path = (entry.path ?? '').replace(':agent', 'double').replace(':version', 'v2').replace(':id', idFor(name));
    const body = name === 'database:query' ? { sql: 'select 1' } : {};
    for (const confirm of ['', 'yes', 'true', `${name} `.slice(0, -2)]) {
      const answer = await seed.api<{ code: string }>(entry.method ?? '', path, body, confirm === '' ? {} : { 'x-confirm': confirm });
      expect([answer.status, answer.body.code]).toEqual([428, 'confirmation_required']);
    }
  });
});

describe('exit codes', () => {
  test.each([
    [['config:validate'], 0],
    [['agents:lsit'], 2],
    [['agents:list', '--satus', 'idle'], 2],
    [['agents:status', 'duoble'], 3],
    [['config:get', 'PROT'], 3],
    [['improvements:get', '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01'], 3],
    [['agents:create', '--from', '.'], 2],
  ])('%j ends with %i', async (args, code) => {
    const ended = await cli(args);
    expect([ended.code, code === 0 ? '' : ended.stdout]).toEqual([code, '']);
  });

  test('a check that finds something wrong has answered, and failed', async () => {
    const file = join(folder, 'wrong.env');
    await writeFile(file, 'PORT=abc\n');
    const checked = await cli(['config:validate', '--file', file, '--format', 'json']);
    expect(checked.code).toBe(1);
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: false, problems: [{ key: 'PORT' }] });
  });

  test('signed out, and no node', async () => {
    expect((await cli(['agents:list'], { SEED_URL: seed.url, SEED_TOKEN: 'x'.repeat(43) })).code).toBe(4);
    expect((await cli(['agents:list'], { SEED_URL: 'http://127.0.0.1:65001', SEED_TOKEN: 'x'.repeat(43) })).code).toBe(7);
    expect((await cli(['agents:list'], { DATA_DIR: join(folder, 'nobody') })).code).toBe(7);
  });
});

describe('what is stored under what the environment says', () => {
  test('is shown as without effect, and can be taken back', async () => {
    const set = async (value: string) => JSON.parse((await cli(['config:set', 'LOG_LEVEL', value, '--format', 'json'])).stdout) as object;
    expect(await set('debug')).toMatchObject({ value: 'warn', origin: 'env', stored: 'debug', applied: true });
    const after = await set('');
    expect(after).toMatchObject({ value: 'warn', applied: true });
    expect(after).not.toHaveProperty('stored');
  });
});

test('metrics as data are those of the text', async () => {
  const { stdout } = await cli(['system:metrics', '--type', 'seed', '--json', '--format', 'json']);
  const { metrics } = JSON.parse(stdout) as { metrics: { name: string; type: string; samples: { value: number }[] }[] };
  expect(metrics.find(({ name }) => name === 'seed_build_info')).toMatchObject({ type: 'gauge', samples: [{ value: 1 }] });
  const answer = await fetch(`${seed.url}/metrics?json=true`, { headers: { authorization: `Bearer ${seed.token}` } });
  expect(answer.headers.get('content-type')).toBe('application/json');
});
