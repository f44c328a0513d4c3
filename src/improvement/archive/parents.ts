/**
 * Which member of an archive the next attempt begins from.
 * - `best`: always the best one.
 * - `score-novelty`: by chance; a member's share is its merit, squeezed by a sigmoid, over one plus what was made from it already. Good ones
 *   are asked often and new ones first, and none is ever out of the question.
 * - `islands`: lines of descent that do not mix, each from a first attempt of its own; they take turns, and begin from their best. Every
 *   third round each looks at its neighbour's best as well.
 */
import type { ParentPolicy } from '#kernel/compiler/contract.ts';
import type { Archive, Member } from './archive.ts';

/** The next parent, which is counted as one. */
export type NextParent = () => Member;

/** How much of a share the best has over the root: sigmoid(SHARPNESS) against sigmoid(0), about two to one. */
const SHARPNESS = 6;
const MIGRATION_ROUNDS = 3;

export interface ParentOptions {
  policy: ParentPolicy;
  /** Lines of descent; only for `islands`. */
  islands: number;
  /** 0 ≤ x < 1 */
  random: () => number;
}

export function parents(archive: Archive, options: ParentOptions): NextParent {
  const choose = CHOICES[options.policy](archive, options);
  return () => {
    const parent = choose();
    archive.countChild(parent.id);
    return parent;
  };
}

const CHOICES: Readonly<Record<ParentPolicy, (archive: Archive, options: ParentOptions) => NextParent>> = {
  best: (archive) => () => archive.best,
  'score-novelty': (archive, { random }) => {
    return () => {
      const { members, root } = archive;
      const gains = members.map((member) => archive.costOf(root) - archive.costOf(member));
      const span = Math.max(...gains.map(Math.abs)) || 1;
      const weights = members.map((member, index) => sigmoid((SHARPNESS * gains[index]!) / span) / (1 + archive.childrenOf(member.id)));
      return members[drawn(weights, random())]!;
    };
  },
  islands: (archive, { islands }) => {
    let turn = 0;
    return () => {
      const island = turn % islands;
      const isMigration = Math.floor(turn / islands) % MIGRATION_ROUNDS === MIGRATION_ROUNDS - 1;
      turn += 1;
      const own = onIsland(archive, island, islands);
      // Nobody there yet: a first attempt founds it.
      if (own.length === 0) return archive.root;
      const guests = isMigration ? onIsland(archive, (island + islands - 1) % islands, islands) : [];
      return [...own, ...guests].reduce((best, member) => (archive.costOf(member) < archive.costOf(best) ? member : best));
    };
  },
};

/** A member lives where the first of its line does; first ones are given out to the islands in turn. */
function onIsland(archive: Archive, island: number, islands: number): Member[] {
  const others = archive.members.filter(({ id }) => id !== null);
  const known = new Map(others.map((member) => [member.id, member]));
  const founderOf = (member: Member): Member => {
    const parent = known.get(member.parent);
    return parent === undefined || parent === member ? member : founderOf(parent);
  };
  const founders = others.filter((member) => founderOf(member) === member);
  return others.filter((member) => founders.indexOf(founderOf(member)) % islands === island);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** @param at 0 ≤ at < 1 */
function drawn(weights: readonly number[], at: number): number {
  let left = at * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => (left -= weight) < 0);
  // The last digit of a sum may be lost.
  return index === -1 ? weights.length - 1 : index;
}
