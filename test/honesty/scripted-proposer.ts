// Stands in for the proposer that comes with the product: hands over the entrant that the improvement's goal names, and shows its
// selection score as any proposer would. Everything after it is the product's own.
import type { Proposer } from '#improvement/proposer.ts';
import { SeedError } from '#lib/error.ts';
import { ENTRANTS } from './entrants.ts';
import { SELECTION_SEEDS } from './public-samples.ts';

export function geneticProposer(): Proposer {
  return {
    name: 'genetic',
    async *propose(request) {
      const entrant = ENTRANTS.find(({ name }) => name === request.goal);
      if (entrant === undefined) throw new SeedError('invalid_input', `there is no entrant ${request.goal}`);
      const { files, claims, tampers } = entrant;
      tampers?.(request);
      const [scored] = await request.evaluate([{ files }], { seeds: SELECTION_SEEDS });
      const note = scored?.ok === true ? 'scored' : (scored?.reason ?? 'not scored');
      const score = scored?.ok === true ? scored.scores.reduce((sum, one) => sum + one, 0) / scored.scores.length : 0;
      yield { type: 'candidate', files, score: claims ?? score, note };
    },
  };
}
