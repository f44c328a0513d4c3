// One attempt of an author: it is asked to better a member of the archive, and what it leaves is scored.
import { sha256 } from '#lib/canonical-json.ts';
import type { CliFailure } from '#lib/coding-cli/coding-cli.ts';
import { SeedError } from '#lib/error.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import type { SearchPolicy } from '#kernel/compiler/contract.ts';
import { mean, type Archive, type Member } from '../../archive/archive.ts';
import { candidateId } from '../../archive/candidate-id.ts';
import { withoutEvaluation } from '../../lineage/candidate-record.ts';
import type { CandidateScore, ProposalRequest, ProposerEvent } from '../../proposer.ts';
import type { Author, AuthorOutcome, AuthorUsage } from './author.ts';
import { candidateFiles, type CandidateFiles } from './candidate-files.ts';
import { INSTRUCTIONS, promptFor } from './prompt.ts';

export interface AttemptOptions {
  author: Author;
  request: ProposalRequest;
  /** Of the selection draws that every member was scored on. */
  seeds: readonly number[];
  archive: Archive;
  parent: Member;
  /** Why attempts came to nothing; this one adds its own. */
  tried: string[];
  policy: Pick<SearchPolicy, 'turns' | 'microUsd'>;
  timeoutMs: number;
}

/** Of the evaluation, for proposers: what is measured, and no data. */
const DESCRIPTION = 'evals/README.md';
/** Nothing that another attempt could mend. */
const FATAL: ReadonlySet<CliFailure> = new Set([
  'not_installed',
  'too_old',
  'missing_api_key',
  'unauthorized',
  'rate_limited',
  'overloaded',
  'unreachable',
]);

/** @throws SeedError `unavailable` when no other attempt would fare better */
export async function* attempt(options: AttemptOptions): AsyncGenerator<ProposerEvent, void, void> {
  const { author, request, seeds, archive, parent, tried, policy, timeoutMs } = options;
  const { sources, signal } = request;
  const description = sources[DESCRIPTION] ?? null;
  const prompt = promptFor({
    contract: request.contract,
    goal: request.goal,
    evidence: request.evidence,
    live: mean(archive.root.scores),
    score: mean(parent.scores),
    isLive: parent.id === null,
    failures: parent.failures,
    tried,
    hasDescription: description !== null,
  });
  const start = { ...sources, ...parent.files };
  let outcome: AuthorOutcome | null = null;
  for await (const event of author.write({
    prompt,
    instructions: INSTRUCTIONS,
    base: { ...request.base, sources },
    start: parent.files,
    description,
    timeoutMs,
    maxTurns: policy.turns,
    budgetMicroUsd: policy.microUsd,
    signal,
  })) {
    if (event.type === 'ended') ({ outcome } = event);
    else yield event;
  }
  if (outcome === null) throw new SeedError('internal', `${author.name} ended without a word`);
  const promptHash = sha256(prompt);
  // One that was cut off is paid for as well; one that had not begun is none.
  if (!signal.aborted || outcome.usage.inputTokens > 0) yield { type: 'spent', spent: spentOf(outcome.usage, promptHash) };
  signal.throwIfAborted();
  if (!outcome.ok && FATAL.has(outcome.failure)) {
    const { failure, message } = outcome;
    throw new SeedError('unavailable', `${author.name} (${failure}): ${message}`, { details: { failure } });
  }
  const reject = (reason: string, left: Partial<Extract<ProposerEvent, { type: 'rejected' }>> = {}): ProposerEvent => {
    tried.push(reason);
    return { type: 'rejected', reason, files: {}, score: null, ...left };
  };
  const written = judged(outcome, withoutEvaluation(start));
  if (!written.ok) return yield reject(written.reason);
  const files = { ...parent.files, ...written.files };
  const candidate = { files, note: noteOf(outcome, author.name), parent: parent.id, promptHash };
  const id = candidateId(request.improvement, files);
  // It is kept as what it was made from first: otherwise it could come to stand below its own children.
  if (archive.has(id)) return yield reject('the same was made before');
  const score = await scoreOf(request, files, { seeds, paceAt: archive.pace() });
  if (!score.ok) return yield reject(`it could not be scored: ${score.reason}`, candidate);
  const { scores } = score;
  const reached = mean(scores);
  if (score.stopped)
    return yield reject(`${worse(reached, archive)} after ${scores.length} of ${seeds.length} samples`, { ...candidate, scores });
  const failures = failuresIn(score.details ?? []);
  archive.add({ id, parent: parent.id, files, scores, failures });
  if (archive.costOf({ scores }) < archive.costOf(archive.root)) yield { type: 'candidate', ...candidate, score: reached, scores };
  else yield reject(worse(reached, archive), { ...candidate, score: reached, scores });
}

/** Also of what was made before. */
export function scoreOf(
  { evaluate }: ProposalRequest,
  files: Readonly<Record<string, string>>,
  how: { seeds: readonly number[]; paceAt?: readonly number[] },
): Promise<CandidateScore> {
  return evaluate([{ files }], { ...how, feed: 'outside' }).then(([score]) => score ?? { ok: false, reason: 'it was not scored' });
}

/** As the evaluation tells of each sample. */
export function failuresIn(details: readonly unknown[]): readonly unknown[] {
  return details.flatMap((detail) => {
    const { failures } = (detail ?? {}) as { failures?: unknown };
    return Array.isArray(failures) ? (failures as unknown[]) : [];
  });
}

function worse(reached: number, archive: Archive): string {
  return `it scored ${reached.toFixed(4)}, no better than ${mean(archive.root.scores).toFixed(4)}`;
}

/** By the files, whatever the program says of itself; but what it says it could not do is no success either. */
function judged(outcome: AuthorOutcome, sources: SourceFiles): CandidateFiles {
  if (!outcome.ok) return { ok: false, reason: `${outcome.failure}: ${outcome.message}` };
  return candidateFiles(outcome.changes, sources);
}

function spentOf(usage: AuthorUsage, promptHash: string) {
  const { inputTokens, outputTokens, costMicroUsd } = usage;
  return { inputTokens, outputTokens, costMicroUsd: costMicroUsd ?? 0, promptHash };
}

function noteOf(outcome: AuthorOutcome, name: string): string {
  const words = outcome.ok ? outcome.text.replaceAll(/\s+/g, ' ').trim() : '';
  return words === '' ? name : words.slice(0, 300);
}
