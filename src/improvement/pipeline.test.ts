// The order of stages and what each event says, with scores that the test decides.
import { expect, test } from 'vitest';
import { contractSchema, type ContractData } from '#kernel/compiler/contract.ts';
import { SeedError } from '#lib/error.ts';
import type { ImprovementEvent, PairedReport } from './events.ts';
import { evolve, initialImprovement, type Improvement } from './improvement.ts';
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

interface Started {
  events: ImprovementEvent[];
  /** What was stored with the version. */
  reports: Readonly<Record<string, unknown>>[];
  running: Promise<Improvement>;
}

function start(options: {
  reported: readonly string[];
  scores: Scores;
  past?: readonly ImprovementEvent[];
  signal?: AbortSignal;
  by?: Proposer;
}): Started {
  const { reported, scores, past = [QUEUED], signal = new AbortController().signal, by = proposer } = options;
  const events: ImprovementEvent[] = [];
  const reports: Readonly<Record<string, unknown>>[] = [];
  const asked: string[] = [];
  const workbench: Workbench = {
    contractTests: () => Promise.resolve(),
    score: (_base, candidates, { set, seeds }: ScoreOptions) => {
      expect(asked).not.toContain(seeds.join());
      asked.push(seeds.join());
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
  const running = runPipeline(past.reduce(evolve, initialImprovement), {
    proposer: by,
    workbench,
    promotion: {
      stage: (_sources, its) => {
        reports.push(its);
        return Promise.resolve({ hash: 'next', version: 2 });
      },
      promote: () => Promise.resolve({ generation: 2, swapUs: 1 }),
      observed: () => Promise.resolve({ verdict: 'healthy', reason: '' }),
    },
    base: { hash: 'base', contract: CONTRACT, sources: {} },
    append: (event) => Promise.resolve(void events.push(event)),
    monotonicMs: () => 0,
    signal,
  });
  return { events, reports, running };
}

async function run(reported: readonly string[], scores: Scores): Promise<ImprovementEvent[]> {
  const { events, running } = start({ reported, scores });
  expect((await running).phase).toBe('live');
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

test('of more tasks than are scored it is said how many are left out', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `task ${index}`);
  const reported = tested(await run(names, better))?.reported ?? [];
  expect(reported.map(({ task }) => task)).toEqual([...names.slice(0, 8), '2 more']);
  expect(reported.at(-1)).toEqual({ task: '2 more', failed: 'an evaluation reports 8 tasks at most' });
});

test('is kept with the version, for whoever promotes it later', async () => {
  const { reports, events, running } = start({ reported: ['uniform'], scores: better });
  await running;
  expect(reports).toMatchObject([{ reported: tested(events)?.reported }]);
  expect(tested(events)?.reported).toHaveLength(1);
});

test.each(['validation', 'test', 'reported:uniform'])(
  'a node that stops while it scores %s holds nothing against the candidate',
  async (stopped) => {
    const stop = new AbortController();
    // The base's score is there already.
    const scores: Scores = (set, isBase) => {
      if (set !== stopped || isBase) return better(set, isBase);
      stop.abort(new Error('the node stops'));
      return 'cancelled: the evaluation was cancelled';
    };
    const former = start({ reported: ['uniform'], scores, signal: stop.signal });
    await expect(former.running).rejects.toThrow('the node stops');
    const next = start({ reported: ['uniform'], scores: better, past: [QUEUED, ...former.events] });
    expect((await next.running).phase).toBe('live');
    expect((await next.running).reported).toMatchObject([{ task: 'uniform', report: { wins: 20 } }]);
  },
);

test('what a proposer does to what it was handed, or has handed over, changes nothing', async () => {
  const handed: Record<string, string> = { 'agent.ts': 'better' };
  const meddler: Proposer = {
    name: 'meddler',
    async *propose({ contract, sources }) {
      Object.assign(contract.improvement, { minGain: -1 });
      Object.assign(contract, { objective: { name: 'off', direction: 'maximize' } });
      Object.assign(sources, { 'agent.ts': 'spoiled' });
      yield { type: 'candidate', files: handed, score: 1, note: '' };
      handed['agent.ts'] = 'swapped';
    },
  };
  const { events, running } = start({ reported: [], scores: better, by: meddler });
  expect((await running).candidates).toMatchObject([{ files: { 'agent.ts': 'better' } }]);
  expect(events.find((event) => event.type === 'candidates_proposed')?.data).toMatchObject({
    candidates: [{ files: { 'agent.ts': 'better' } }],
  });
  expect(CONTRACT).toMatchObject({ objective: { direction: 'minimize' }, improvement: { minGain: 0.01 } });
});

test.each([Number.NaN, Infinity])('a proposer that says %s of its candidate is not believed', async (score) => {
  const boaster: Proposer = {
    name: 'boaster',
    async *propose() {
      yield { type: 'candidate', files: { 'agent.ts': 'better' }, score, note: '' };
    },
  };
  const end = await start({ reported: [], scores: better, by: boaster }).running;
  expect(end).toMatchObject({
    phase: 'failed',
    candidates: null,
    reason: `the proposer boaster says that its candidate's score is ${score}: it must be a number`,
  });
});

test('an improvement from before there were tasks to report has none', () => {
  const report = { mean: 1, baseMean: 4 } as PairedReport;
  expect(evolve(initialImprovement, { type: 'winner_tested', data: { report } })).toMatchObject({ tested: report, reported: [] });
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
