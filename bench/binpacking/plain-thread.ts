// A thread of plain node that scores candidates as an evaluator host does, without any of its walls: for rules that a search of
// ours has just written from numbers and operators, and for nothing else.
import { serveThread } from '#lib/thread.ts';
import { seededRandom } from '#kernel/sandbox/guest/random.ts';
import { weibull } from '../../agents/packer/evals/instances.ts';
import { binsUsed, excessPercent, type Priority } from '../../agents/packer/evals/packing.ts';
import { WEIBULL } from './family.ts';

export interface PlainRequest {
  bodies: readonly string[];
  seeds: readonly number[];
  stopAt: number | undefined;
  paceAt: readonly number[] | undefined;
}

const { capacity } = WEIBULL;
const samples = new Map<number, number[]>();

/** The draws are kept, as in a host. */
function sampleOf(seed: number): number[] {
  let items = samples.get(seed);
  if (items === undefined) {
    items = weibull(WEIBULL.training[0]!.items, seededRandom(seed)).items;
    samples.set(seed, items);
  }
  return items;
}

function score(body: string, { seeds, stopAt = Infinity, paceAt = [] }: PlainRequest): number[] {
  // oxlint-disable-next-line typescript/no-implied-eval -- see above
  const priority = new Function('item', 'residual', body) as Priority;
  const scores: number[] = [];
  let sum = 0;
  for (const seed of seeds) {
    const items = sampleOf(seed);
    const one = excessPercent(binsUsed(items, capacity, priority), items, capacity);
    scores.push(one);
    sum += one;
    if (scores.length < seeds.length && (sum / seeds.length > stopAt || sum / scores.length > (paceAt[scores.length - 1] ?? Infinity)))
      break;
  }
  return scores;
}

export const plainScoring = { score: (request: PlainRequest): number[][] => request.bodies.map((body) => score(body, request)) };

serveThread(plainScoring);
