// Processes that are killed, in the middle of whatever they did: nothing acknowledged is lost, and nothing is left running.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPglite } from '#db/databases/pglite.ts';
import { agentOf, COUNTER, createAgents, DOUBLE, upload } from './fixtures.ts';
import { descendants, isAlive, killAll, processesIn } from './processes.ts';
import { spawnSeed, startSeed, type SeedProcess } from './seed-process.ts';
import { traffic } from './traffic.ts';
import { until } from './until.ts';

interface Envelope<T> {
  data: T;
  code?: string;
  error?: string;
}
interface Improvement {
  state: string;
  evaluated: number;
  reason: string;
}

const SLOW = 'const end = input.n; let x = 0; for (let i = 0; i < end; i += 1) x += i % 7; return { n: x };';
const SLOW_LIMITS = 'limits: { cpuMs: 30_000, deadlineMs: 60_000 },';

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'seed-crash-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Those below the root, the node included. */
const tree = (seed: SeedProcess): number[] => descendants(seed.handle.pid).map(({ pid }) => pid);
const gone = (pids: readonly number[]) =>
  until(
    () => pids.filter((pid) => isAlive(pid)),
    (alive) => alive.length === 0,
  );
const invoke = (seed: SeedProcess, agent: string, input: unknown, extra: object = {}) =>
  seed.api<{ data: { n: number }; version: number; code?: string; error?: string }>('POST', `/api/agents/${agent}/invoke`, {
    input,
    ...extra,
  });
const activeVersions = async (seed: SeedProcess, agent: string) =>
  (await seed.api<Envelope<{ version: number; status: string; hash: string }[]>>('GET', `/api/code/${agent}/versions`)).body.data.filter(
    ({ status }) => status === 'active',
  );
