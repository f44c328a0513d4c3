import { expect, test } from 'vitest';
import { Archive, type Member } from './archive.ts';

const member = (id: string | null, scores: readonly number[], parent: string | null = null): Member => ({
  id,
  parent,
  files: {},
  scores,
  failures: [],
});

test('the best is the best by the direction of the objective; of equals the oldest', () => {
  const low = new Archive(member(null, [3, 5]), 1);
  low.add(member('a', [2, 2]));
  low.add(member('b', [2, 2]));
  expect(low.best.id).toBe('a');
  const high = new Archive(member(null, [3, 5]), -1);
  high.add(member('a', [2, 2]));
  expect(high.best.id).toBeNull();
});

test('the same candidate again is no other member', () => {
  const archive = new Archive(member(null, [1]), -1);
  archive.add(member('a', [2]));
  archive.add(member('a', [9]));
  expect(archive.members.map(({ id, scores }) => [id, scores[0]])).toEqual([
    [null, 1],
    ['a', 2],
  ]);
});

test('children are counted, those that came to nothing as well', () => {
  const archive = new Archive(member(null, [1]), -1);
  archive.countChild(null);
  archive.countChild(null);
  expect([archive.childrenOf(null), archive.childrenOf('a')]).toEqual([2, 0]);
});

test.each([
  [1, [Number.MAX_VALUE, 4]],
  [-1, [-Number.MAX_VALUE, 1.5]],
] as const)('with direction %s the pace is that of the weakest, and nobody is behind after one draw', (sign, pace) => {
  const archive = new Archive(member(null, [1, 2, 9]), sign);
  archive.add(member('a', [5, 3, 0]));
  expect(archive.pace()).toEqual(pace);
});

test('a single draw has no pace', () => {
  expect(new Archive(member(null, [1]), 1).pace()).toEqual([]);
});
