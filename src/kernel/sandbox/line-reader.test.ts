import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineReader, oneLine } from './line-reader.ts';

test('finds the lines however the text is cut up', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 6 }).map((text) => text.replaceAll('\n', ''))), fc.array(fc.nat(8)), (lines, cuts) => {
      const text = lines.map((line) => `${line}\n`).join('');
      const seen: string[] = [];
      const reader = new LineReader();
      let from = 0;
      for (const cut of cuts) {
        reader.push(text.slice(from, from + cut), (line) => seen.push(line));
        from += cut;
      }
      reader.push(text.slice(from), (line) => seen.push(line));
      expect(seen).toEqual(lines);
    }),
  );
});

test('a JSON text of several lines is put on one, everything else is left as it is', () => {
  expect(oneLine('{\n\t"a": "x\\ty"\n}')).toBe('{"a":"x\\ty"}');
  expect(oneLine('{"a": 1}')).toBe('{"a": 1}');
  expect(() => oneLine('{\n')).toThrow(SyntaxError);
});