/** Processor time in user mode, in hundredths of a second. */
const ticksOf = async (pid: number): Promise<number> =>
  Number((await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ').at(-1)?.split(' ')[11]);
const isBusy = (seed: SeedProcess, agent: string) =>
  until(
    () => seed.api<Envelope<{ status: string }>>('GET', `/api/agents/${agent}`),
    ({ body }) => body.data.status === 'busy',
  );

test('kill -9 of the node, then of the root, in the middle of an improvement: it goes on, and the live version is the same', async () => {
  await using dir = await folder();
  const improvement = async (seed: SeedProcess, id: string) =>
    (await seed.api<Envelope<Improvement>>('GET', `/api/improvements/${id}`)).body.data;
  const searching = (seed: SeedProcess, id: string, evaluated: number) =>
    until(
      () => improvement(seed, id),
      (one) => one.evaluated > evaluated || !['queued', 'generating'].includes(one.state),
    );
  const first = await startSeed({ dataDir: dir.path });
  const queued = await first.api<Envelope<{ id: string }>>('POST', '/api/agents/packer/improvements', { budget: '8s', seed: 3 });
  expect(queued.status).toBe(202);
  const { id } = queued.body.data;
  const before = await searching(first, id, 20);
  expect(before.state).toBe('generating');

  const firstTree = tree(first);
  process.kill(first.nodePid, 'SIGKILL');
  await first.nodeAgain();
  await gone(firstTree);
  expect(await activeVersions(first, 'packer')).toMatchObject([{ version: 1 }]);
  const resumed = await searching(first, id, before.evaluated);
  expect(resumed.evaluated).toBeGreaterThan(before.evaluated);

  process.kill(first.handle.pid, 'SIGKILL');
  await first.handle.exited;
  await until(
    () => processesIn(dir.path),
    (left) => left.length === 0,
  );
  await using second = await startSeed({ dataDir: dir.path });
  expect(await activeVersions(second, 'packer')).toMatchObject([{ version: 1 }]);
  const ended = await until(
    () => improvement(second, id),
    (one) => !['queued', 'generating', 'validating', 'staged', 'waiting', 'promoting'].includes(one.state),
  );
  expect(['live', 'verifying', 'no_gain']).toContain(ended.state);
  // What the search had done before it was cut off is still on record.
  expect(ended.evaluated).toBeGreaterThanOrEqual(resumed.evaluated);
});

test('an improvement that takes the node with it each time is given up, visibly', async () => {
  await using dir = await folder();
  const first = await startSeed({ dataDir: dir.path });
  const queued = await first.api<Envelope<{ id: string }>>('POST', '/api/agents/packer/improvements', { budget: '24h' });
  const path = `/api/improvements/${queued.body.data.id}`;
  await until(
    () => first.api<Envelope<Improvement>>('GET', path),
    ({ body }) => body.data.state === 'generating',
  );
  const all = tree(first);
  process.kill(first.handle.pid, 'SIGKILL');
  await first.handle.exited;
  // Not only out of sight: whoever is being torn down still owns the folder.
  await gone(all);
  // As if it had been the fifth time.
  const database = await openPglite({ folder: join(dir.path, 'database'), onError: (error) => expect.unreachable(String(error)) });
  const { numUpdatedRows } = await database.db
    .updateTable('jobs')
    .set({ attempt: 5 })
    .where('state', '=', 'executing')
    .executeTakeFirstOrThrow();
  expect(numUpdatedRows).toBe(1n);
  await database.close();
  await using second = await startSeed({ dataDir: dir.path });
  const { body } = await until(
    () => second.api<Envelope<Improvement>>('GET', path),
    ({ body: { data } }) => data.state === 'failed',
  );
  expect(body.data.reason).toMatch(/begun 5 times and never came to its end/);
  expect(await activeVersions(second, 'packer')).toMatchObject([{ version: 1 }]);
  // The way is free for the next one.
  const next = await second.api<Envelope<{ id: string }>>('POST', '/api/agents/packer/improvements', { budget: '24h' });
  await until(
    () => second.api<Envelope<Improvement>>('GET', `/api/improvements/${next.body.data.id}`),
    ({ body: { data } }) => data.state === 'generating',
  );
});

test('kill -9 of the node in the middle of swaps: one version is live, wholly, and all copies say the same', async () => {
  await using seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE)]);
  await seed.api('POST', '/api/code/double/versions', { from: { 'agent.ts': agentOf('return { n: input.n * 3 };') } });
  for (let round = 0; round < 3; round += 1) {
    let swaps = 0;
    const swapping = (async () => {
      for (;;) {
        const version = swaps % 2 === 0 ? 'v2' : 'v1';
        const path = `/api/code/double/versions/${version}/promote`;
        const answer = await seed.api('POST', path, {}, { 'x-confirm': 'code:promote' }).catch(() => null);
        if (answer === null) return;
        swaps += 1;
      }
    })();
    const calls = traffic(seed, { agent: 'double', input: { n: 5 } });
    await until(
      () => swaps,
      (count) => count > 5 + round * 3,
    );
    const before = tree(seed);
    process.kill(seed.nodePid, 'SIGKILL');
    await Promise.all([swapping, calls.stop()]);
    await seed.nodeAgain();
    await gone(before);
    const active = await activeVersions(seed, 'double');
    expect(active).toHaveLength(1);
    const [live] = active;
    const answers = await Promise.all(Array.from({ length: 10 }, () => invoke(seed, 'double', { n: 5 })));
    for (const { body } of answers) expect(body).toMatchObject({ version: live?.version, data: { n: live?.version === 1 ? 10 : 15 } });
    // The black box on the disk follows.
    await until(
      () => readFile(join(seed.dataDir, 'code', 'active', 'double'), 'utf8'),
      (text) => text.includes(String(live?.hash)),
    );
  }
});

test('kill -9 of the sandbox hosts in mid-call: only what ran in them fails, and says so; others take their place', async () => {
  await using seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE), upload('slow', SLOW, SLOW_LIMITS)]);
  const calls = [1, 2].map(() => traffic(seed, { agent: 'double', input: { n: 1 }, restMs: 5 }));
  const slow = invoke(seed, 'slow', { n: 20_000_000_000 });
  await isBusy(seed, 'slow');
  // Those that run now: on a busy machine one may have been replaced since the start.
  const hosts = descendants(seed.handle.pid).filter(({ command }) => command.includes('host-entry'));
  expect(hosts.length).toBeGreaterThanOrEqual(2);
  // Busy is also who still waits for a host: it must be in one, or it only begins in those that come after.
  const ticks = (): Promise<number[]> => Promise.all(hosts.map(({ pid }) => ticksOf(pid)));
  const before = await ticks();
  await until(ticks, (now) => now.some((each, index) => each > (before[index] ?? 0) + 50));
  killAll(hosts.map(({ pid }) => pid));
  const failed = await slow;
  expect([failed.status, failed.body.code, failed.body.error]).toEqual([502, 'agent_error', 'the sandbox host ended (SIGKILL)']);
  await until(
    () => seed.api<{ checks: Record<string, [{ observedValue: number }]> }>('GET', '/health/deep'),
    ({ body }) => body.checks['sandbox:serving-hosts']?.[0].observedValue === 2,
  );
  const ends = await Promise.all(calls.map((each) => each.stop()));
  for (const { statuses } of ends) {
    // What was running in a host when it went may have been the reason: it is told, not run twice.
    expect([200, 502]).toEqual(expect.arrayContaining([...new Set(statuses)]));
    expect(statuses.filter((status) => status !== 200).length).toBeLessThanOrEqual(2);
  }
  expect((await invoke(seed, 'double', { n: 4 })).body.data).toEqual({ n: 8 });
  expect(tree(seed)).toContain(seed.nodePid);
});

