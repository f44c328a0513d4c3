import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonDepthExceeds } from './json-depth.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('agrees with the parsed value, whatever its texts contain', () => {
  const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ']', '}', 'a') });
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'medium' }, text, fc.array(tie('value')), fc.dictionary(text, tie('value'))),
  }));
  fc.assert(
    fc.property(value, fc.integer({ min: 1, max: 6 }), (tree, limit) => {
      const padded = [tree, 'x'.repeat(2 * limit)];
      expect(jsonDepthExceeds(JSON.stringify(padded), limit)).toBe(depthOf(padded) > limit);
    }),
  );
});

test('does not overflow on text that is all brackets', () => {
  expect(jsonDepthExceeds('['.repeat(1_000_000), 64)).toBe(true);
});
