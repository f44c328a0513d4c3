// An island: a small population that breeds on its own, takes in a migrant now and then, and starts again when it stagnates.
import { pick, type Random } from './draw.ts';
import type { Individual } from './individual.ts';

export interface Island {
  /** Best first; never empty once it is founded. */
  members: readonly Individual[];
  /** Best fitness it has reached since it was founded or reviewed. */
  best: number;
  /** Batches since then without progress. */
  stale: number;
  /** Which selection draws its members have met last. */
  epoch: number;
  /** Waits for its first members. */
  founding: boolean;
}

/** Less is better: the cost, plus a little for each node. */
export type Fitness = (member: Pick<Individual, 'cost' | 'size'>) => number;

/** Progress smaller than this share of the best fitness does not count. */
const PROGRESS = 0.001;
/** Credit of a child that is kept and no better than its parent: it may lead somewhere. */
const KEPT = 0.1;

export function newIsland(epoch: number): Island {
  return { members: [], best: Infinity, stale: 0, epoch, founding: true };
}

/** Takes in what has been scored to the end and keeps the best. */
export function admit(island: Island, newcomers: readonly Individual[], options: { fitness: Fitness; capacity: number }): void {
  const scored = newcomers.filter((member) => !member.stopped && Number.isFinite(member.cost));
  const { fitness, capacity } = options;
  const members = [...new Set([...island.members, ...scored])];
  island.members = members.toSorted((a, b) => fitness(a) - fitness(b)).slice(0, capacity);
}

/**
 * What a child has brought that has just been scored and offered to its island: 0 when it was not kept; else what it gains over its
 * parent, in steps of the distance from the island's best to its last, at least `KEPT` and at most 1.
 */
export function creditOf(child: Individual, island: Island, fitness: Fitness): number {
  const [best, last] = [island.members[0], island.members.at(-1)];
  if (child.origin === undefined || best === undefined || last === undefined || !island.members.includes(child)) return 0;
  const width = fitness(last) - fitness(best);
  const gain = fitness(child.origin.parent) - fitness(child);
  return Math.min(1, Math.max(KEPT, width > 0 ? gain / width : 0));
}

/** Remembers whether the last batch brought the island forward. */
export function noteProgress(island: Island, fitness: Fitness): void {
  const first = island.members[0];
  const reached = first === undefined ? Infinity : fitness(first);
  if (reached < island.best - Math.abs(island.best) * PROGRESS || island.best === Infinity) {
    island.best = reached;
    island.stale = 0;
  } else {
    island.stale += 1;
  }
}

/** The best of a few members drawn at random. */
export function tournament(island: Island, random: Random, rounds: number): Individual {
  // Members are sorted: the smallest index wins.
  let best = island.members.length - 1;
  for (let round = 0; round < rounds; round++) best = Math.min(best, Math.floor(random() * island.members.length));
  return island.members[best] ?? pick(island.members, random);
}

/** What the member that was worst after one, two, … of the draws had by then on average, but for the last draw; in the objective's unit. */
export function pace(island: Island, { samples, sign }: { samples: number; sign: 1 | -1 }): number[] {
  const latest = island.members.map((member) => member.scores.slice(-samples));
  return Array.from({ length: samples - 1 }, (_, draw) => {
    const costs = latest.map((scores) => {
      const seen = scores.slice(0, draw + 1);
      return (sign * seen.reduce((sum, score) => sum + score, 0)) / seen.length;
    });
    return sign * Math.max(...costs);
  });
}
