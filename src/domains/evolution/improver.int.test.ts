// Pauses, limits and duplicates, with a real queue and a proposer that does what the test says.
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { countJobs } from '#db/jobs.ts';
import { JobWorker } from '#db/job-worker.ts';
import { testDatabase } from '#db/testing.ts';
import { contractSchema, type ContractData } from '#kernel/compiler/contract.ts';
import { inProcessQueue } from '#kernel/cluster/queues/in-process.ts';
import { toSeedError } from '#lib/error.ts';
import type { Proposer } from '#improvement/proposer.ts';
import type { Workbench } from '#improvement/workbench.ts';
import { Improvements, IMPROVEMENTS_QUEUE, type EnqueueImprovement } from './improver.ts';
import type { Limits } from './limits.ts';
import { currentPause } from './pause-store.ts';
import { getImprovement, listImprovements, readImprovement } from './store.ts';

const BOSS = { kind: 'user', id: 'boss' };
const NODE = { kind: 'node', id: 'n1' };
const CONTRACT = { name: 'packer', improvement: contractSchema.shape.improvement.parse(undefined) } as unknown as ContractData;

/** Nothing is ever better than what is there. */
const workbench: Workbench = {
  contractTests: () => Promise.resolve(),
  score: (_base, candidates, { seeds }) =>
    Promise.resolve(
      candidates.map(() => ({
        ok: true as const,
        scores: seeds.map(() => 1),
        details: [],
        mean: 1,
        stopped: false,
        cpuMs: 1,
        reported: [],
      })),
    ),
};

let database: Database;
let searches: { budgetMs: number; end: () => void }[];
/** How often a worker has asked whether they are paused. */
let looks = 0;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await sql`TRUNCATE improvements, improvement_spending, improvement_pauses, jobs`.execute(database.db);
  searches = [];
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Searches until the test or the signal ends it, and finds nothing. */
const patient: Proposer = {
  name: 'genetic',
  free: true,
  async *propose({ budgetMs, signal }) {
    yield { type: 'progress', progress: { generation: 1, evaluated: 5, perSecond: 1, best: 1, baseline: 1, elapsedMs: 0 } };
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    searches.push({ budgetMs, end: resolve });
    await promise;
  },
};
/** Finds nothing either, at this price. */
const paid: Proposer = {
  name: 'paid',
  async *propose() {
    yield { type: 'spent', spent: { inputTokens: 10, outputTokens: 2, costMicroUsd: 600_000, promptHash: 'p' } };
  },
};

function improver(limits: Partial<Limits> = {}): Improvements {
  return new Improvements({
    database,
    proposers: new Map([patient, paid].map((proposer) => [proposer.name, proposer])),
    workbench,
    log: { record: () => Promise.resolve() },
    withdraw: () => Promise.resolve(),
    baseOf: () => Promise.resolve({ hash: 'base', version: 1 }),
    loadBase: (_agent, hash) => Promise.resolve({ hash, contract: CONTRACT, sources: {} }),
    promotionFor: () => ({
      stage: () => expect.unreachable('nothing is better'),
      replay: () => expect.unreachable('nothing is better'),
      rehearse: () => expect.unreachable('nothing is better'),
      approval: () => expect.unreachable('nothing is better'),
      promote: () => expect.unreachable('nothing is better'),
      observed: () => expect.unreachable('nothing is better'),
    }),
    monotonicMs: () => performance.now(),
    nodePrincipal: NODE,
    limits: { perAgentAndDay: 100, agentMicroUsdPerDay: 1_000_000, totalMicroUsdPerDay: 2_000_000, ...limits },
    nowMs: Date.now,
  });
}

/** Its jobs, done as a node does them. */
function work(improvements: Improvements, owner = 'n1'): JobWorker {
  const worker = new JobWorker({
    database,
    wakeups: inProcessQueue({ onError: (error) => expect.unreachable(String(error)) }),
    owner,
    sweepMs: 20,
    queues: {
      [IMPROVEMENTS_QUEUE]: {
        concurrency: 2,
        isPaused: () => {
          looks += 1;
          return improvements.isPaused();
        },
        handlers: { improvement: (job, { signal }) => improvements.run((job.args as { id: string }).id, { signal, attempt: job.attempt }) },
      },
    },
    onError: (error) => expect.unreachable(String(error)),
  });
  closing.push(() => worker.close());
  return worker;
}

