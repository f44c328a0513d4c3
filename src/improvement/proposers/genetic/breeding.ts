// Makes individuals: founders of an island, and children of its members. Nothing that behaves like one made before.
import { argumentGrid, fingerprint } from './behaviour.ts';
import { condense } from './condense.ts';
import { below, type Random } from './draw.ts';
import { individual, type Genome, type Individual } from './individual.ts';
import type { ParameterRange } from './interval.ts';
import { tournament, type Island } from './island.ts';
import { randomTree } from './material.ts';
import { vary, VARIATIONS, type VariationName } from './variation.ts';

export interface BreedingOptions {
  /** Parameters of each evolvable function. */
  functions: readonly (readonly ParameterRange[])[];
  /** The functions as they are, where they could be read. */
  parent: Genome | undefined;
  random: Random;
  /** Nodes a genome may have. */
  maxSize: number;
  maxDepth: number;
  /** Whether what behaves like one made before is dropped unscored. */
  novelty: boolean;
  /** Whether every child is simplified before it is scored. */
  simplify: boolean;
  /** How often each variation is drawn, against the others. */
  variations: Readonly<Record<VariationName, number>>;
}

/** Called between two children: may give way to others. */
export type Rest = () => Promise<void>;

export interface Breeding {
  /** Fewer than `count` where nothing new could be found. */
  founders(count: number, rest: Rest): Promise<Individual[]>;
  children(island: Island, count: number, rest: Rest): Promise<Individual[]>;
}

export const TOURNAMENT = 4;
const FOUNDER_DEPTH = 4;
/** Trials for one wanted individual until it is given up: most that are too large or known already come in a row. */
const TRIALS = 8;

export function createBreeding(options: BreedingOptions): Breeding {
  const { functions, parent, random } = options;
  const grids = functions.map(argumentGrid);
  const seen = new Set<number>(parent === undefined ? [] : [fingerprint(parent, grids)]);

  function novel(genome: Genome): Individual | undefined {
    const member = individual(options.simplify ? genome.map((tree, index) => condense(tree, functions[index]!)) : genome);
    if (member.size > options.maxSize || member.genome.some((tree) => tree.depth > options.maxDepth)) return undefined;
    if (!options.novelty) return member;
    const print = fingerprint(member.genome, grids);
    if (seen.has(print)) return undefined;
    seen.add(print);
    return member;
  }

  async function fill(count: number, make: () => Genome, rest: Rest): Promise<Individual[]> {
    const members: Individual[] = [];
    for (let trial = 0; members.length < count && trial < count * TRIALS; trial++) {
      const member = novel(make());
      if (member !== undefined) members.push(member);
      await rest();
    }
    return members;
  }

  /** One function new, or the parent's with an exception to its rule; the others as they are. */
  function founder(): Genome {
    const changed = below(functions.length, random);
    return functions.map((parameters, index) => {
      const breeder = { parameters, random };
      const own = parent?.[index];
      if (own === undefined) return randomTree(breeder, FOUNDER_DEPTH);
      if (index !== changed) return own;
      return random() < 0.5 ? VARIATIONS.rule(own, own, breeder) : randomTree(breeder, FOUNDER_DEPTH);
    });
  }

  function child(island: Island): Genome {
    const first = tournament(island, random, TOURNAMENT);
    const changed = below(functions.length, random);
    return first.genome.map((tree, index) => {
      if (index !== changed) return tree;
      const mate = () => tournament(island, random, TOURNAMENT).genome[index]!;
      return vary(tree, mate, { parameters: functions[index]!, random, variations: options.variations });
    });
  }

  return {
    founders: (count, rest) => fill(count, founder, rest),
    children: (island, count, rest) => fill(count, () => child(island), rest),
  };
}
