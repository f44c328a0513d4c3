// What holds for every author: files are judged and not words, reasons go on to the next attempt, nothing is paid for twice.
import { expect, test } from 'vitest';
import { contractSchema, type SearchPolicy } from '#kernel/compiler/contract.ts';
import type { EvaluateOptions, ProposalRequest, ProposerEvent } from '../../proposer.ts';
import type { Author, AuthorOutcome, AuthorTask } from './author.ts';
import { authoredProposer } from './authored.ts';

const contract = contractSchema.parse({
  contract: 1,
  name: 'reader',
  summary: 'reads',
  exports: [{ kind: 'call', name: 'handle', input: { type: 'object' }, output: {} }],
  limits: {},
  objective: { name: 'exact', direction: 'maximize' },
});
const SOURCES = { 'agent.ts': 'old', 'contract.ts': 'c', 'evals/evaluation.ts': 'secret', 'evals/README.md': 'how it is scored' };
const usage = { inputTokens: 100, cachedInputTokens: 0, outputTokens: 10, costMicroUsd: 5 };
const wrote = (path: string, text: string): AuthorOutcome => ({ ok: true, text: 'done', changes: [{ path, text }], usage });

/** An author that does one thing after the other. */
function scripted(...outcomes: readonly AuthorOutcome[]): { author: Author; tasks: AuthorTask[] } {
  const tasks: AuthorTask[] = [];
  const author: Author = {
    name: 'scripted',
    async *write(task) {
      const number = tasks.push(task);
      yield { type: 'activity', activity: { kind: 'tool', text: 'Write agent.ts' } };
      yield await Promise.resolve({ type: 'ended' as const, outcome: outcomes[number - 1] ?? wrote('agent.ts', 'old') });
    },
  };
  return { author, tasks };
}

const SCORES: Readonly<Record<string, number>> = { old: 0.3, same: 0.3, better: 0.9, best: 0.95, worse: 0.1 };

/** Scored until it is behind its pace. */
function scoresOf(score: number, { seeds, paceAt = [] }: EvaluateOptions): number[] {
  const behind = paceAt.findIndex((pace) => score < pace);
  return seeds.slice(0, behind === -1 ? seeds.length : behind + 1).map(() => score);
}

async function propose(
  author: Author,
  { onEvent, ...given }: Partial<ProposalRequest> & { onEvent?: (event: ProposerEvent) => void } = {},
): Promise<ProposerEvent[]> {
  const events: ProposerEvent[] = [];
  const request: ProposalRequest = {
    improvement: 'i1',
    base: { agent: 'reader', hash: 'h', version: 1 },
    contract,
    sources: SOURCES,
    goal: 'read more',
    evidence: 'two calls failed today',
    budgetMs: 60_000,
    seed: 1,
    before: { runs: 0, rejected: [], made: [] },
    earlier: [],
    signal: new AbortController().signal,
    evaluate: (candidates, how) => {
      expect(how.feed).toBe('outside');
      return Promise.resolve(
        candidates.map(({ files }) => {
          const score = SCORES[files['agent.ts'] ?? 'old'];
          if (score === undefined) return { ok: false as const, reason: 'agent.ts:1:1: no' };
          return {
            ok: true as const,
            scores: scoresOf(score, how),
            stopped: scoresOf(score, how).length < how.seeds.length,
            details: [{ failures: [{ input: 'x', expected: 'y' }] }],
          };
        }),
      );
    },
    ...given,
  };
  for await (const event of authoredProposer({ author, monotonicMs: () => 0 }).propose(request)) {
    events.push(event);
    onEvent?.(event);
  }
  return events;
}
const of = <T extends ProposerEvent['type']>(events: readonly ProposerEvent[], type: T) =>
  events.filter((event): event is Extract<ProposerEvent, { type: T }> => event.type === type);

