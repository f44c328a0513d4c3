// A look at agents with a real database: what people said and what failed, what was tried, and who stands in the way.
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { contractSchema } from '#kernel/compiler/contract.ts';
import type { ServedVersion } from '#kernel/runtime/served-version.ts';
import { CallStats } from '#kernel/rollout/call-stats.ts';
import { SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { evidenceText } from '#improvement/evidence.ts';
import { evidenceFor } from './evidence-store.ts';
import type { EnqueueImprovement } from './improver.ts';
import { insertPause } from './pause-store.ts';
import { appendImprovement } from './store.ts';
import { TriggerCycle } from './trigger-cycle.ts';

const NODE = { kind: 'node', id: 'n1' };
const AGENT = 'extract';
const HASH = 'live';

let database: Database;
let asked: EnqueueImprovement[];
let stats: CallStats;
let refuseWith: Error | null;
let errors: unknown[];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await sql`TRUNCATE agents, artifacts, calls, improvements, improvement_pauses CASCADE`.execute(database.db);
  asked = [];
  stats = new CallStats();
  refuseWith = null;
  errors = [];
  await sql`INSERT INTO agents (name, owner_kind, owner_id) VALUES (${AGENT}, 'node', 'n1')`.execute(database.db);
  for (const [number, hash] of [
    [1, 'before'],
    [2, HASH],
  ] as const) {
    await sql`INSERT INTO artifacts (hash, manifest, signature, key_id, js, map, sources, sources_hash, size_bytes)
      VALUES (${hash}, '{}', '', '', '', '', '{}', ${hash}, 1)`.execute(database.db);
    await sql`INSERT INTO versions (agent, number, hash, proposer, principal_kind, principal_id, live_at)
      VALUES (${AGENT}, ${number}, ${hash}, 'manual', 'node', 'n1', now() - interval '1 minute')`.execute(database.db);
  }
  await sql`INSERT INTO desired_state (agent, generation, stable, previous) VALUES (${AGENT}, 2, ${HASH}, 'before')`.execute(database.db);
});
afterEach(() => {
  if (errors.length > 0) throw errors[0];
});

function version(automatic: object | undefined): ServedVersion {
  const improvement = contractSchema.shape.improvement.parse({ automatic });
  return { agent: AGENT, hash: HASH, contract: { improvement }, stats } as unknown as ServedVersion;
}

function cycle(automatic: object | undefined, nowMs: () => number = Date.now): TriggerCycle {
  return new TriggerCycle({
    database,
    improvements: {
      enqueue: async (request) => {
        if (refuseWith !== null) throw refuseWith;
        asked.push(request);
        const id = uuidv7();
        const { agent, budgetMs, trigger, goal, fingerprint = '' } = request;
        const rest = { proposer: 'genetic', seed: 1, secretSeed: 1, baseHash: HASH, baseVersion: 2, jobId: uuidv7() };
        const data = { id, agent, budgetMs, trigger, goal, fingerprint, ...rest };
        await appendImprovement(database, id, { event: { type: 'improvement_queued', data }, expectedVersion: 0, principal: NODE });
        return id;
      },
    },
    live: () => [version(automatic)],
    cycleMs: null,
    nowMs,
    nodePrincipal: NODE,
    onError: (error) => errors.push(error),
  });
}

async function end(id: string | null | undefined, phase: 'no_gain' | 'live' | 'failed'): Promise<void> {
  const event = { type: 'improvement_ended' as const, data: { phase, reason: 'nothing better' } };
  await appendImprovement(database, id ?? '', { event, expectedVersion: 1, principal: NODE });
}

interface CallOptions {
  hash?: string;
  error?: object;
  durationUs?: number;
}

async function call({ hash = HASH, error, durationUs = 1_000 }: CallOptions = {}): Promise<string> {
  const id = uuidv7();
  await sql`INSERT INTO calls (id, agent, export, version, hash, input, output, error, principal_kind, principal_id, started_at, duration_us, cpu_us)
    VALUES (${id}, ${AGENT}, 'handle', 2, ${hash}, '{"line":"x"}', ${error === undefined ? '{"n":1}' : null},
      ${error === undefined ? null : JSON.stringify(error)}, 'user', 'u', now(), ${durationUs}, 1)`.execute(database.db);
  return id;
}

