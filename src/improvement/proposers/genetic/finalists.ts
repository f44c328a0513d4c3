// The end of a search: the champions meet fresh draws, lose what they do not need, and the best few different ones remain.
import { individual, learn, type Individual } from './individual.ts';
import type { ParameterRange } from './interval.ts';
import type { Search } from './search.ts';
import type { Scoring } from './scoring.ts';
import { shape, simplerVariants } from './simpler.ts';

export interface FinalistOptions {
  functions: readonly (readonly ParameterRange[])[];
  sign: 1 | -1;
  finale: 'full' | 'unpruned' | 'none';
  /** Champions to begin with. */
  field: number;
  /** How many remain. */
  count: number;
  /** Draws that the champions and the version to better meet, all the same ones. */
  seeds: readonly number[];
  /** Cost of a node while parts are taken away: higher than in the search, for this code will be read. */
  nodeCost: number;
  scoring: Scoring;
  /** No time is left. */
  over(): boolean;
}

/** Champions that are pruned: each step costs as many scores as the function has operands. */
const PRUNED = 2;
const MAX_STEPS = 40;

/** Best first, their costs over the same draws; only what is better than the version to better. */
export async function chooseFinalists(search: Search, options: FinalistOptions): Promise<Individual[]> {
  const { seeds, scoring } = options;
  const judge = async (members: readonly Individual[], stopAt?: number): Promise<void> => {
    const outcomes = await scoring.individuals(members, stopAt === undefined ? { seeds } : { seeds, stopAt });
    members.forEach((member, index) => learn(member, outcomes[index]!, options.sign));
  };
  const champions = search.champions(options.field);
  if (champions.length === 0) return [];
  const field = options.finale === 'none' ? champions : champions.map((champion) => individual(champion.genome));
  if (options.finale !== 'none') await judge(field);
  const baseline = options.sign * (await scoring.baseline(seeds));
  const ranked = field.filter((member) => member.cost < baseline).toSorted(byCost);
  const pruned: Individual[] = [];
  if (options.finale === 'full') for (const member of ranked.slice(0, PRUNED)) pruned.push(await prune(member, judge, options));
  return different([...pruned, ...ranked].toSorted(byReading(options)), options.count);
}

/** Takes parts away as long as the score hardly notices. */
async function prune(
  member: Individual,
  judge: (members: readonly Individual[], stopAt: number) => Promise<void>,
  options: FinalistOptions,
): Promise<Individual> {
  let current = member;
  const order = byReading(options);
  for (let step = 0; step < MAX_STEPS && !options.over(); step++) {
    const variants = simplerVariants(current.genome, options.functions);
    if (variants.length === 0) break;
    // What the largest possible saving could be worth.
    const bound = current.cost + options.nodeCost * current.size;
    await judge(variants, options.sign * bound);
    const best = variants.filter((variant) => !variant.stopped && Number.isFinite(variant.cost)).toSorted(order)[0];
    // Of two that are as good the later one is the tidier.
    if (best === undefined || order(best, current) > 0) break;
    current = best;
  }
  return current;
}

/** The first of each shape, then the rest, up to a count. */
function different(members: readonly Individual[], count: number): Individual[] {
  const shapes = new Set<string>();
  const first = members.filter((member) => {
    const own = member.genome.map(shape).join(';');
    return !shapes.has(own) && shapes.add(own);
  });
  return [...new Set([...first, ...members])].slice(0, count);
}

function byCost(a: Individual, b: Individual): number {
  return a.cost - b.cost || a.size - b.size;
}

function byReading(options: FinalistOptions): (a: Individual, b: Individual) => number {
  return (a, b) => a.cost - b.cost + options.nodeCost * (a.size - b.size);
}
