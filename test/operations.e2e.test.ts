// Operations as their user and as their enemy, over HTTP on a real node: many at once, and what none of them may do.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SANDBOX_LAYERS } from '#kernel/sandbox/layer-names.ts';
import { agentOf, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';

interface Agent {
  name: string;
  status: string;
  version: number | null;
  config: Record<string, unknown>;
  metrics: Record<string, unknown>;
}
interface Answer<T> {
  data: T;
  code?: string;
  error?: string;
}

const METRICS_TOKEN = 'm'.repeat(32);

let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed({ isFirst: true, env: { METRICS_TOKEN } });
  await createAgents(seed, [upload('double', DOUBLE), upload('other', DOUBLE)]);
});
afterAll(() => seed[Symbol.asyncDispose]());

const post = <T = unknown>(path: string, body: unknown = {}, confirm?: string) =>
  seed.api<Answer<T>>('POST', path, body, confirm === undefined ? {} : { 'x-confirm': confirm });
const agentNamed = async (name: string) => (await seed.api<Answer<Agent>>('GET', `/api/agents/${name}`)).body.data;
const times = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

describe('many at once', () => {
  test('create the same agent: one does, the others are told', async () => {
    const answers = await times(100, () => post('/api/agents', upload('twin', DOUBLE)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, ...Array.from({ length: 99 }, () => 409)]);
    expect(await agentNamed('twin')).toMatchObject({ status: 'idle', version: 1 });
    const versions = await seed.api<Answer<unknown[]>>('GET', '/api/code/twin/versions');
    expect(versions.body.data).toHaveLength(1);
  });

  test('set keys of one agent: none is lost', async () => {
    const answers = await times(8, (index) => seed.api('PATCH', '/api/agents/double', { key: `key-${index}`, value: index }));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await times(8, (index) => post('/api/agents/double/metrics', { metrics: { [`metric-${index}`]: index } }));
    const { config, metrics } = await agentNamed('double');
    expect(Object.keys(config)).toHaveLength(8);
    expect(Object.keys(metrics)).toHaveLength(8);
  });

  test('start and stop one agent: each has its turn, and the last word holds', async () => {
    const answers = await times(12, (index) => post(`/api/agents/other/${index % 2 === 0 ? 'stop' : 'start'}`));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await agentNamed('other')).toMatchObject({ status: 'idle', version: 1 });
    expect((await post('/api/agents/other/invoke', { input: { n: 2 } })).body.data).toEqual({ n: 4 });
  });

  test('promote: every swap starts from the one before', async () => {
    for (const mark of [2, 3]) await post('/api/code/double/versions', { from: { 'agent.ts': agentOf(`${DOUBLE} // ${mark}`) } });
    const answers = await Promise.all(
      [2, 3, 2].map((version) =>
        post<{ generation: number; version: number; from_version: number }>(
          `/api/code/double/versions/v${version}/promote`,
          {},
          'code:promote',
        ),
      ),
    );
    const swaps = answers.map(({ body }) => body.data).toSorted((a, b) => a.generation - b.generation);
    expect(swaps.map(({ generation }) => generation)).toEqual([2, 3, 4]);
    expect(swaps.map((swap) => swap.from_version)).toEqual([1, ...swaps.slice(0, -1).map((swap) => swap.version)]);
  });
});

describe('log lines', () => {
  const TALKS = "ctx.log.warn('said ' + String(input.n), { camelCase: input.n }); return { n: input.n };";
  const lines = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(seed.url + path, { headers: { authorization: `Bearer ${seed.token}`, ...headers } });
    const events = (await answer.text()).split('\n\n').filter((event) => event.startsWith('id: '));
    return events.map((event) => {
      const [id = '', data = ''] = event.split('\n');
      return {
        id: id.slice('id: '.length),
        line: JSON.parse(data.slice('data: '.length)) as { message: string; sequence: number; fields: object },
      };
    });
  };

  test.each(['/api/agents/talker/logs', '/api/system/logs?module=agents'])('%s goes on after the one that was seen', async (path) => {
    await post('/api/agents', upload('talker', TALKS, "capabilities: ['log'],"));
    for (const n of [1, 2, 3]) expect((await post('/api/agents/talker/invoke', { input: { n } })).status).toBe(200);
    const all = await lines(path);
    const last = all.slice(-3);
    expect(last.map(({ line }) => line.message)).toEqual(['said 1', 'said 2', 'said 3']);
    // The author's own names stay as they are.
    expect(last[0]?.line.fields).toMatchObject({ fields: { camelCase: 1 } });
    const after = await lines(path, { 'last-event-id': last[0]?.id ?? '' });
    expect(after.map(({ line }) => line.message)).toEqual(['said 2', 'said 3']);
    expect(await lines(path, { 'last-event-id': last[2]?.id ?? '' })).toEqual([]);
  });
});

