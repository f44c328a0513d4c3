// A thread of plain node that scores candidates as an evaluator host does, without any of its walls: for rules that a search of
// ours has just written from numbers and operators, and for nothing else.
import { serveThread } from '#lib/thread.ts';
import { seededRandom } from '#kernel/sandbox/guest/random.ts';
import { uniform, weibull } from '../../agents/packer/evals/instances.ts';
import { binsUsed, lowerBound, type Priority } from '../../agents/packer/evals/packing.ts';
import { UNIFORM, WEIBULL, type Family, type Task } from './family.ts';

export interface PlainRequest {
  family: Family['name'];
  /** What a draw is made of. */
  tasks: readonly Task[];
  bodies: readonly string[];
  seeds: readonly number[];
  stopAt: number | undefined;
  paceAt: readonly number[] | undefined;
}

interface Drawn {
  items: readonly number[];
  bound: number;
}

const FAMILIES = { weibull: { family: WEIBULL, draw: weibull }, uniform: { family: UNIFORM, draw: uniform } } as const;
const samples = new Map<string, Drawn[][]>();

/** The draws are kept, as in a host. Lists of each task. */
function sampleOf(name: Family['name'], tasks: readonly Task[], seed: number): Drawn[][] {
  const key = `${name} ${tasks.map(({ items, lists }) => `${lists} × ${items}`).join(' ')} ${seed}`;
  let sample = samples.get(key);
  if (sample === undefined) {
    const { family, draw } = FAMILIES[name];
    const random = seededRandom(seed);
    sample = tasks.map(({ items: count, lists }) =>
      Array.from({ length: lists }, () => {
        const { items } = draw(count, random);
        return { items, bound: lowerBound(items, family.capacity) };
      }),
    );
    samples.set(key, sample);
  }
  return sample;
}

/** Bins above the lower bound, per cent of it: over each task's lists together, then the mean over the tasks. */
function excess(sample: readonly Drawn[][], capacity: number, priority: Priority): number {
  let sum = 0;
  for (const lists of sample) {
    let [bins, bound] = [0, 0];
    for (const list of lists) {
      bins += binsUsed(list.items, capacity, priority);
      bound += list.bound;
    }
    sum += (100 * (bins - bound)) / bound;
  }
  return sum / sample.length;
}

function score(body: string, { family, tasks, seeds, stopAt = Infinity, paceAt = [] }: PlainRequest): number[] {
  // oxlint-disable-next-line typescript/no-implied-eval -- see above
  const priority = new Function('item', 'residual', body) as Priority;
  const scores: number[] = [];
  let sum = 0;
  for (const seed of seeds) {
    const one = excess(sampleOf(family, tasks, seed), FAMILIES[family].family.capacity, priority);
    scores.push(one);
    sum += one;
    if (scores.length < seeds.length && (sum / seeds.length > stopAt || sum / scores.length > (paceAt[scores.length - 1] ?? Infinity)))
      break;
  }
  return scores;
}

export const plainScoring = { score: (request: PlainRequest): number[][] => request.bodies.map((body) => score(body, request)) };

serveThread(plainScoring);
