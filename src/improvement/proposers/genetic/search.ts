// The search itself, without clock and evaluator: it hands out batches of candidates to score and takes the scores back.
import type { CandidateScore } from '../../proposer.ts';
import { createBreeding, TOURNAMENT, type BreedingOptions, type Rest } from './breeding.ts';
import { below, pick, type Random } from './draw.ts';
import { individual, learn, type Individual } from './individual.ts';
import { admit, creditOf, newIsland, noteProgress, pace, tournament, type Fitness } from './island.ts';
import { adaptiveMix, fixedMix, type VariationWeights } from './variation-mix.ts';

export interface SearchSettings extends Pick<BreedingOptions, 'novelty' | 'simplify'> {
  islands: number;
  islandSize: number;
  /** Draws that make up one score. */
  samples: number;
  /** Children of one island that are scored together. */
  batchSize: number;
  /** Candidates until every island is reviewed on fresh selection draws. */
  epochCandidates: number;
  /** Rounds over all islands between two migrations. */
  migrationRounds: number;
  /** Batches without progress until an island of the weaker half starts again. */
  staleBatches: number;
  /** Cost of one node, as a share of the baseline's score: how much better a larger function must be. */
  parsimony: number;
  /** Whether a child is given up as soon as it is behind every member of its island on the draws so far. */
  cascade: boolean;
  /** How often each variation is drawn to begin with. */
  variations: VariationWeights;
  /** Whether that follows what each has brought its island lately. */
  adaptive: boolean;
}

export interface SearchOptions extends SearchSettings, BreedingOptions {
  /** 1 to minimize the score, -1 to maximize it. */
  sign: 1 | -1;
  /** Draws of the first epoch. */
  firstSeeds: readonly number[];
  /** Score of the version to better. */
  baseline: number;
}

export interface Batch {
  island: number;
  purpose: 'found' | 'breed' | 'review';
  members: readonly Individual[];
  seeds: readonly number[];
  stopAt: number | undefined;
  paceAt: readonly number[] | undefined;
}

export interface Search {
  /** The next batch; empty where an island finds nothing new. */
  next(rest: Rest): Promise<Batch>;
  /** Batches must come back in the order in which they were handed out, at most one of an island under way. */
  absorb(batch: Batch, outcomes: readonly CandidateScore[]): void;
  /** The best of all islands, best first. */
  champions(count: number): readonly Individual[];
  /** Cost of one node, in the objective's unit. */
  nodeCost: number;
  /** `best` is a mean selection score. */
  summary(): { generation: number; best: number | undefined; restarts: number };
}

const MIGRANT_TOURNAMENT = 3;

export function createSearch(options: SearchOptions): Search {
  const { parent, random, sign } = options;
  const breeding = createBreeding(options);
  const islands = Array.from({ length: options.islands }, () => newIsland(0));
  const nodeCost = options.parsimony * (Math.abs(options.baseline) || 1);
  // What carries one island forward is not what carries another: with one mix for all, searches have been seen to end where they began.
  const mixes = islands.map(() => (options.adaptive ? adaptiveMix : fixedMix)(options.variations));
  const fitness: Fitness = (member) => member.cost + nodeCost * member.size;
  let [turn, absorbed, restarts, epoch, sinceEpoch] = [0, 0, 0, 0, 0];
  let seeds = options.firstSeeds;

  function migrate(): void {
    islands.forEach((from, index) => {
      const to = islands[(index + 1) % islands.length]!;
      if (from.members.length === 0 || to.members.length === 0 || from === to) return;
      const migrant = tournament(from, random, MIGRANT_TOURNAMENT);
      if (to.members.includes(migrant)) return;
      const kept = to.members.length < options.islandSize ? to.members : to.members.slice(0, -1);
      to.members = [...kept, migrant].toSorted((a, b) => fitness(a) - fitness(b));
    });
  }

  /** An island of the weaker half that no longer gets anywhere begins anew, with one migrant from the stronger half. */
  function restartIfStale(index: number): void {
    const island = islands[index]!;
    if (island.stale <= options.staleBatches || islands.length < 2) return;
    const ranked = islands.toSorted((a, b) => a.best - b.best);
    const strong = ranked.slice(0, Math.ceil(ranked.length / 2));
    island.stale = 0;
    if (strong.includes(island)) return;
    const donor = pick(strong, random);
    const begun = newIsland(epoch);
    if (donor.members.length > 0) begun.members = [tournament(donor, random, TOURNAMENT)];
    islands[index] = begun;
    restarts += 1;
  }

  function credit({ island, members }: Batch): void {
    for (const child of members) {
      if (child.origin !== undefined) mixes[island]!.note(child.origin.variation, creditOf(child, islands[island]!, fitness));
    }
  }

  function advanceEpoch(count: number): void {
    sinceEpoch += count;
    if (sinceEpoch < options.epochCandidates) return;
    sinceEpoch = 0;
    epoch += 1;
    seeds = freshSeeds(options.samples, random);
  }

  return {
    nodeCost,
    async next(rest) {
      const index = turn++ % islands.length;
      const island = islands[index]!;
      const common = { island: index, seeds, stopAt: undefined, paceAt: undefined };
      if (island.founding) {
        const own = parent === undefined || island.members.length > 0 ? [] : [individual(parent)];
        const made = await breeding.founders(options.islandSize - island.members.length - own.length, rest);
        island.epoch = epoch;
        return { ...common, purpose: 'found', members: [...own, ...made] };
      }
      if (island.epoch !== epoch) {
        island.epoch = epoch;
        return { ...common, purpose: 'review', members: island.members };
      }
      const members = await breeding.children(island, options.batchSize, { mix: mixes[index]!, rest });
      const worst = island.members.at(-1);
      if (worst === undefined || island.members.length < options.islandSize) return { ...common, purpose: 'breed', members };
      const paceAt = options.cascade ? pace(island, { samples: seeds.length, sign }) : undefined;
      return { ...common, purpose: 'breed', members, stopAt: sign * worst.cost, paceAt };
    },
    absorb(batch, outcomes) {
      const island = islands[batch.island]!;
      batch.members.forEach((member, index) => {
        const outcome = outcomes[index];
        if (outcome !== undefined) learn(member, outcome, sign);
      });
      if (batch.purpose === 'review') island.best = Infinity;
      admit(island, batch.purpose === 'review' ? [] : batch.members, { fitness, capacity: options.islandSize });
      if (batch.purpose === 'breed') credit(batch);
      if (island.members.length > 0) island.founding = false;
      noteProgress(island, fitness);
      absorbed += 1;
      advanceEpoch(batch.members.length);
      if (absorbed % (options.islands * options.migrationRounds) === 0) migrate();
      restartIfStale(batch.island);
    },
    champions(count) {
      const all = new Set(islands.flatMap((island) => island.members));
      return [...all]
        .filter((member) => Number.isFinite(member.cost))
        .toSorted((a, b) => fitness(a) - fitness(b))
        .slice(0, count);
    },
    summary() {
      const costs = islands.flatMap((island) => island.members.map((member) => member.cost)).filter(Number.isFinite);
      return {
        generation: Math.floor(absorbed / islands.length),
        best: costs.length === 0 ? undefined : sign * Math.min(...costs),
        restarts,
      };
    },
  };
}

/** Seeds of selection draws: whole numbers below 2³². */
export function freshSeeds(count: number, random: Random): number[] {
  return Array.from({ length: count }, () => below(0x1_0000_0000, random));
}
