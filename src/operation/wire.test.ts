import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { camelCase, fromWire, namesOf, snakeCase, toWire, wireJsonSchema, wirePath, type UnknownMember } from './wire.ts';

const both = (schema: z.ZodType, value: unknown): unknown => toWire(namesOf(schema, 'output'), value);
const back = (schema: z.ZodType, value: unknown): { value: unknown; unknown: UnknownMember[] } => {
  const unknown: UnknownMember[] = [];
  return { value: fromWire(namesOf(schema, 'input'), value, unknown), unknown };
};

describe('names', () => {
  test.each([
    ['callId', 'call_id'],
    ['p95Ms', 'p95_ms'],
    ['sha256', 'sha256'],
    ['a', 'a'],
  ])('%s ↔ %s', (code, wire) => {
    expect([snakeCase(code), camelCase(wire)]).toEqual([wire, code]);
  });
});

describe('values', () => {
  const leaf = z.object({ someKey: z.number() });
  test.each<[string, z.ZodType, unknown, unknown]>([
    ['lists', z.object({ allLeaves: z.array(leaf) }), { allLeaves: [{ someKey: 1 }] }, { all_leaves: [{ some_key: 1 }] }],
    ['wrappers', z.object({ aB: leaf.optional().nullable() }), { aB: { someKey: 1 } }, { a_b: { some_key: 1 } }],
    ['null', z.object({ aB: leaf.nullable() }), { aB: null }, { a_b: null }],
    [
      'records: values, not keys',
      z.object({ byName: z.record(z.string(), leaf) }),
      { byName: { myKey: { someKey: 1 } } },
      { by_name: { myKey: { some_key: 1 } } },
    ],
    ['unions', z.object({ x: z.union([z.string(), leaf]) }), { x: { someKey: 1 } }, { x: { some_key: 1 } }],
    [
      'alternatives with members of their own',
      z.discriminatedUnion('k', [z.object({ k: z.literal('a'), inA: leaf }), z.object({ k: z.literal('b'), inB: z.string() })]),
      { k: 'a', inA: { someKey: 1 } },
      { k: 'a', in_a: { some_key: 1 } },
    ],
    [
      'intersections',
      z.intersection(leaf, z.object({ oneMore: z.string() })),
      { someKey: 1, oneMore: 'x' },
      { some_key: 1, one_more: 'x' },
    ],
    ['tuples', z.object({ t: z.tuple([leaf, leaf]) }), { t: [{ someKey: 1 }, { someKey: 2 }] }, { t: [{ some_key: 1 }, { some_key: 2 }] }],
    [
      'nothing of what is open',
      z.object({ anyThing: z.unknown(), jsonToo: z.json() }),
      { anyThing: { aB: 1 }, jsonToo: [{ cD: 1 }] },
      { any_thing: { aB: 1 }, json_too: [{ cD: 1 }] },
    ],
  ])('%s', (_, schema, code, wire) => {
    expect(both(schema, code)).toEqual(wire);
    expect(back(schema, wire)).toEqual({ value: code, unknown: [] });
  });

  test('a schema that contains itself', () => {
    interface Tree {
      nodeName: string;
      subTrees: Tree[];
    }
    const tree: z.ZodType<Tree> = z.lazy(() => z.object({ nodeName: z.string(), subTrees: z.array(tree) }));
    const value = { nodeName: 'a', subTrees: [{ nodeName: 'b', subTrees: [] }] };
    const wire = { node_name: 'a', sub_trees: [{ node_name: 'b', sub_trees: [] }] };
    expect(both(tree, value)).toEqual(wire);
    expect(back(tree, wire).value).toEqual(value);
  });

  test('what is open stays the same object: nothing is copied for names that do not change', () => {
    const data = { deep: [{ aB: 1 }] };
    expect((both(z.object({ x: z.json() }), { x: data }) as { x: unknown }).x).toBe(data);
  });

  test('a member called __proto__ changes no prototype', () => {
    const schema = z.record(z.string(), z.object({ aB: z.number() }));
    const value = back(schema, JSON.parse('{"__proto__":{"a_b":1}}')).value as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(JSON.stringify(value)).toBe('{"__proto__":{"aB":1}}');
  });

  test('any value of a schema comes back as it went', () => {
    const schema = z.object({
      oneTwo: z.array(z.object({ threeFour: z.json(), five: z.record(z.string(), z.string()) })),
      sixSeven: z.string().optional(),
    });
    const arbitrary = fc.record(
      {
        oneTwo: fc.array(fc.record({ threeFour: fc.jsonValue(), five: fc.dictionary(fc.string(), fc.string()) })),
        sixSeven: fc.string(),
      },
      { requiredKeys: ['oneTwo'] },
    );
    fc.assert(
      fc.property(arbitrary, (value) => {
        const text = JSON.parse(JSON.stringify(both(schema, value))) as unknown;
        expect(JSON.stringify(back(schema, text).value)).toBe(JSON.stringify(value));
      }),
    );
  });
});

test('paths of refusals are those of the wire', () => {
  const names = namesOf(
    z.object({ aList: z.array(z.object({ bC: z.number() })), anyThing: z.record(z.string(), z.object({ dE: z.number() })) }),
    'input',
  );
  expect(wirePath(names, ['aList', 2, 'bC'])).toBe('a_list.2.b_c');
  expect(wirePath(names, ['anyThing', 'ownKey', 'dE'])).toBe('any_thing.ownKey.d_e');
});

test('JSON Schema in wire names, data in it untouched', () => {
  const schema = z.object({ aB: z.enum(['cD']).default('cD').describe('about eF'), gH: z.array(z.object({ iJ: z.string() })) });
  expect(wireJsonSchema(z.toJSONSchema(schema, { io: 'input' }))).toMatchObject({
    properties: {
      a_b: { enum: ['cD'], default: 'cD', description: 'about eF' },
      g_h: { items: { properties: { i_j: {} }, required: ['i_j'] } },
    },
    required: ['g_h'],
  });
});
