// Makes individuals: founders of an island, and children of its members. Nothing that behaves like one made before.
import { argumentGrid, fingerprint } from './behaviour.ts';
import { condense } from './condense.ts';
import { below, type Random } from './draw.ts';
import { individual, type Genome, type Individual, type Origin } from './individual.ts';
import type { ParameterRange } from './interval.ts';
import { tournament, type Island } from './island.ts';
import { randomTree } from './material.ts';
import { vary, VARIATIONS } from './variation.ts';
import type { VariationMix } from './variation-mix.ts';

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
}

/** Called between two children: may give way to others. */
export type Rest = () => Promise<void>;

export interface Breeding {
  /** Fewer than `count` where nothing new could be found. */
  founders(count: number, rest: Rest): Promise<Individual[]>;
  children(island: Island, count: number, options: { mix: VariationMix; rest: Rest }): Promise<Individual[]>;
}

interface Made {
  genome: Genome;
  origin?: Origin;
}

export const TOURNAMENT = 4;
const FOUNDER_DEPTH = 4;
/** Trials for one wanted individual until it is given up: most that are too large or known already come in a row. */
const TRIALS = 8;

export function createBreeding(options: BreedingOptions): Breeding {
  const { functions, parent, random } = options;
  const grids = functions.map(argumentGrid);
  const seen = new Set<number>(parent === undefined ? [] : [fingerprint(parent, grids)]);

  function novel({ genome, origin }: Made): Individual | undefined {
    const condensed = options.simplify ? genome.map((tree, index) => condense(tree, functions[index]!)) : genome;
    const member = individual(condensed, origin);
    if (member.size > options.maxSize || member.genome.some((tree) => tree.depth > options.maxDepth)) return undefined;
    if (!options.novelty) return member;
    const print = fingerprint(member.genome, grids);
    if (seen.has(print)) return undefined;
    seen.add(print);
    return member;
  }

  async function fill(count: number, make: () => Made, rest: Rest): Promise<Individual[]> {
    const members: Individual[] = [];
    for (let trial = 0; members.length < count && trial < count * TRIALS; trial++) {
      const member = novel(make());
      if (member !== undefined) members.push(member);
      await rest();
    }
    return members;
  }

  /** One function new, or the parent's with an exception to its rule; the others as they are. */
  function founder(): Made {
    const changed = below(functions.length, random);
    const genome = functions.map((parameters, index) => {
      const breeder = { parameters, random };
      const own = parent?.[index];
      if (own === undefined) return randomTree(breeder, FOUNDER_DEPTH);
      if (index !== changed) return own;
      return random() < 0.5 ? VARIATIONS.rule(own, own, breeder) : randomTree(breeder, FOUNDER_DEPTH);
    });
    return { genome };
  }

  function child(island: Island, mix: VariationMix): Made {
    const first = tournament(island, random, TOURNAMENT);
    const changed = below(functions.length, random);
    const variation = mix.draw(random);
    const mate = () => tournament(island, random, TOURNAMENT).genome[changed]!;
    const varied = vary(first.genome[changed]!, { name: variation, mate, parameters: functions[changed]!, random });
    return { genome: first.genome.with(changed, varied), origin: { variation, parent: { cost: first.cost, size: first.size } } };
  }

  return {
    founders: (count, rest) => fill(count, founder, rest),
    children: (island, count, { mix, rest }) => fill(count, () => child(island, mix), rest),
  };
}
