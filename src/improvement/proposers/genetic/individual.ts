// One candidate of the search: its trees and what is known about them.
import type { CandidateScore } from '../../proposer.ts';
import type { Expression } from './expression.ts';
import type { VariationName } from './variation.ts';

/** One tree for each evolvable function, in the contract's order. */
export type Genome = readonly Expression[];

/** How a child came to be: what its parent was worth then, and not the parent, which would keep all of its own alive. */
export interface Origin {
  readonly variation: VariationName;
  readonly parent: { readonly cost: number; readonly size: number };
}

export interface Individual {
  readonly genome: Genome;
  readonly size: number;
  /** Selection scores over every draw it has met, newest last. */
  readonly scores: number[];
  /** Mean score, turned so that less is better; Infinity until scored. */
  cost: number;
  /** Given up early: the cost is a lower bound. */
  stopped: boolean;
  readonly origin: Origin | undefined;
}

export function individual(genome: Genome, origin?: Origin): Individual {
  return { genome, size: genome.reduce((sum, tree) => sum + tree.size, 0), scores: [], cost: Infinity, stopped: false, origin };
}

/** Adds what an evaluation said. */
export function learn(member: Individual, outcome: CandidateScore, sign: 1 | -1): void {
  if (!outcome.ok || outcome.scores.length === 0) {
    member.cost = Infinity;
    return;
  }
  member.scores.push(...outcome.scores);
  member.stopped = outcome.stopped;
  const mean = member.scores.reduce((sum, score) => sum + score, 0) / member.scores.length;
  member.cost = Number.isFinite(mean) ? sign * mean : Infinity;
}