const ask = (improvements: Improvements, over: Partial<EnqueueImprovement> = {}): Promise<string> =>
  improvements.enqueue({ agent: 'packer', budgetMs: 60_000, trigger: 'manual', goal: '', principal: BOSS, ...over });
const refusal = (asked: Promise<string>) => asked.then(() => expect.unreachable('it was not refused'), toSeedError);
const state = async (id: string) => (await getImprovement(database, id))?.state;
async function searching(count: number): Promise<void> {
  await expect.poll(() => searches.length, { timeout: 30_000 }).toBe(count);
}

test('a pause stops what runs and holds what waits, over a restart, until somebody resumes', async () => {
  const improvements = improver();
  const first = work(improvements);
  const [one, other] = [await ask(improvements), await ask(improvements, { agent: 'extract' })];
  await searching(2);
  expect(await improvements.pause({ reason: 'stock taking', by: BOSS })).toBe(true);
  expect(await improvements.pause({ reason: 'once more', by: NODE })).toBe(false);
  expect(await currentPause(database)).toMatchObject({ reason: 'stock taking', by: BOSS });
  await expect.poll(() => first.runningCount, { timeout: 30_000 }).toBe(0);
  const late = await ask(improvements, { goal: 'asked for while paused' });
  // Another node begins, and finds three jobs and the pause.
  await first.close();
  const again = improver();
  work(again);
  const before = looks;
  await expect.poll(() => looks - before, { timeout: 30_000 }).toBeGreaterThan(3);
  expect((await countJobs(database))[0]).toMatchObject({ executing: 0 });
  expect(searches).toHaveLength(2);
  expect([await state(one), await state(other), await state(late)]).toEqual(['generating', 'generating', 'queued']);

  expect(await again.resume(BOSS)).toMatchObject({ reason: 'stock taking' });
  expect(await again.resume(BOSS)).toBeNull();
  await searching(4);
  // They go on: no attempt was used, and no stage is begun from its beginning with the whole budget.
  const { events } = await readImprovement(database, one);
  expect(events.map(({ type }) => type).filter((type) => type === 'improvement_ended')).toEqual([]);
  for (const search of searches) search.end();
  await expect.poll(() => state(one), { timeout: 30_000 }).toBe('no_gain');
  await improvements.pause({ reason: 'a second one', by: NODE });
  const { rows } = await sql<{ open: number; all: number }>`
    SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS open, count(*)::int AS all FROM improvement_pauses`.execute(database.db);
  expect(rows).toEqual([{ open: 1, all: 2 }]);
});

test('a pause that another node made stops what runs here', async () => {
  const improvements = improver();
  const worker = work(improvements);
  await ask(improvements);
  await searching(1);
  await improver().pause({ reason: 'from elsewhere', by: BOSS });
  await expect.poll(() => worker.runningCount, { timeout: 30_000 }).toBe(0);
});

test('the same request is one improvement until it has ended, whoever asks and however many at once', async () => {
  const improvements = improver();
  const ids = await Promise.all(Array.from({ length: 10 }, () => ask(improvements)));
  expect(new Set(ids).size).toBe(1);
  const others = await Promise.all([
    ask(improvements, { goal: 'fewer bins' }),
    ask(improvements, { seed: 1 }),
    ask(improvements, { seed: 2 }),
    ask(improvements, { budgetMs: 5_000 }),
    ask(improvements, { agent: 'extract' }),
  ]);
  expect(new Set([...ids, ...others]).size).toBe(6);
  const [first = ''] = ids;
  await improvements.cancel(first, { reason: 'not now', principal: BOSS });
  expect(await ask(improvements)).not.toBe(first);
});

