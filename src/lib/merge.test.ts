import { expect, test } from 'vitest';
import { merge } from './merge.ts';

async function* counted(name: string, until: number, left: string[], failsAt = Infinity): AsyncGenerator<string, void, void> {
  try {
    for (let at = 0; at < until; at += 1) {
      if (at === failsAt) throw new Error(`${name} failed`);
      yield await Promise.resolve(`${name}${at}`);
    }
  } finally {
    left.push(name);
  }
}

async function all(stream: AsyncIterable<string>): Promise<string[]> {
  const values: string[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

test('every value of every stream comes, each stream in its own order', async () => {
  const values = await all(merge([counted('a', 3, []), counted('b', 1, []), counted('c', 0, [])]));
  expect(values.toSorted()).toEqual(['a0', 'a1', 'a2', 'b0']);
  expect(values.filter((value) => value.startsWith('a'))).toEqual(['a0', 'a1', 'a2']);
});

test('none holds up the others', async () => {
  const gate = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<string, void, void> {
    await gate.promise;
    yield 'slow';
  }
  const values: string[] = [];
  for await (const value of merge([slow(), counted('a', 2, [])])) {
    values.push(value);
    if (value === 'a1') gate.resolve();
  }
  expect(values).toEqual(['a0', 'a1', 'slow']);
});

test('when one fails, or the reader leaves, all are left', async () => {
  const left: string[] = [];
  await expect(all(merge([counted('a', 9, left), counted('b', 9, left, 1)]))).rejects.toThrow('b failed');
  expect(left.toSorted()).toEqual(['a', 'b']);
  for await (const _value of merge([counted('c', 9, left), counted('d', 9, left)])) break;
  expect(left.toSorted()).toEqual(['a', 'b', 'c', 'd']);
});