async function judge(verdict: 'good' | 'bad', by = 'u', expected: string | null = null): Promise<string> {
  const id = await call();
  await sql`INSERT INTO call_feedback (call_id, principal_kind, principal_id, agent, hash, verdict, expected)
    VALUES (${id}, 'user', ${by}, ${AGENT}, ${HASH}, ${verdict}, ${expected})`.execute(database.db);
  return id;
}

async function lookOf(triggers: TriggerCycle) {
  await triggers.look();
  return triggers.lookAt(AGENT);
}

test('an agent whose contract does not ask for it is left alone, and the look says so', async () => {
  for (let n = 0; n < 9; n += 1) await judge('bad');
  const look = await lookOf(cycle(undefined));
  expect(look).toMatchObject({ trigger: null, seen: null, reason: 'its contract has no improvement.automatic: only when somebody asks' });
  expect(asked).toEqual([]);
});

test('discontent asks once: not while it runs, not for the same evidence again, and again for more of it', async () => {
  for (let n = 0; n < 8; n += 1) await judge(n < 5 ? 'good' : 'bad');
  // Ten cycles of a minute later nothing holds it back any more.
  let nowMs = Date.now();
  const triggers = cycle({}, () => nowMs);
  const first = await lookOf(triggers);
  expect(first).toMatchObject({ trigger: 'score_drop', reason: 'of 8 judged calls 5 were good', seen: { good: 5, bad: 3 } });
  expect(asked).toMatchObject([{ agent: AGENT, trigger: 'score_drop', budgetMs: 60_000, goal: 'of 8 judged calls 5 were good' }]);
  expect(await lookOf(triggers)).toMatchObject({ trigger: null, reason: `the improvement ${first?.improvement} has not ended` });
  await end(first?.improvement, 'no_gain');
  expect(await lookOf(triggers)).toMatchObject({ trigger: null, reason: expect.stringContaining('ended as no_gain: waiting for') });
  nowMs += 11 * 60_000;
  expect(await lookOf(triggers)).toMatchObject({
    trigger: null,
    reason: `of 8 judged calls 5 were good; that was tried: ${first?.improvement} ended as no_gain`,
  });
  await judge('bad');
  expect(await lookOf(triggers)).toMatchObject({ trigger: 'score_drop', reason: 'of 9 judged calls 5 were good' });
  expect(asked).toHaveLength(2);
});

test('more failures than when it was new', async () => {
  const observed = JSON.stringify({ canary: { calls: 100, errorRate: 0.02 } });
  await sql`INSERT INTO swaps (id, agent, generation, from_hash, to_hash, kind, principal_kind, principal_id, duration_us, analysis)
    VALUES (${uuidv7()}, ${AGENT}, 2, 'before', ${HASH}, 'promote', 'node', 'n1', 1, ${observed}::jsonb)`.execute(database.db);
  for (let n = 0; n < 40; n += 1) stats.observe({ durationUs: 10, ownUs: 10, outcome: n % 10 === 0 ? 'error' : 'ok' });
  expect(await lookOf(cycle({ on: ['score_drop', 'stagnation'] }))).toMatchObject({ trigger: null });
  expect(await lookOf(cycle({}))).toMatchObject({
    trigger: 'error_rate',
    reason: '10.0 % of 40 calls fail, 2.0 % did when it was new',
    seen: { calls: 40, errorRate: 0.1, errorRateBefore: 0.02 },
  });
});

test('by the clock, and after a long time without anything; each time is another', async () => {
  let nowMs = Date.now();
  const triggers = cycle({ on: ['stagnation'], everyMs: 3_600_000 }, () => nowMs);
  expect(await lookOf(triggers)).toMatchObject({ trigger: null, seen: { idleCycles: 1 } });
  nowMs += 30 * 60_000;
  const stagnant = await lookOf(triggers);
  expect(stagnant).toMatchObject({ trigger: 'stagnation', reason: 'nothing has changed for 31 cycles' });
  await end(stagnant?.improvement, 'live');
  nowMs += 40 * 60_000;
  const late = await lookOf(triggers);
  expect(late).toMatchObject({ trigger: 'schedule' });
  expect(new Set(asked.map(({ fingerprint }) => fingerprint)).size).toBe(2);
});

