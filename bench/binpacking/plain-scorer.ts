// Scores rules in a thread of plain node: the same numbers as the evaluator hosts' (`evaluate-weibull` compares them), for a
// tenth of the processor time. Where it is the search that is looked at, and not what surrounds it.
import type { BaseVersion } from '#improvement/base-version.ts';
import type { Candidate } from '#improvement/proposer.ts';
import type { Scored, ScoreOptions } from '#improvement/workbench.ts';
import { Thread } from '#lib/thread.ts';
import type { Family, Task } from './family.ts';
import type { plainScoring } from './plain-thread.ts';

/** Of a candidate that changes nothing. */
const BEST_FIT = 'return item - residual;';

export class PlainScorer implements AsyncDisposable {
  readonly base: BaseVersion;
  readonly #family: Family;
  readonly #thread: Thread<typeof plainScoring>;

  constructor(base: BaseVersion, family: Family, name: string) {
    this.base = base;
    this.#family = family;
    this.#thread = new Thread({ url: new URL('./plain-thread.ts', import.meta.url), name });
  }

  /** Every set is one training sample a seed. */
  async score(candidates: readonly Candidate[], how: Omit<ScoreOptions, 'signal'>): Promise<Scored[]> {
    return await this.scoreOn(this.#family.training, candidates, how);
  }

  /** The same on draws of such tasks. */
  async scoreOn(
    tasks: readonly Task[],
    candidates: readonly Candidate[],
    { seeds, stopAt, paceAt }: Omit<ScoreOptions, 'signal'>,
  ): Promise<Scored[]> {
    const bodies = candidates.map((candidate) => candidate.bodies?.['priority'] ?? BEST_FIT);
    const scored = await this.#thread.call('score', { family: this.#family.name, tasks, bodies, seeds, stopAt, paceAt });
    return scored.map((scores) => ({
      ok: true,
      scores,
      details: [],
      mean: scores.reduce((sum, score) => sum + score, 0) / scores.length,
      stopped: scores.length < seeds.length,
      cpuMs: 0,
      reported: [],
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.close();
  }
}
