import { expect, test } from 'vitest';
import { jsonDifferences } from './json-difference.ts';

test('equal values have none, whatever the order of their members', () => {
  expect(jsonDifferences({ a: 1, b: [null, { c: 'x' }] }, { b: [null, { c: 'x' }], a: 1 })).toEqual([]);
  expect(jsonDifferences(null, null)).toEqual([]);
});

test('each difference has its path and both sides', () => {
  const before = { a: 1, list: [1, 2, 3], deep: { 'odd name': true, gone: 1 } };
  const after = { a: 2, list: [1, 5], deep: { 'odd name': false, come: null } };
  expect(jsonDifferences(before, after)).toEqual([
    { path: 'a', before: 1, after: 2 },
    { path: 'list[1]', before: 2, after: 5 },
    { path: 'list[2]', before: 3 },
    { path: 'deep["odd name"]', before: true, after: false },
    { path: 'deep.gone', before: 1 },
    { path: 'deep.come', after: null },
  ]);
});

test('values of another kind differ as a whole', () => {
  expect(jsonDifferences([1], { 0: 1 })).toEqual([{ path: '', before: [1], after: { 0: 1 } }]);
  expect(jsonDifferences(1, '1')).toEqual([{ path: '', before: 1, after: '1' }]);
  expect(jsonDifferences({ a: null }, { a: {} })).toEqual([{ path: 'a', before: null, after: {} }]);
});

test('a member called __proto__ is one like any other', () => {
  const hostile = JSON.parse('{"__proto__": {"x": 1}}') as unknown;
  expect(jsonDifferences(hostile, {})).toEqual([{ path: '__proto__', before: { x: 1 } }]);
});

test('no more than the limit are listed', () => {
  expect(
    jsonDifferences(
      Array.from({ length: 500 }, () => 1),
      [],
    ),
  ).toHaveLength(100);
  expect(jsonDifferences([1, 2], [3, 4], 1)).toHaveLength(1);
});
