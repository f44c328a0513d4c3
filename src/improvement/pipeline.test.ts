// The order of stages and what each event says, with scores that the test decides.
import { expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import { candidateId } from './archive/candidate-id.ts';
import type { ApprovalDecision, ImprovementEvent, PairedReport } from './events.ts';
import { evolve, initialImprovement } from './improvement.ts';
import { APPROVED, better, CONTRACT, proposer, QUEUED, start, type Scores } from './pipeline.fixture.ts';
import { runPipeline } from './pipeline.ts';
import type { ProposalRequest, Proposer, ProposerEvent } from './proposer.ts';
import type { Workbench } from './workbench.ts';

async function run(reported: readonly string[], scores: Scores): Promise<ImprovementEvent[]> {
  const { events, running } = start({ reported, scores });
  expect((await running).phase).toBe('live');
  return events;
}

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
    log: { record: () => Promise.resolve() },
    promotion: {
      stage: () => Promise.reject(new Error('never')),
      replay: () => Promise.reject(new Error('never')),
      rehearse: () => Promise.reject(new Error('never')),
      approval: () => Promise.reject(new Error('never')),
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

test('a version that fails calls which were answered before is refused, kept, and written down', async () => {
  const replay = { calls: 5, same: 3, better: 0, worse: 2, unknown: 0, examples: [] };
  const { running, approvals, logged } = start({ reported: [], scores: better, replay });
  expect(await running).toMatchObject({
    phase: 'rejected',
    reason: 'replay: 2 of 5 recorded calls that were answered before fail with it',
    staged: { version: 2 },
    promoted: null,
  });
  expect(approvals).toEqual([]);
  expect(logged.map(({ verdict, staged }) => [verdict, staged?.version])).toEqual([
    ['replay: 2 of 5 recorded calls that were answered before fail with it', 2],
  ]);
});

test('one whose codeChange fails on a real state is refused with its words', async () => {
  const { running, approvals } = start({ reported: [], scores: better, rehearsal: 'key truck-7: no bins' });
  expect(await running).toMatchObject({ phase: 'rejected', reason: 'rehearsal: key truck-7: no bins' });
  expect(approvals).toEqual([]);
});

test('it waits for an answer, and goes on from there when it comes; nothing before is done again', async () => {
  const first = start({ reported: [], scores: better, decision: null });
  expect(await first.running).toMatchObject({ phase: 'waiting', approvalId: 'a1', promoted: null });
  const second = start({ reported: [], scores: () => 'never again', past: [QUEUED, ...first.events] });
  expect(await second.running).toMatchObject({ phase: 'live', approval: APPROVED });
  expect(second.events.map(({ type }) => type)).toEqual([
    'approval_decided',
    'stage_finished',
    'stage_started',
    'version_promoted',
    'stage_finished',
    'stage_started',
    'stage_finished',
    'improvement_ended',
  ]);
  expect(second.logged).toMatchObject([{ verdict: 'accepted', approver: 'user/ada', staged: { version: 2 } }]);
});

test('a denial ends it, with who and why', async () => {
  const decision: ApprovalDecision = { decision: 'denied', by: 'user/ada', note: 'nobody could read it' };
  const { running, logged } = start({ reported: [], scores: better, decision });
  expect(await running).toMatchObject({ phase: 'rejected', reason: 'denied by user/ada: nobody could read it', promoted: null });
  expect(logged).toMatchObject([{ verdict: 'denied by user/ada: nobody could read it', approver: 'user/ada' }]);
});

test('who is to approve it sees what it gains, what it risks, and whether a rule may decide', async () => {
  const replay = { calls: 4, same: 3, better: 0, worse: 0, unknown: 1, examples: [] };
  const { running, approvals } = start({ reported: [], scores: better, replay });
  await running;
  expect(approvals).toMatchObject([
    {
      agent: 'doubler',
      title: 'doubler v2 in place of v1',
      byRules: false,
      risk: 'medium',
      riskFactors: ['written by fixed', 'adds files', 'answers 1 of 4 recorded calls otherwise, or nobody knows'],
      payload: { agent: 'doubler', proposer: 'fixed', relative_gain: expect.closeTo(0.75, 1), replay_unknown: 1, risk: 'medium' },
      context: { files: { 'agent.ts': 'better' }, replay, validation: { wins: 20 } },
    },
  ]);
});

test('a candidate that was found and paid for before the node died is not searched for again', async () => {
  const past: ImprovementEvent[] = [
    QUEUED,
    { type: 'stage_started', data: { stage: 'propose' } },
    { type: 'proposer_spent', data: { inputTokens: 10, outputTokens: 5, costMicroUsd: 700, promptHash: 'h' } },
    { type: 'attempt_rejected', data: { reason: 'nothing was changed' } },
    { type: 'proposer_spent', data: { inputTokens: 20, outputTokens: 5, costMicroUsd: 300, promptHash: 'i' } },
    { type: 'candidate_found', data: { files: { 'agent.ts': 'found' }, selection: 2, note: 'found before' } },
  ];
  const by: Proposer = { name: 'paid', propose: () => expect.unreachable('it would be paid for twice') };
  const { running, events, logged } = start({ reported: [], scores: better, past, by });
  expect((await running).spent).toEqual({ runs: 2, inputTokens: 30, outputTokens: 10, costMicroUsd: 1_000 });
  const proposed = events.find((event) => event.type === 'candidates_proposed');
  expect(proposed?.data.candidates.map(({ note }) => note)).toEqual(['found before']);
  expect(logged.at(-1)).toMatchObject({ costMicroUsd: 1_000, promptHash: 'i' });
});

test('what an attempt made in vain is kept with what it came from, and told when the search goes on', async () => {
  const asked: ProposalRequest[] = [];
  const failing: Proposer = {
    name: 'failing',
    async *propose(request): AsyncGenerator<ProposerEvent, void, void> {
      asked.push(request);
      yield { type: 'spent', spent: { inputTokens: 1, outputTokens: 1, costMicroUsd: 1, promptHash: 'h' } };
      yield {
        type: 'rejected',
        reason: 'no better',
        files: { 'agent.ts': 'worse' },
        score: 3,
        parent: 'i0/aa',
        scores: [3],
        promptHash: 'h',
      };
      yield { type: 'rejected', reason: 'nothing was changed', files: {}, score: null };
    },
  };
  const first = start({ reported: [], scores: better, by: failing });
  expect(await first.running).toMatchObject({ phase: 'no_gain', reason: expect.stringContaining('no better; nothing was changed') });
  const id = candidateId('i1', { 'agent.ts': 'worse' });
  const kept = { id, reason: 'no better', files: { 'agent.ts': 'worse' }, selection: 3, parent: 'i0/aa', scores: [3], promptHash: 'h' };
  const attempts = first.events.filter((event) => event.type === 'attempt_rejected');
  expect(attempts.map(({ data }) => data)).toMatchObject([kept, { reason: 'nothing was changed' }]);
  expect(attempts[1]?.data).not.toHaveProperty('files');
  expect(first.logged).toMatchObject([{ parent: 'i0/aa', promptHash: 'h', selection: 3, verdict: 'no better' }]);

  const died = [
    QUEUED,
    ...first.events.slice(
      0,
      first.events.findIndex(({ type }) => type === 'candidates_proposed'),
    ),
  ];
  await start({ reported: [], scores: better, by: failing, past: died }).running;
  expect(asked[1]?.before).toEqual({
    runs: 1,
    rejected: ['no better', 'nothing was changed'],
    made: [{ id, parent: 'i0/aa', files: { 'agent.ts': 'worse' } }],
  });
});
