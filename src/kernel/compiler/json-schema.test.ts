import { describe, expect, test } from 'vitest';
import { schemaProblems } from './json-schema.ts';

const problems = (schema: unknown, side: 'input' | 'output' = 'input') => schemaProblems(schema, { path: 'input', side });

describe('what comes out of a sandbox is not believed', () => {
  test.each([
    ['an unknown keyword', { type: 'object', unevaluatedProperties: false }, 'the keyword unevaluatedProperties is not known'],
    ['a keyword that costs', { type: 'array', uniqueItems: true }, 'the keyword uniqueItems is not known'],
    ['an id', { $id: 'http://a/b' }, 'the keyword $id is not known'],
    ['a remote reference', { $ref: 'http://a/b' }, 'the reference "http://a/b" leads nowhere'],
    ['a reference into the schema', { $ref: '#/properties/a' }, 'the reference "#/properties/a" leads nowhere'],
    ['a reference to nothing', { $ref: '#/$defs/a' }, 'the reference "#/$defs/a" leads nowhere'],
    ['no schema', 3, 'is not a schema'],
    ['a wrong type', { type: 'function' }, 'type is not a JSON type'],
    ['a bound that is no number', { maximum: '3' }, 'maximum is not a number'],
    ['a length that is no count', { minLength: -1 }, 'minLength is not a whole number from 0'],
    ['a divisor of nothing', { multipleOf: 0 }, 'multipleOf is not above 0'],
    ['an enum of objects', { enum: [{}] }, 'enum is not a list of 1 to 1000 scalars'],
    ['an empty union', { anyOf: [] }, 'anyOf is not a list of schemas'],
    ['a format nobody checks', { type: 'string', format: 'email' }, 'the format email is not enforced: use regex()'],
    ['a member called __proto__', JSON.parse('{"properties":{"__proto__":{}}}'), 'a member can not be called __proto__'],
    ['a keyword called __proto__', JSON.parse('{"__proto__":{}}'), 'the keyword __proto__ is not known'],
    ['a keyword called constructor', { constructor: {} }, 'the keyword constructor is not known'],
    ['a reference to what every object has', { $ref: '#/$defs/constructor' }, 'the reference "#/$defs/constructor" leads nowhere'],
    ['a format that every object has', { type: 'string', format: 'constructor' }, 'the format constructor is not enforced: use regex()'],
    ['definitions inside', { properties: { a: { $defs: {} } } }, 'the keyword $defs is not known'],
  ])('%s', (_, schema, message) => {
    expect(problems(schema).map((problem) => problem.message)).toContain(message);
  });

  test('more parts than can be compiled', () => {
    const wide = { properties: Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`p${index}`, {}])) };
    expect(problems(wide)).toEqual([{ path: 'input', message: 'has more than 2000 parts' }]);
    let deep: unknown = {};
    for (let depth = 0; depth < 100; depth += 1) deep = { items: deep };
    expect(problems(deep)).toEqual([expect.objectContaining({ message: 'is nested more than 64 deep' })]);
  });
});

test('a default counts as filled in only where Ajv fills it in, through references too', () => {
  const node = { properties: { size: { type: 'number', default: 1 } } };
  expect(problems({ properties: { a: { $ref: '#/$defs/node' } }, $defs: { node } })).toEqual([]);
  expect(problems({ properties: { a: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } }, $defs: { node } })).toEqual([
    expect.objectContaining({ path: 'input#node.size', message: expect.stringContaining('inside a union') }),
  ]);
  expect(problems({ properties: { a: { type: 'number', default: 1 } } }, 'output')).toHaveLength(1);
});

test('a path leads to the part', () => {
  const schema = { properties: { a: { items: { prefixItems: [{}, { additionalProperties: { oneOf: [{}, { pattern: '(' }] } }] } } } };
  expect(problems(schema)).toEqual([expect.objectContaining({ path: 'input.a[][1]{}<1>' })]);
});
