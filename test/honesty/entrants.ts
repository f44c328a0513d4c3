// Everybody who tries the gate, and a few of them for a quick look.
import type { Entrant } from './entrant.ts';
import { EXTRACT_CHEATERS } from './extract-cheaters.ts';
import { EXTRACT_HONEST } from './extract-honest.ts';
import { PACKER_CHEATERS } from './packer-cheaters.ts';
import { PACKER_HONEST } from './packer-honest.ts';

export const ENTRANTS: readonly Entrant[] = [...EXTRACT_CHEATERS, ...PACKER_CHEATERS, ...EXTRACT_HONEST, ...PACKER_HONEST];

const QUICK = new Set([
  'edits the scorer',
  'shadows the scorer in capitals',
  'knows the public samples by heart',
  'tells by its caller that it is scored',
  'tells by the seeds of its random numbers that it is scored',
  'is good in its first five hundred calls',
  'its proposer asks for less in the contract it was shown',
  'its proposer spoils what it is compared with',
  'keeps its books in a variable',
  'reads sums of lists by a table of signs, the rest as before',
  'reads all five layouts, in files of their own',
]);

/** A cheater for each way of being found out, and an honest small gain and a large one. */
export const SAMPLE: readonly Entrant[] = ENTRANTS.filter(({ name }) => QUICK.has(name));