test('the first attempt that scores better is the candidate', async () => {
  const { author, tasks } = scripted(wrote('agent.ts', 'better'));
  const events = await propose(author);
  expect(of(events, 'candidate')).toMatchObject([{ files: { 'agent.ts': 'better' }, note: 'done' }]);
  expect(of(events, 'spent')).toMatchObject([{ spent: { inputTokens: 100, costMicroUsd: 5 } }]);
  expect(tasks).toHaveLength(1);
});

test.each([
  [100, 1],
  [0, 0],
])('one that is cancelled in the middle is paid for what it has used: %i tokens', async (inputTokens, runs) => {
  const controller = new AbortController();
  const spent: ProposerEvent[] = [];
  const author: Author = {
    name: 'cut off',
    async *write() {
      controller.abort(new Error('cancelled'));
      yield await Promise.resolve({
        type: 'ended' as const,
        outcome: { ok: false as const, failure: 'cancelled' as const, message: 'ended', usage: { ...usage, inputTokens } },
      });
    },
  };
  await expect(propose(author, { signal: controller.signal, onEvent: (event) => spent.push(event) })).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(of(spent, 'spent')).toHaveLength(runs);
});

test('an author sees what was asked for, how it is scored, what fails, and nothing that scores it', async () => {
  const { author, tasks } = scripted(wrote('agent.ts', 'better'));
  await propose(author);
  const [task] = tasks;
  expect(task?.prompt).toContain('read more');
  expect(task?.prompt).toContain('two calls failed today');
  expect(task?.prompt).toContain('"expected":"y"');
  expect(task?.description).toBe('how it is scored');
  expect(`${task?.prompt} ${task?.instructions}`).not.toContain('secret');
});

test.each<[string, AuthorOutcome, string]>([
  ['a protected file', wrote('contract.ts', 'easier'), 'contract.ts is protected'],
  ['the evaluation', wrote('evals/evaluation.ts', 'score: 1'), 'evals/evaluation.ts is protected'],
  ['no code', wrote('notes.txt', 'hm'), 'notes.txt is no TypeScript file of the agent'],
  ['a path out of the folder', wrote('../agent.ts', 'better'), '../agent.ts is no TypeScript file of the agent'],
  ['a link', { ok: true, text: '', changes: [{ path: 'agent.ts', problem: 'it is a symbolic link' }], usage }, 'it is a symbolic link'],
  ['nothing', { ok: true, text: 'I am done!', changes: [], usage }, 'nothing was changed'],
  ['the same again', wrote('agent.ts', 'old'), 'nothing was changed'],
  ['what can not be built', wrote('agent.ts', '{{'), 'it could not be scored: agent.ts:1:1: no'],
  ['what is worse', wrote('agent.ts', 'worse'), 'it scored 0.1000, no better than 0.3000 after 2 of 5 samples'],
  ['what is no better', wrote('agent.ts', 'same'), 'it scored 0.3000, no better than 0.3000'],
  ['a timeout', { ok: false, failure: 'timeout', message: 'too long', usage }, 'timeout: too long'],
])('%s is an attempt that came to nothing, and the next one is told', async (_, outcome, reason) => {
  const { author, tasks } = scripted(outcome, wrote('agent.ts', 'better'));
  const events = await propose(author);
  expect(of(events, 'rejected')[0]?.reason).toContain(reason);
  expect(tasks[1]?.prompt).toContain(reason);
  expect(of(events, 'candidate')).toHaveLength(1);
});

test('there are three attempts, those before a restart included', async () => {
  const nothing = wrote('agent.ts', 'old');
  expect((await propose(scripted(nothing, nothing, nothing, nothing).author)).filter(({ type }) => type === 'spent')).toHaveLength(3);
  const { author, tasks } = scripted(nothing, nothing);
  await propose(author, { before: { runs: 2, rejected: ['it was too slow'], made: [] } });
  expect(tasks).toHaveLength(1);
  expect(tasks[0]?.prompt).toContain('it was too slow');
});

test.each(['missing_api_key', 'unauthorized', 'not_installed', 'too_old', 'rate_limited', 'overloaded', 'unreachable'] as const)(
  '%s ends it at once, with what was spent',
  async (failure) => {
    const { author, tasks } = scripted({ ok: false, failure, message: 'no', usage });
    await expect(propose(author)).rejects.toMatchObject({
      code: 'unavailable',
      message: `scripted (${failure}): no`,
      details: { failure },
    });
    expect(tasks).toHaveLength(1);
  },
);

