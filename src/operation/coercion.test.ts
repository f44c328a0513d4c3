import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { coerceMembers, type RawValue } from './coercion.ts';
import type { JsonSchema } from './schema.ts';

const coerce = (schema: z.ZodType, value: RawValue): unknown =>
  coerceMembers(z.toJSONSchema(z.object({ member: schema }), { io: 'input' }), { member: value })['member'];

describe('text becomes', () => {
  test.each<[string, z.ZodType, RawValue, unknown]>([
    ['a number', z.number(), '2.5', 2.5],
    ['a negative one with an exponent', z.number(), '-1e3', -1000],
    ['text where it is no number', z.number(), '12px', '12px'],
    ['text where it is empty', z.number(), '', ''],
    ['text where JavaScript alone would see a number', z.int(), '0x10', '0x10'],
    ['true', z.boolean(), 'true', true],
    ['false, never true', z.boolean(), 'false', false],
    ['false from 0', z.boolean().default(true), '0', false],
    ['true from a flag alone', z.boolean().optional(), true, true],
    ['true from an empty value', z.boolean(), '', true],
    ['text where it is neither', z.boolean(), 'maybe', 'maybe'],
    ['digits that are text', z.string(), '007', '007'],
    ['a choice', z.enum(['1', '2']), '1', '1'],
    ['a list of one', z.array(z.string()), 'a,b', ['a,b']],
    ['a list of numbers', z.array(z.int()), ['1', '2'], [1, 2]],
    ['a list given as JSON', z.array(z.int()), '[1,2]', [1, 2]],
    ['one value of a list of one', z.string(), ['a'], 'a'],
    ['several values, left to be refused', z.string(), ['a', 'b'], ['a', 'b']],
    ['an object given as JSON', z.object({ a: z.int() }), '{"a":1}', { a: 1 }],
    ['text where it is no object', z.object({ a: z.int() }), '{a:1}', '{a:1}'],
    ['any JSON', z.json(), '{"a":[1]}', { a: [1] }],
    ['any JSON, a number', z.unknown(), '12', 12],
    ['text where it is no JSON', z.unknown(), 'plain words', 'plain words'],
    ['null for what may be null', z.number().nullable(), 'null', null],
    ['a word for text that may be null', z.string().nullable(), 'null', 'null'],
    ['text before a number, where both are allowed', z.union([z.string(), z.number()]), '5', '5'],
    ['a record given as JSON', z.record(z.string(), z.string()), '{"a":"b"}', { a: 'b' }],
  ])('%s', (_, schema, text, value) => {
    expect(coerce(schema, text)).toEqual(value);
  });
});

test('members that nobody declared are passed on, to be refused by name', () => {
  const schema = z.toJSONSchema(z.object({ a: z.int() }), { io: 'input' }) as JsonSchema;
  const raw = JSON.parse('{"a":"1","b":"2","__proto__":"3","constructor":"4"}') as Record<string, string>;
  expect(JSON.stringify(coerceMembers(schema, raw))).toBe('{"a":1,"b":"2","__proto__":"3","constructor":"4"}');
});
