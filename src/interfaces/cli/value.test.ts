import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Flag } from '#operation/flag.ts';
import type { FlagText } from './parse.ts';
import { valueOf } from './value.ts';

const flag = (type: Flag['type'], rest: Partial<Flag> = {}): Flag => ({ name: 'x', member: 'x', type, ...rest });

describe('valueOf', () => {
  test.each([
    [flag('string'), '5', '5'],
    [flag('string'), 'true', 'true'],
    [flag('string', { choices: ['a', 'b'] }), 'b', 'b'],
    [flag('integer'), '5', 5],
    [flag('integer'), '-5', -5],
    [flag('number'), '.5', 0.5],
    [flag('number'), '1e3', 1000],
    [flag('boolean'), true, true],
    [flag('boolean'), 'false', false],
    [flag('boolean'), '0', false],
    [flag('array', { of: 'string' }), ['a,b', 'c'], ['a', 'b', 'c']],
    [flag('array', { of: 'integer' }), ['1, 2'], [1, 2]],
    [flag('array', { of: 'string' }), ['["a,b"]'], ['a,b']],
    [flag('array', { of: 'object' }), ['{"a":1}', '{"b":[1,2]}'], [{ a: 1 }, { b: [1, 2] }]],
    [flag('object'), ['a=1', 'b=x', 'c='], { a: 1, b: 'x', c: '' }],
    [flag('object'), ['a=b=c'], { a: 'b=c' }],
    [flag('object'), '{"a":{"b":1}}', { a: { b: 1 } }],
    [flag('json'), '{"a":1}', { a: 1 }],
    [flag('json'), '5', 5],
    [flag('json'), 'null', null],
    [flag('json'), 'a word', 'a word'],
    [flag('json'), '"5"', '5'],
  ])('%j %j', (one, text, expected) => {
    expect(valueOf(one, text as FlagText)).toEqual(expected);
  });

  test.each([
    [flag('integer'), '1.5', '--x takes a whole number, not "1.5"'],
    [flag('integer'), '99999999999999999999', '--x takes a whole number, not "99999999999999999999"'],
    [flag('integer'), '0x10', '--x takes a whole number, not "0x10"'],
    [flag('integer'), '', '--x takes a whole number, not ""'],
    [flag('number'), 'NaN', '--x takes a number, not "NaN"'],
    [flag('integer', { minimum: 1, maximum: 9 }), '10', '--x can not be 10: it takes 1 to 9'],
    [flag('integer', { minimum: 1 }), '0', '--x can not be 0: it takes at least 1'],
    [flag('boolean'), 'maybe', '--x is a switch: it can not be "maybe"'],
    [flag('string', { choices: ['asc', 'desc'] }), 'up', '--x can not be "up"'],
    [flag('object'), 'x', '--x takes a JSON object or key=value, not "x"'],
    [flag('object'), '=x', '--x takes a JSON object or key=value, not "=x"'],
  ])('refuses %j %j', (one, text, message) => {
    expect(() => valueOf(one, text)).toThrow(expect.objectContaining({ code: 'bad_request', message }));
  });

  test('what is meant to be JSON and is not says where', () => {
    expect(() => valueOf(flag('json'), '{bad', '<input>')).toThrow(
      expect.objectContaining({
        code: 'bad_request',
        message: expect.stringMatching(/^<input> is not valid JSON: .*position 1/) as unknown,
      }),
    );
  });

  test('any JSON value comes back as it was', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(valueOf(flag('json'), text)).toEqual(JSON.parse(text));
      }),
    );
  });
});
