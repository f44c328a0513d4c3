// The selection samples as any proposer can draw them: the evaluation is in the repository and so are the seeds of its search.
import extract from '../../agents/extract/evals/evaluation.ts';
import { seededRandom } from '#kernel/sandbox/guest/random.ts';

/** Of every search here. */
export const SELECTION_SEEDS: readonly number[] = [1, 2, 3, 4, 5];

/** Each line of the selection samples with what it means. */
export function publicAnswers(): Readonly<Record<string, unknown>> {
  const samples = SELECTION_SEEDS.map((seed) => extract.sample('selection', seededRandom(seed)));
  return Object.fromEntries(samples.flat().map(({ line, invoice }) => [line, invoice]));
}
