// An author as a proposer: it is asked, its files are scored, and what came of an attempt is told to the next one.
import { sha256 } from '#lib/canonical-json.ts';
import type { CliFailure } from '#lib/coding-cli/coding-cli.ts';
import { SeedError } from '#lib/error.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { withoutEvaluation } from '../../lineage/candidate-record.ts';
import type { CandidateScore, ProposalRequest, Proposer, ProposerEvent } from '../../proposer.ts';
import { seedsFrom } from '../../random.ts';
import type { Author, AuthorOutcome, AuthorUsage } from './author.ts';
import { candidateFiles, type CandidateFiles } from './candidate-files.ts';
import { INSTRUCTIONS, promptFor, type Attempt } from './prompt.ts';

export interface AuthoredOptions {
  author: Author;
  /** For one proposal, at most. Default 3. */
  attempts?: number;
  /** Selection draws that a candidate is scored on. Default 5. */
  draws?: number;
  monotonicMs: () => number;
}

/** Nothing that another attempt could mend. */
const FATAL: ReadonlySet<CliFailure> = new Set([
  'not_installed',
  'missing_api_key',
  'unauthorized',
  'rate_limited',
  'overloaded',
  'unreachable',
]);
/** What is left of the time must be worth a start. */
const MIN_RUN_MS = 1_000;

export function authoredProposer(options: AuthoredOptions): Proposer {
  return { name: options.author.name, propose: (request) => propose(request, options) };
}

async function* propose(request: ProposalRequest, options: AuthoredOptions): AsyncGenerator<ProposerEvent, void, void> {
  const { author, attempts: maxAttempts = 3, draws = 5, monotonicMs } = options;
  const { base, contract, sources, budgetMs, before, signal } = request;
  const startedMs = monotonicMs();
  const seeds = seedsFrom(request.seed, 'selection', draws);
  const direction = contract.objective?.direction ?? 'maximize';
  const baseline = await scoreOf(request, {}, seeds);
  if (!baseline.ok) throw new SeedError('validation_failed', `the version to better could not be scored: ${baseline.reason}`);
  const tried: Attempt[] = before.rejected.map((outcome) => ({ outcome }));
  const baseScore = mean(baseline.scores);
  for (let attempt = before.runs + 1; attempt <= maxAttempts; attempt += 1) {
    const leftMs = Math.floor(budgetMs - (monotonicMs() - startedMs));
    if (leftMs < MIN_RUN_MS) return;
    signal.throwIfAborted();
    const failures = failuresIn(baseline.details ?? []);
    const description = sources[DESCRIPTION];
    const prompt = promptFor({
      contract,
      goal: request.goal,
      evidence: request.evidence,
      baseline: baseScore,
      failures,
      attempts: tried,
      hasDescription: description !== undefined,
    });
    let outcome: AuthorOutcome | null = null;
    for await (const event of author.write({
      prompt,
      instructions: INSTRUCTIONS,
      base: { ...base, sources },
      description: description ?? null,
      timeoutMs: leftMs,
      signal,
    })) {
      if (event.type === 'ended') ({ outcome } = event);
      else yield event;
    }
    signal.throwIfAborted();
    if (outcome === null) throw new SeedError('internal', `${author.name} ended without a word`);
    yield { type: 'spent', spent: spentOf(outcome.usage, sha256(prompt)) };
    if (!outcome.ok && FATAL.has(outcome.failure)) throw giveUp(author.name, outcome);
    const candidate = judged(outcome, withoutEvaluation(sources));
    if (!candidate.ok) {
      tried.push({ outcome: candidate.reason });
      yield { type: 'rejected', reason: candidate.reason, files: {}, score: null };
      continue;
    }
    const note = noteOf(outcome, author.name);
    const score = await scoreOf(request, candidate.files, seeds);
    const evaluated = attempt + 1;
    if (!score.ok) {
      const reason = `it could not be scored: ${score.reason}`;
      tried.push({ outcome: reason });
      yield { type: 'rejected', reason, files: candidate.files, score: null, note };
      continue;
    }
    const reached = mean(score.scores);
    const isBetter = direction === 'minimize' ? reached < baseScore : reached > baseScore;
    const best = isBetter ? reached : baseScore;
    const elapsedMs = monotonicMs() - startedMs;
    yield {
      type: 'progress',
      progress: { generation: attempt, evaluated, perSecond: (evaluated * 1000) / elapsedMs, best, baseline: baseScore, elapsedMs },
    };
    if (isBetter) {
      // Every attempt is paid for: whether it is good enough is for the gate to say, and for the next improvement to better.
      yield { type: 'candidate', files: candidate.files, score: reached, note };
      return;
    }
    const reason = `it scored ${reached.toFixed(4)}, no better than ${baseScore.toFixed(4)}`;
    tried.push({ outcome: reason });
    yield { type: 'rejected', reason, files: candidate.files, score: reached, note };
  }
}

/** Of the evaluation, for proposers: what is measured, and no data. */
const DESCRIPTION = 'evals/README.md';

/** By the files, whatever the program says of itself; but what it says it could not do is no success either. */
function judged(outcome: AuthorOutcome, sources: SourceFiles): CandidateFiles {
  if (!outcome.ok) return { ok: false, reason: `${outcome.failure}: ${outcome.message}` };
  return candidateFiles(outcome.changes, sources);
}

async function scoreOf(
  request: ProposalRequest,
  files: Readonly<Record<string, string>>,
  seeds: readonly number[],
): Promise<CandidateScore> {
  const [score] = await request.evaluate([{ files }], { seeds, feed: 'outside' });
  return score ?? { ok: false, reason: 'it was not scored' };
}

function failuresIn(details: readonly unknown[]): readonly unknown[] {
  return details.flatMap((detail) => {
    const { failures } = (detail ?? {}) as { failures?: unknown };
    return Array.isArray(failures) ? (failures as unknown[]) : [];
  });
}

function spentOf(usage: AuthorUsage, promptHash: string) {
  const { inputTokens, outputTokens, costMicroUsd } = usage;
  return { inputTokens, outputTokens, costMicroUsd: costMicroUsd ?? 0, promptHash };
}

function giveUp(name: string, { failure, message }: Extract<AuthorOutcome, { ok: false }>): SeedError {
  return new SeedError('unavailable', `${name} (${failure}): ${message}`, { details: { failure } });
}

function noteOf(outcome: AuthorOutcome, name: string): string {
  const words = outcome.ok ? outcome.text.replaceAll(/\s+/g, ' ').trim() : '';
  return words === '' ? name : words.slice(0, 300);
}

function mean(scores: readonly number[]): number {
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
