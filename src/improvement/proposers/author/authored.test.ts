// What holds for every author: files are judged and not words, reasons go on to the next attempt, nothing is paid for twice.
import { expect, test } from 'vitest';
import { contractSchema } from '#kernel/compiler/contract.ts';
import type { ProposalRequest, ProposerEvent } from '../../proposer.ts';
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
const usage = { inputTokens: 100, outputTokens: 10, costMicroUsd: 5 };
const wrote = (path: string, text: string): AuthorOutcome => ({ ok: true, text: 'done', changes: [{ path, text }], usage });

/** An author that does one thing after the other. */
function scripted(...outcomes: readonly AuthorOutcome[]): { author: Author; tasks: AuthorTask[] } {
  const tasks: AuthorTask[] = [];
  const author: Author = {
    name: 'scripted',
    async *write(task) {
      tasks.push(task);
      yield { type: 'activity', activity: { kind: 'tool', text: 'Write agent.ts' } };
      yield await Promise.resolve({ type: 'ended' as const, outcome: outcomes[tasks.length - 1] ?? wrote('agent.ts', 'old') });
    },
  };
  return { author, tasks };
}

const SCORES: Readonly<Record<string, number>> = { old: 0.3, better: 0.9, worse: 0.1 };

async function propose(author: Author, given: Partial<ProposalRequest> = {}): Promise<ProposerEvent[]> {
  const events: ProposerEvent[] = [];
  const request: ProposalRequest = {
    base: { agent: 'reader', hash: 'h', version: 1 },
    contract,
    sources: SOURCES,
    goal: 'read more',
    evidence: 'two calls failed today',
    budgetMs: 60_000,
    seed: 1,
    before: { runs: 0, rejected: [] },
    signal: new AbortController().signal,
    evaluate: (candidates, { seeds, feed }) => {
      expect(feed).toBe('outside');
      return Promise.resolve(
        candidates.map(({ files }) => {
          const score = SCORES[files['agent.ts'] ?? 'old'];
          if (score === undefined) return { ok: false as const, reason: 'agent.ts:1:1: no' };
          return {
            ok: true as const,
            scores: seeds.map(() => score),
            stopped: false,
            details: [{ failures: [{ input: 'x', expected: 'y' }] }],
          };
        }),
      );
    },
    ...given,
  };
  for await (const event of authoredProposer({ author, monotonicMs: () => 0 }).propose(request)) events.push(event);
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
  ['what is worse', wrote('agent.ts', 'worse'), 'it scored 0.1000, no better than 0.3000'],
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
  await propose(author, { before: { runs: 2, rejected: ['it was too slow'] } });
  expect(tasks).toHaveLength(1);
  expect(tasks[0]?.prompt).toContain('it was too slow');
});

test.each(['missing_api_key', 'unauthorized', 'not_installed', 'rate_limited', 'overloaded', 'unreachable'] as const)(
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