test('time that is used up starts nothing more', async () => {
  const { author, tasks } = scripted();
  await propose(author, { budgetMs: 500 });
  expect(tasks).toEqual([]);
});

const searching = (search: Partial<SearchPolicy>) =>
  contractSchema.parse({ ...contract, improvement: { search: { attempts: 3, ...search } } });

test('attempts that are allowed side by side are, and all that are better are handed over', async () => {
  const { author, tasks } = scripted(wrote('agent.ts', 'worse'), wrote('agent.ts', 'better'), wrote('agent.ts', 'best'));
  const gate = Promise.withResolvers<void>();
  const together: Author = {
    name: 'scripted',
    async *write(task) {
      const events = author.write(task);
      const outcome = (await events.next(), await events.next());
      // None ends before all have begun.
      if (tasks.length === 3) gate.resolve();
      await gate.promise;
      if (outcome.done !== true) yield outcome.value;
    },
  };
  const events = await propose(together, { contract: searching({ parallel: 3 }) });
  expect(
    of(events, 'candidate')
      .map(({ score }) => score)
      .toSorted((a, b) => a - b),
  ).toEqual([0.9, 0.95]);
  expect(of(events, 'rejected')).toHaveLength(1);
  expect(of(events, 'spent')).toHaveLength(3);
});

test('the same again is no second candidate', async () => {
  const twice = scripted(wrote('agent.ts', 'better'), wrote('agent.ts', 'better'));
  const events = await propose(twice.author, { contract: searching({ parallel: 2 }) });
  expect(of(events, 'candidate')).toHaveLength(1);
  expect(of(events, 'rejected')).toEqual([{ type: 'rejected', reason: 'the same was made before', files: {}, score: null }]);
});

test('what fails for good beside one that is better is paid for, and does not undo it', async () => {
  const refused: AuthorOutcome = { ok: false, failure: 'rate_limited', message: 'no', usage };
  const both = { contract: searching({ parallel: 2 }) };
  expect(of(await propose(scripted(refused, wrote('agent.ts', 'better')).author, both), 'candidate')).toHaveLength(1);
  await expect(propose(scripted(refused, wrote('agent.ts', 'worse')).author, both)).rejects.toMatchObject({ code: 'unavailable' });
});

test('an attempt begins from the best that was made, also before a restart and by earlier improvements', async () => {
  const nothing = wrote('agent.ts', 'worse');
  const earlier = [
    { id: 'i0/aa', parent: null, files: { 'agent.ts': 'better' } },
    { id: 'i0/bb', parent: 'i0/aa', files: { 'agent.ts': 'worse' } },
  ];
  const made = [{ id: 'i1/cc', parent: 'i0/aa', files: { 'agent.ts': 'best' } }];
  const { author, tasks } = scripted(nothing);
  const events = await propose(author, { earlier, before: { runs: 1, rejected: [], made }, contract: searching({ attempts: 2 }) });
  expect(tasks[0]?.start).toEqual({ 'agent.ts': 'best' });
  expect(tasks[0]?.prompt).toContain('The files that you begin with score 0.95; they were made from the live version, which scores 0.3.');
  expect(of(events, 'rejected')).toMatchObject([{ parent: 'i1/cc', files: { 'agent.ts': 'worse' }, scores: [0.1, 0.1] }]);
});

test('files of what it began from stay in what it makes', async () => {
  const earlier = [{ id: 'i0/aa', parent: null, files: { 'helper.ts': 'h' } }];
  const { author } = scripted(wrote('agent.ts', 'better'));
  const events = await propose(author, { earlier, contract: searching({ parents: 'islands', islands: 1 }) });
  expect(of(events, 'candidate')).toMatchObject([{ parent: 'i0/aa', files: { 'helper.ts': 'h', 'agent.ts': 'better' } }]);
});
