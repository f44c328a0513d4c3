// Scores individuals through the port: writes them as code, counts, and ends when the proposal is cancelled.
import { SeedError } from '#lib/error.ts';
import type { Candidate, CandidateScore, EvaluateOptions, ProposalRequest } from '../../proposer.ts';
import { toCandidate, type EvolvableFunctions } from './functions.ts';
import type { Rest } from './breeding.ts';
import type { Individual } from './individual.ts';

export interface Scoring {
  /** Candidates that were scored, those that failed among them. */
  readonly counts: { evaluated: number };
  individuals(members: readonly Individual[], options: EvaluateOptions): Promise<readonly CandidateScore[]>;
  /** Mean score of the version to better. @throws SeedError `validation_failed` */
  baseline(seeds: readonly number[]): Promise<number>;
}

export function createScoring(request: ProposalRequest, options: { functions: EvolvableFunctions; rest: Rest }): Scoring {
  const counts = { evaluated: 0 };

  async function evaluate(candidates: readonly Candidate[], how: EvaluateOptions): Promise<readonly CandidateScore[]> {
    if (candidates.length === 0) return [];
    const scores = await cancellable(() => request.evaluate(candidates, how), request.signal);
    if (scores.length !== candidates.length) {
      throw new SeedError('internal', `${candidates.length} candidates were scored with ${scores.length} answers`);
    }
    counts.evaluated += candidates.length;
    return scores;
  }

  return {
    counts,
    async individuals(members, how) {
      const candidates: Candidate[] = [];
      for (const member of members) {
        candidates.push(toCandidate(member.genome, options.functions));
        await options.rest();
      }
      return evaluate(candidates, how);
    },
    async baseline(seeds) {
      const [score] = await evaluate([{ files: {} }], { seeds });
      if (score?.ok && score.scores.length > 0) return score.scores.reduce((sum, value) => sum + value, 0) / score.scores.length;
      throw new SeedError(
        'validation_failed',
        `${request.contract.name} can not be scored as it is: ${score?.ok === false ? score.reason : 'no scores'}`,
      );
    },
  };
}

/** What the work gives, or `cancelled` as soon as the signal says so, even if the work goes on. */
function cancellable<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = (): void => reject(new SeedError('cancelled', 'the search was cancelled', { cause: signal.reason }));
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', cancel));
  });
}