test('state is kept over a restart, and every acknowledged call is in it exactly once', async () => {
  await using dir = await folder();
  const first = await startSeed({ dataDir: dir.path });
  await createAgents(first, [upload('counter', COUNTER, "capabilities: ['state'],")]);
  let acknowledged = 0;
  const calls = Array.from({ length: 40 }, async () => {
    const answer = await invoke(first, 'counter', { n: 1 }, { key: 'a' }).catch(() => null);
    if (answer?.status === 200) acknowledged += 1;
  });
  await until(
    () => Promise.resolve(acknowledged),
    (count) => count >= 5,
  );
  process.kill(first.nodePid, 'SIGKILL');
  process.kill(first.handle.pid, 'SIGKILL');
  await first.handle.exited;
  await Promise.all(calls);
  await using second = await startSeed({ dataDir: dir.path });
  const { body } = await invoke(second, 'counter', { n: 0 }, { key: 'a' });
  expect(body.data.n).toBeGreaterThanOrEqual(acknowledged);
  expect(body.data.n).toBeLessThanOrEqual(40);
});

test('SIGTERM lets calls in flight end, and the program ends with 0', async () => {
  await using seed = await startSeed();
  await createAgents(seed, [upload('slow', SLOW, SLOW_LIMITS)]);
  const call = invoke(seed, 'slow', { n: 400_000_000 });
  await isBusy(seed, 'slow');
  seed.handle.kill('SIGTERM');
  expect((await call).status).toBe(200);
  expect(await seed.handle.exited).toEqual({ code: 0, signal: null });
  expect(processesIn(seed.dataDir)).toEqual([]);
  // It has given back what it had: no address, no lock, no socket that leads nowhere.
  expect((await readdir(seed.dataDir)).filter((name) => /^node\.json|\.lock$|\.sock$/.test(name))).toEqual([]);
});

test('SIGINT twice ends it now', async () => {
  await using seed = await startSeed();
  await createAgents(seed, [upload('slow', SLOW, SLOW_LIMITS)]);
  const call = invoke(seed, 'slow', { n: 20_000_000_000 }).catch(() => null);
  await isBusy(seed, 'slow');
  process.kill(seed.handle.pid, 'SIGINT');
  // Terminals and launchers repeat a Ctrl-C: the second one counts once the program has said so.
  await until(
    () => Promise.resolve(seed.output()),
    (text) => text.includes('ends it now'),
  );
  process.kill(seed.handle.pid, 'SIGINT');
  expect(await seed.handle.exited).toEqual({ code: 130, signal: null });
  await call;
  await until(
    () => processesIn(seed.dataDir),
    (left) => left.length === 0,
  );
});

test('SIGTERM while it starts: ends with 0, leaves nothing running, and starts again', async () => {
  await using dir = await folder();
  const { handle, output } = spawnSeed(dir.path, {});
  // The node is there, and has not opened its database yet.
  await until(
    () => descendants(handle.pid),
    (below) => below.some(({ command }) => command.includes('src/node.ts')),
  );
  handle.kill('SIGTERM');
  expect(await handle.exited).toEqual({ code: 0, signal: null });
  expect(processesIn(dir.path)).toEqual([]);
  expect(output()).not.toMatch(/"level":"error"|at .*\.ts:/);
  await using again = await startSeed({ dataDir: dir.path });
  expect((await fetch(`${again.url}/health`)).status).toBe(200);
});
