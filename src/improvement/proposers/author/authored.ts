// An author as a proposer: it is asked in rounds, several attempts side by side where the contract wants that; each begins from a member
// of the archive, and what came of the ones before is told to the next.
import { SeedError } from '#lib/error.ts';
import { merge } from '#lib/merge.ts';
import { DEFAULT_SEARCH } from '#kernel/compiler/contract.ts';
import { Archive, mean } from '../../archive/archive.ts';
import { parents } from '../../archive/parents.ts';
import type { MadeBefore, ProposalRequest, Proposer, ProposerEvent } from '../../proposer.ts';
import { randomFrom, seedsFrom } from '../../random.ts';
import type { Author } from './author.ts';
import { attempt, failuresIn, scoreOf } from './attempt.ts';

export interface AuthoredOptions {
  author: Author;
  /** Selection draws that a candidate is scored on. Default 5. */
  draws?: number;
  monotonicMs: () => number;
}

/** What is left of the time must be worth a start. */
const MIN_RUN_MS = 1_000;
/** Of what was made before, the newest; scoring them is not free. */
const MAX_BEFORE = 8;

export function authoredProposer(options: AuthoredOptions): Proposer {
  const { name } = options.author;
  return { name, propose: (request) => cancellable(propose(request, options), request.signal, name) };
}

/** Whatever it was doing when the signal came, and whatever that made of it: it was cancelled. */
async function* cancellable(
  events: AsyncGenerator<ProposerEvent, void, void>,
  signal: AbortSignal,
  name: string,
): AsyncGenerator<ProposerEvent, void, void> {
  try {
    yield* events;
    signal.throwIfAborted();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new SeedError('cancelled', `${name} was ended`, { cause: signal.reason });
  }
}

async function* propose(request: ProposalRequest, options: AuthoredOptions): AsyncGenerator<ProposerEvent, void, void> {
  const { author, draws = 5, monotonicMs } = options;
  const { contract, budgetMs, before, signal } = request;
  const policy = contract.improvement.search ?? DEFAULT_SEARCH;
  const startedMs = monotonicMs();
  const seeds = seedsFrom(request.seed, 'selection', draws);
  const archive = await open(request, seeds);
  const next = parents(archive, { policy: policy.parents, islands: policy.islands, random: randomFrom(request.seed, 'parents') });
  const tried = [...before.rejected];
  let { runs } = before;
  while (runs < policy.attempts) {
    const timeoutMs = Math.floor(budgetMs - (monotonicMs() - startedMs));
    if (timeoutMs < MIN_RUN_MS) return;
    signal.throwIfAborted();
    const count = Math.min(policy.parallel, policy.attempts - runs);
    runs += count;
    let isFound = false;
    const failures: unknown[] = [];
    const begin = () => settled(attempt({ author, request, seeds, archive, parent: next(), tried, policy, timeoutMs }), failures);
    for await (const event of merge(Array.from({ length: count }, begin))) {
      isFound ||= event.type === 'candidate';
      yield event;
    }
    signal.throwIfAborted();
    const elapsedMs = monotonicMs() - startedMs;
    const evaluated = runs + 1;
    const best = mean(archive.best.scores);
    const baseline = mean(archive.root.scores);
    yield {
      type: 'progress',
      progress: { generation: runs, evaluated, perSecond: (evaluated * 1000) / elapsedMs, best, baseline, elapsedMs },
    };
    // Every attempt is paid for: whether it is good enough is for the gate to say, and for the next improvement to better.
    if (isFound) return;
    if (failures.length > 0) throw failures[0];
  }
}

/** What failed for good does not take those beside it down: they are paid for as well. */
async function* settled(events: AsyncGenerator<ProposerEvent, void, void>, failures: unknown[]): AsyncGenerator<ProposerEvent, void, void> {
  try {
    yield* events;
  } catch (error) {
    failures.push(error);
  }
}

/** With what was made before, scored on the draws of this proposal: what it scored on others can not be compared. */
async function open(request: ProposalRequest, seeds: readonly number[]): Promise<Archive> {
  const { contract, before, earlier, signal } = request;
  const root = await scoreOf(request, {}, { seeds });
  if (!root.ok) throw new SeedError('validation_failed', `the version to better could not be scored: ${root.reason}`);
  const sign = contract.objective?.direction === 'minimize' ? 1 : -1;
  const archive = new Archive({ id: null, parent: null, files: {}, scores: root.scores, failures: failuresIn(root.details ?? []) }, sign);
  const made = new Map<string, MadeBefore>([...earlier, ...before.made].map((one) => [one.id, one]));
  for (const { id, parent, files } of [...made.values()].slice(-MAX_BEFORE)) {
    signal.throwIfAborted();
    const score = await scoreOf(request, files, { seeds, paceAt: archive.pace() });
    if (score.ok && !score.stopped) archive.add({ id, parent, files, scores: score.scores, failures: failuresIn(score.details ?? []) });
  }
  // The root's share falls with every attempt of a former life.
  for (const { parent } of before.made) archive.countChild(parent);
  return archive;
}
