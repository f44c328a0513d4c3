import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, padEnd, padStart, printable, printableLines, textWidth, wrap } from './text-width.ts';

describe('textWidth', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本語', 6],
    ['한국', 4],
    ['ｆｕｌｌ', 8],
    ['🌱', 2],
    ['👩‍🌾', 2],
    ['█░', 2],
  ])('%s is %d wide', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});

test('cut leaves what fits and marks what is gone', () => {
  expect(cut('abc', 3)).toBe('abc');
  expect(cut('abcd', 3)).toBe('ab…');
  expect(cut('日本語', 4)).toBe('日…');
  expect(cut('abc', 0)).toBe('');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
      expect(textWidth(cut(printable(text), width))).toBeLessThanOrEqual(width);
    }),
  );
});

test('padding counts columns', () => {
  expect(padEnd('日', 4)).toBe('日  ');
  expect(padStart('7', 3)).toBe('  7');
});

test('nothing that is printed can move the cursor or forge a line', () => {
  expect(printable('a\u001b[2Jb\r\nc\td\u202e\u0007\u009b')).toBe('a\\x1b[2Jb\\r\\nc d\\u202e\\x07\\x9b');
  expect(printableLines('a\r\nb\u001b[0m\n')).toBe('a\nb\\x1b[0m\n');
  fc.assert(
    fc.property(fc.array(fc.nat(0x2070)), (codes) => {
      const text = String.fromCharCode(...codes);
      expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    }),
  );
});

test('wrap breaks at spaces', () => {
  expect(wrap('one two three', 7)).toBe('one two\nthree');
  expect(wrap('averylongword x', 5)).toBe('averylongword\nx');
  expect(wrap('a\nb', 5)).toBe('a\nb');
});