describe('what may not be done', () => {
  test('make a version of another agent live', async () => {
    const { body } = await seed.api<Answer<{ hash: string }[]>>('GET', '/api/code/other/versions');
    const hash = body.data[0]?.hash ?? '';
    for (const [path, given, confirm] of [
      [`/api/code/double/versions/${hash}/promote`, {}, 'code:promote'],
      ['/api/code/double/rollback', { version: hash }, 'code:rollback'],
      ['/api/agents/double/invoke', { input: { n: 1 }, version: hash }, undefined],
    ] as const) {
      expect((await post(path, given, confirm)).status).toBe(404);
    }
  });

  test('keep more with an agent than settings', async () => {
    const large = 'x'.repeat(70_000);
    expect((await seed.api<Answer<unknown>>('PATCH', '/api/agents/double', { key: 'large', value: large })).status).toBe(413);
    expect((await post('/api/agents/double/metrics', { metrics: { large } })).status).toBe(413);
    expect((await post('/api/agents', { ...upload('heavy', DOUBLE), config: { large } })).status).toBe(413);
    expect((await seed.api('GET', '/api/agents/heavy')).status).toBe(404);
  });

  test.each(['__proto__', '', ' ', 'a b', '-', 'x'.repeat(201)])('name a key %j', async (key) => {
    expect((await seed.api<Answer<unknown>>('PATCH', '/api/agents/double', { key, value: 1 })).status).toBe(422);
  });

  test('watch what is not there: the answer says so before the stream begins', async () => {
    for (const path of ['/api/agents/duoble/logs', '/api/improvements/01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01/events']) {
      const { status, body } = await seed.api<Answer<unknown>>('GET', path);
      expect([status, body.code]).toEqual([404, 'not_found']);
    }
  });

  test('do more with the token of a scraper than scrape', async () => {
    const scraper = { authorization: `Bearer ${METRICS_TOKEN}` };
    expect((await fetch(`${seed.url}/metrics`, { headers: scraper })).status).toBe(200);
    const health = await seed.api('GET', '/health/deep?fix=true&report=true', undefined, scraper);
    expect(health.body).toEqual({ status: expect.any(String) as string });
    for (const path of ['/api/agents', '/api/system/status', '/api/system/logs', '/api/config', '/openapi.json']) {
      const { status } = await fetch(seed.url + path, { headers: scraper });
      expect([path, status]).toEqual([path, 403]);
    }
  });

  test('ask for something to be done once that can not promise it', async () => {
    const queued = await seed.api<Answer<unknown>>('POST', '/api/agents/packer/improvements', {}, { 'idempotency-key': 'once' });
    expect([queued.status, queued.body.code]).toEqual([422, 'invalid_input']);
    const stopped = await seed.api('POST', '/api/agents/other/start', {}, { 'idempotency-key': 'once' });
    expect(stopped.status).toBe(200);
  });

  test('steer the session of the database', async () => {
    const ask = (sql: string) => post<{ rows: unknown[] }>('/api/database/query', { sql }, 'database:query');
    expect((await ask("select set_config('search_path', 'pg_temp', false)")).status).toBe(200);
    expect((await ask('select count(*) > 0 as there from agents')).body.data.rows).toEqual([{ there: true }]);
    expect((await ask("select pg_read_file('PG_VERSION')")).status).toBe(422);
  });
});

describe('what is answered', () => {
  test('has names in snake_case, but for what its author named', async () => {
    const { body } = await seed.api<Answer<Record<string, unknown>>>('GET', '/api/agents/double');
    const { contract, figures, rollout, ...rest } = body.data;
    const { exports, examples, ...words } = contract as Record<string, unknown>;
    expect(words).toMatchObject({ limits: { cpu_ms: 100 }, rollout: { observe_ms: 30_000 }, improvement: { min_gain: 0.01 } });
    expect(exports).toMatchObject([{ name: 'handle', kind: 'call', input: { properties: { n: {} } } }]);
    expect(examples).toEqual([]);
    expect(figures).toMatchObject({ limit_hits: 0, error_rate: 0 });
    expect(rollout).toMatchObject({ phase: expect.any(String) as string, reason: expect.any(String) as string });
    const names = [words, figures, rollout, rest]
      .flatMap(namesIn)
      .filter((name) => !name.startsWith('key-') && !name.startsWith('metric-'));
    expect(names.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([]);
  });

  test('says which layers the sandbox has, as they are found, to those who may know', async () => {
    interface Layered {
      sandbox?: { layer: string; present: boolean | null }[];
    }
    const status = await seed.api<Answer<Layered>>('GET', '/api/system/status');
    const health = await seed.api<Layered>('GET', '/health/deep');
    for (const { sandbox } of [status.body.data, health.body]) {
      expect(sandbox?.map(({ layer }) => layer)).toEqual([...SANDBOX_LAYERS]);
      if (process.platform === 'linux') expect(sandbox?.slice(0, 5).map(({ present }) => present)).toEqual([true, true, true, true, true]);
    }
    const stranger = await fetch(`${seed.url}/health/deep`);
    expect(Object.keys((await stranger.json()) as object)).toEqual(['status']);
  });
});

function namesIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return Object.entries(value).flatMap(([name, below]) => [name, ...namesIn(below)]);
}
