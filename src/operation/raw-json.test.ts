import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawJson, stringify } from './raw-json.ts';

test('text is taken as it is, at the top and one level down', () => {
  expect(stringify(new RawJson('{"a" : 1}'))).toBe('{"a" : 1}');
  expect(stringify({ id: 'x', data: new RawJson('[1, 2]'), gone: undefined })).toBe('{"data":[1, 2],"id":"x"}');
  expect(stringify({ a: new RawJson('1'), b: new RawJson('2') })).toBe('{"a":1,"b":2}');
});

test('deeper it is still what it says', () => {
  expect(stringify({ a: { b: new RawJson('[1, 2]') } })).toBe('{"a":{"b":[1,2]}}');
});

test('without it, it is JSON.stringify', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => stringify(value) === JSON.stringify(value)));
  expect(stringify(undefined)).toBe('null');
});
