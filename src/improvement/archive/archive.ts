// What was made so far from one version, as a tree: who was made from whom, and what each scored on the same draws. Pure.
import type { ChangedFiles } from '../events.ts';

export interface Member {
  /** Its name in the lineage, below its agent's; null: the version to better, the root. */
  id: string | null;
  /** What it was made from; null: the root, or a version that is not here. */
  parent: string | null;
  /** Those that differ from the root's. */
  files: ChangedFiles;
  /** One a draw, the same draws for every member. */
  scores: readonly number[];
  /** What it gets wrong, as the evaluation tells. */
  failures: readonly unknown[];
}

export class Archive {
  readonly root: Member;
  readonly #sign: 1 | -1;
  readonly #members: Member[];
  readonly #children = new Map<string | null, number>();

  /** @param sign 1 to minimize the score, -1 to maximize it */
  constructor(root: Member, sign: 1 | -1) {
    this.root = root;
    this.#sign = sign;
    this.#members = [root];
  }

  /** The root first, then in the order in which they came. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** The best; of equals the oldest. */
  get best(): Member {
    return this.#members.reduce((best, member) => (this.costOf(member) < this.costOf(best) ? member : best));
  }

  has(id: string): boolean {
    return this.#members.some((member) => member.id === id);
  }

  add(member: Member): void {
    if (member.id === null || !this.has(member.id)) this.#members.push(member);
  }

  /** Something is being made from it, whatever will become of that. */
  countChild(parent: string | null): void {
    this.#children.set(parent, this.childrenOf(parent) + 1);
  }

  childrenOf(parent: string | null): number {
    return this.#children.get(parent) ?? 0;
  }

  /** Less is better. */
  costOf({ scores }: Pick<Member, 'scores'>): number {
    return this.#sign * mean(scores);
  }

  /**
   * What the weakest member had after one, two, … of the draws on average, but for the last draw; in the objective's unit. Whoever is
   * behind that needs no further draws. One draw alone says too little of what was paid for: nobody is behind after the first.
   */
  pace(): number[] {
    const draws = this.root.scores.length;
    return Array.from({ length: Math.max(0, draws - 1) }, (_, index) => {
      if (index === 0) return this.#sign * Number.MAX_VALUE;
      return this.#sign * Math.max(...this.#members.map(({ scores }) => this.#sign * mean(scores.slice(0, index + 1))));
    });
  }
}

export function mean(scores: readonly number[]): number {
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
