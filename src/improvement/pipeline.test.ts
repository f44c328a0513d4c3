// The order of stages and what each event says, with scores that the test decides.
import { expect, test } from 'vitest';
import { contractSchema, type ContractData } from '#kernel/compiler/contract.ts';
import { SeedError } from '#lib/error.ts';
import type { ImprovementEvent } from './events.ts';
import { evolve, initialImprovement } from './improvement.ts';
import { runPipeline } from './pipeline.ts';
import type { Proposer } from './proposer.ts';
import type { ScoreOptions, Scored, Workbench } from './workbench.ts';

const CONTRACT = {
  name: 'doubler',
  improvement: contractSchema.shape.improvement.parse(undefined),
  objective: { name: 'off', direction: 'minimize' },
} as unknown as ContractData;
const QUEUED: ImprovementEvent = {
  type: 'improvement_queued',
  data: {
    id: 'i1',
    jobId: 'j1',
    agent: 'doubler',
    proposer: 'fixed',
    trigger: 'manual',
    goal: '',
    budgetMs: 1_000,
    seed: 1,
    secretSeed: 7,
    baseHash: 'base',
    baseVersion: 1,
  },
};

const proposer: Proposer = {
  name: 'fixed',
  async *propose() {
    yield { type: 'candidate', files: { 'agent.ts': 'better' }, score: 1, note: '' };
  },
};

/** Scores a set by who is scored: base and candidate. */
type Scores = (set: string, isBase: boolean) => number | string;

async function run(reported: readonly string[], scores: Scores): Promise<ImprovementEvent[]> {
  const events: ImprovementEvent[] = [];
  const asked: { set: string; seeds: readonly number[] }[] = [];
  const workbench: Workbench = {
    contractTests: () => Promise.resolve(),
    score: (_base, candidates, { set, seeds }: ScoreOptions) => {
      asked.push({ set, seeds });
      const one = (isBase: boolean): Scored => {
        const score = scores(set, isBase);
        if (typeof score === 'string') return { ok: false, reason: score };
        // Not all the same, so that nothing is certain.
        const all = seeds.map((_, index) => score + index / 1000);
        return { ok: true, scores: all, details: [], mean: score, stopped: false, cpuMs: 1, reported };
      };
      return Promise.resolve(candidates.map((candidate) => one(Object.keys(candidate.files).length === 0)));
    },
  };
  const end = await runPipeline(evolve(initialImprovement, QUEUED), {
    proposer,
    workbench,
    promotion: {
      stage: () => Promise.resolve({ hash: 'next', version: 2 }),
      promote: () => Promise.resolve({ generation: 2, swapUs: 1 }),
      observed: () => Promise.resolve({ verdict: 'healthy', reason: '' }),
    },
    base: { hash: 'base', contract: CONTRACT, sources: {} },
    append: (event) => Promise.resolve(void events.push(event)),
    monotonicMs: () => 0,
    signal: new AbortController().signal,
  });
  expect(new Set(asked.map(({ seeds }) => seeds.join())).size).toBe(asked.length);
  expect(end.phase).toBe('live');
  return events;
}

const better: Scores = (_set, isBase) => (isBase ? 4 : 1);

function tested(events: readonly ImprovementEvent[]) {
  return events.find((event) => event.type === 'winner_tested')?.data;
}

test('what is better on validation goes live, and its test score decides nothing', async () => {
  const events = await run([], (set, isBase) => (set === 'test' ? (isBase ? 1 : 9) : better(set, isBase)));
  expect(tested(events)).toMatchObject({ report: { mean: expect.closeTo(9, 1), wins: 0 }, reported: [] });
});

test('a task that is reported is scored for both, and decides nothing', async () => {
  const events = await run(['uniform'], (set, isBase) => (set === 'reported:uniform' ? (isBase ? 5 : 6) : better(set, isBase)));
  expect(tested(events)?.reported).toMatchObject([
    { task: 'uniform', report: { draws: 20, baseMean: expect.closeTo(5, 1), mean: expect.closeTo(6, 1), wins: 0, losses: 20 } },
  ]);
});

test('a task that can not be scored says why, whoever fails at it', async () => {
  const events = await run(['base fails', 'candidate fails', 'works'], (set, isBase) => {
    if (set === 'reported:base fails' && isBase) return 'threw: not today';
    if (set === 'reported:candidate fails' && !isBase) return 'cpu_limit: too slow';
    return better(set, isBase);
  });
  expect(tested(events)?.reported).toMatchObject([
    { task: 'base fails', failed: expect.stringContaining('not today') },
    { task: 'candidate fails', failed: 'cpu_limit: too slow' },
    { task: 'works', report: { wins: 20 } },
  ]);
});

test('an error of the node itself is no report', async () => {
  const events: ImprovementEvent[] = [];
  const broken: Workbench = {
    contractTests: () => Promise.resolve(),
    score: () => Promise.reject(new SeedError('database_unavailable', 'away')),
  };
  const running = runPipeline(evolve(initialImprovement, QUEUED), {
    proposer,
    workbench: broken,
    promotion: {
      stage: () => Promise.reject(new Error('never')),
      promote: () => Promise.resolve(null),
      observed: () => Promise.reject(new Error('never')),
    },
    base: { hash: 'base', contract: CONTRACT, sources: {} },
    append: (event) => Promise.resolve(void events.push(event)),
    monotonicMs: () => 0,
    signal: new AbortController().signal,
  });
  await expect(running).rejects.toMatchObject({ code: 'database_unavailable' });
  expect(events.some((event) => event.type === 'improvement_ended')).toBe(false);
});