test('of two nodes one improves an agent at a time, and each request is done once', async () => {
  const nodes = [improver(), improver()] as const;
  for (const [index, node] of nodes.entries()) work(node, `n${index + 1}`);
  const ids = await Promise.all([ask(nodes[0]), ask(nodes[1]), ask(nodes[0], { goal: 'another' }), ask(nodes[1], { goal: 'a third' })]);
  expect(new Set(ids).size).toBe(3);
  for (const done of [0, 1, 2]) {
    await searching(done + 1);
    const looksBefore = looks;
    // Both go on looking for work: there is none for them.
    await expect.poll(() => looks, { timeout: 30_000 }).toBeGreaterThan(looksBefore + 20);
    expect(searches).toHaveLength(done + 1);
    searches[done]?.end();
  }
  for (const id of ids) await expect.poll(() => state(id), { timeout: 30_000 }).toBe('no_gain');
});

test('what nobody asked for waits for what somebody asked for', async () => {
  const improvements = improver();
  const id = await ask(improvements);
  const automatic = { trigger: 'stagnation', goal: 'reason', principal: NODE } as const;
  expect(await refusal(ask(improvements, automatic))).toMatchObject({
    code: 'invalid_state',
    message: `the improvement ${id} of packer has not ended`,
  });
  await improvements.cancel(id, { reason: 'not now', principal: BOSS });
  const asked = await Promise.allSettled(Array.from({ length: 5 }, (_, n) => ask(improvements, { ...automatic, goal: `reason ${n}` })));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('so many a day for one agent; another has its own', async () => {
  const improvements = improver({ perAgentAndDay: 3 });
  const asked = await Promise.allSettled(Array.from({ length: 8 }, (_, seed) => ask(improvements, { seed })));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  const refused = await refusal(ask(improvements, { seed: 9 }));
  expect(refused).toMatchObject({ code: 'rate_limited', message: 'packer was given 3 improvements within 24 hours, and 3 are allowed' });
  expect(refused.retryAfterMs).toBeGreaterThan(86_000_000);
  await ask(improvements, { agent: 'extract' });
  // What was refused left no job behind.
  expect((await countJobs(database))[0]?.available).toBe(4);
  await sql`UPDATE improvements SET created_at = created_at - interval '25 hours' WHERE agent = 'packer'`.execute(database.db);
  await ask(improvements, { seed: 9 });
});

test('money: what is spent is counted where it was spent, and who costs nothing may go on', async () => {
  const improvements = improver();
  const run = async (agent: string, seed: number): Promise<string> => {
    const id = await ask(improvements, { agent, seed, proposer: 'paid' });
    await improvements.run(id, { signal: new AbortController().signal, attempt: 1 });
    return id;
  };
  // Both were asked for when there was money for both.
  const late = await ask(improvements, { seed: 9, proposer: 'paid' });
  const ids = [await run('packer', 1), await run('packer', 2)];
  expect(await Promise.all(ids.map(state))).toEqual(['no_gain', 'no_gain']);
  expect(await refusal(ask(improvements, { seed: 3, proposer: 'paid' }))).toMatchObject({
    code: 'rate_limited',
    message: 'improvements of packer have cost 1.20 USD of 1.00 USD within 24 hours',
  });
  await ask(improvements, { seed: 3 });
  await improvements.run(late, { signal: new AbortController().signal, attempt: 1 });
  expect(await getImprovement(database, late)).toMatchObject({ state: 'failed', reason: expect.stringContaining('1.20 USD of 1.00 USD') });
  await run('extract', 1);
  await run('third', 1);
  expect(await refusal(ask(improvements, { agent: 'fourth', proposer: 'paid' }))).toMatchObject({
    message: 'improvements of all agents have cost 2.40 USD of 2.00 USD within 24 hours',
  });
  await sql`UPDATE improvement_spending SET at = at - interval '25 hours'`.execute(database.db);
  await ask(improvements, { agent: 'fourth', proposer: 'paid' });
  expect((await listImprovements(database, { agent: 'fourth' }))[0]?.fingerprint).toMatch(/^[0-9a-f]{32}$/);
});
