import { expect, test } from 'vitest';
import type { ParentPolicy } from '#kernel/compiler/contract.ts';
import { randomFrom } from '../random.ts';
import { Archive, type Member } from './archive.ts';
import { parents } from './parents.ts';

const member = (id: string | null, score: number, parent: string | null = null): Member => ({
  id,
  parent,
  files: {},
  scores: [score],
  failures: [],
});

function archiveOf(...members: readonly Member[]): Archive {
  const archive = new Archive(member(null, 0.5), -1);
  for (const one of members) archive.add(one);
  return archive;
}

const choosing = (archive: Archive, policy: ParentPolicy, islands = 2) =>
  parents(archive, { policy, islands, random: randomFrom(3, 'test') });

function tally(archive: Archive, draws: number): Map<string | null, number> {
  const counts = new Map<string | null, number>();
  for (let at = 0; at < draws; at += 1) {
    // Anew, so that no child counts.
    const { id } = parents(archiveOf(...archive.members.slice(1)), {
      policy: 'score-novelty',
      islands: 1,
      random: randomFrom(at, 'draw'),
    })();
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

test('best: always the best, as it is at that moment', () => {
  const archive = archiveOf(member('a', 0.6));
  const next = choosing(archive, 'best');
  expect([next().id, next().id]).toEqual(['a', 'a']);
  archive.add(member('b', 0.7));
  expect(next().id).toBe('b');
  expect(archive.childrenOf('a')).toBe(2);
});

test('score-novelty: the better the likelier, and nobody never', () => {
  const counts = tally(archiveOf(member('good', 0.9), member('bad', 0.1)), 600);
  // sigmoid(6), sigmoid(0) and sigmoid(-6): 0.9975, 0.5 and 0.0025 of 1.5.
  expect(counts.get('good')! / 600).toBeCloseTo(0.665, 1);
  expect(counts.get(null)! / 600).toBeCloseTo(0.333, 1);
  expect((counts.get('bad') ?? 0) / 600).toBeLessThan(0.02);
});

test('score-novelty: what was asked often gives way', () => {
  const archive = archiveOf(member('good', 0.9));
  const next = choosing(archive, 'score-novelty');
  const chosen = Array.from({ length: 40 }, () => next().id);
  // Shares even out as children grow: about two of the better for one of the root.
  expect(chosen.filter((id) => id === null).length).toBeGreaterThan(8);
  expect(archive.childrenOf('good') + archive.childrenOf(null)).toBe(40);
});

test('islands: each begins with an attempt of its own and goes on from its best', () => {
  const archive = archiveOf();
  const next = choosing(archive, 'islands');
  expect([next().id, next().id]).toEqual([null, null]);
  archive.add(member('a', 0.4));
  archive.add(member('b', 0.8));
  archive.add(member('a2', 0.6, 'a'));
  expect([next().id, next().id]).toEqual(['a2', 'b']);
  // The third round: the neighbour's best is better.
  expect([next().id, next().id]).toEqual(['b', 'b']);
  expect([next().id, next().id]).toEqual(['a2', 'b']);
});

test('islands: lines that come from elsewhere are given out in turn, with those made from them', () => {
  const archive = archiveOf(member('x', 0.1, 'gone'), member('y', 0.2, 'gone'), member('z', 0.3, 'x'), member('w', 0.9));
  const next = choosing(archive, 'islands', 3);
  expect([next().id, next().id, next().id]).toEqual(['z', 'y', 'w']);
});