test('what goes wrong is said, and is wrong for this look only', async () => {
  for (let n = 0; n < 8; n += 1) await judge('bad');
  refuseWith = new Error('out of order');
  const triggers = cycle({});
  expect(await lookOf(triggers)).toMatchObject({ trigger: null, reason: 'it could not be looked at: out of order' });
  expect(errors.splice(0)).toHaveLength(1);
  refuseWith = null;
  expect(await lookOf(triggers)).toMatchObject({ trigger: 'score_drop' });
});

test('a pause and a refusal are answers, not faults', async () => {
  for (let n = 0; n < 8; n += 1) await judge('bad');
  await sql`UPDATE versions SET verdict = 'observing' WHERE hash = ${HASH}`.execute(database.db);
  expect(await lookOf(cycle({}))).toMatchObject({ trigger: null, reason: 'its live version is still compared with the one before' });
  await sql`UPDATE versions SET verdict = 'healthy' WHERE hash = ${HASH}`.execute(database.db);
  refuseWith = new SeedError('rate_limited', 'enough for today');
  expect(await lookOf(cycle({}))).toMatchObject({ trigger: null, reason: 'of 8 judged calls 0 were good; refused: enough for today' });
  await insertPause(database, { reason: 'stock taking', by: NODE });
  expect(await lookOf(cycle({}))).toMatchObject({ trigger: null, reason: 'improvements are paused: seed improvements:resume' });
});

test('evidence: failures by their code, violations of the contract, what was slower than before, what people said, what was tried', async () => {
  expect(await evidenceFor(database, 'nobody')).toBeNull();
  for (let n = 1; n <= 20; n += 1) await call({ hash: 'before', durationUs: n * 1_001 });
  await call({ hash: 'before', error: { code: 'cpu_limit', message: 'too long' } });
  for (let n = 0; n < 5; n += 1) await call({ error: { code: 'agent_error', message: 'Error: no such line', stack: 'at agent.ts:1' } });
  await call({ error: { code: 'memory_limit', message: 'all of it' } });
  await call({ error: { code: 'agent_error', message: "the output's n must be integer" } });
  // Not its own fault: the caller went away, the host was lost.
  await call({ error: { code: 'cancelled', message: 'gone' } });
  await call({ error: { code: 'unavailable', message: 'lost' } });
  const slow = await call({ durationUs: 40_000 });
  await judge('good');
  const bad = await judge('bad', 'someone', '{"n":2}');
  await sql`INSERT INTO call_feedback (call_id, principal_kind, principal_id, agent, hash, verdict)
    SELECT id, 'user', 'u', agent, hash, 'bad' FROM calls WHERE hash = 'before' LIMIT 1`.execute(database.db);
  const triggers = cycle({ on: [], everyMs: 60_000 }, () => Date.now() + 120_000);
  await end((await lookOf(triggers))?.improvement, 'no_gain');
  const evidence = await evidenceFor(database, AGENT);
  expect(evidence).toMatchObject({
    version: 2,
    hash: HASH,
    calls: 12,
    failures: [
      { code: 'agent_error', count: 5, examples: [{ error: 'Error: no such line', inputJson: '{"line":"x"}' }, {}, {}] },
      { code: 'contract_violation', count: 1, examples: [{ error: "the output's n must be integer" }] },
      { code: 'memory_limit', count: 1, examples: [{ error: 'all of it' }] },
    ],
    slow: { count: 1, examples: [{ callId: slow, durationMs: 40 }] },
    good: 1,
    bad: 1,
    feedback: [{ verdict: 'bad', expectedJson: '{"n":2}', call: { callId: bad } }, { verdict: 'good' }],
    scores: [{ outcome: 'no_gain', reason: 'nothing better', version: null }],
  });
  expect(evidence?.slow.overMs).toBeCloseTo(19.07);
  expect(evidence === null ? '' : evidenceText(evidence)).toContain('- bad: handle({"line":"x"}) answered {"n":1}; expected {"n":2}');
});
