import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { contractSchema, type ContractData } from './contract.ts';
import { schemaProblems } from './json-schema.ts';
import { exportChecks, validatorFor, type ExportChecks } from './validator.ts';

function jsonOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
  expect(schemaProblems(json, { path: 'input', side: 'input' })).toEqual([]);
  return json;
}

function checksOf(input: z.ZodType, limits: Partial<ContractData['limits']> = {}): ExportChecks {
  const contract = contractSchema.parse({
    contract: 1,
    name: 'a',
    summary: '',
    limits,
    exports: [{ kind: 'call', name: 'handle', input: jsonOf(input), output: jsonOf(z.object({ bin: z.int() })) }],
  });
  return exportChecks(contract, 'handle');
}

function refusal(run: () => unknown): { code: string; message: string; details: { path: string; message: string }[] } {
  try {
    run();
  } catch (error) {
    return error as ReturnType<typeof refusal>;
  }
  throw new Error('it was accepted');
}

describe('an input', () => {
  const checks = checksOf(
    z.object({
      items: z.array(z.object({ size: z.number().min(1) })),
      note: z.string().default('none'),
      at: z.object({ zone: z.string().default('UTC') }).default({ zone: 'UTC' }),
    }),
  );

  test('gets its defaults, and stays as it was itself', () => {
    const input = { items: [{ size: 2 }] };
    expect(JSON.parse(checks.inputJson(input))).toEqual({ items: [{ size: 2 }], note: 'none', at: { zone: 'UTC' } });
    expect(JSON.parse(checks.inputJson({ items: [], at: {} }))).toEqual({ items: [], note: 'none', at: { zone: 'UTC' } });
    expect(input).toEqual({ items: [{ size: 2 }] });
  });

  test.each([
    [{ items: [{ size: 2 }, { size: 0 }] }, 'items[1].size', 'must be >= 1'],
    [{ items: [{}] }, 'items[0].size', 'is missing'],
    [{ items: 1 }, 'items', 'must be array'],
    [{}, 'items', 'is missing'],
    [null, '', 'must be object'],
    [undefined, '', 'is missing'],
  ])('%j is refused with its path', (input, path, message) => {
    const { code, details } = refusal(() => checks.inputJson(input));
    expect(code).toBe('invalid_input');
    expect(details).toEqual([{ path, message }]);
  });

  test('is refused by its size and depth before anything else looks at it', () => {
    const small = checksOf(z.any(), { inputBytes: 100 });
    expect(small.inputJson('x'.repeat(98))).toHaveLength(100);
    expect(refusal(() => small.inputJson('x'.repeat(99)))).toMatchObject({
      code: 'payload_too_large',
      message: 'the input has 101 bytes of JSON, the contract allows 100',
    });
    expect(refusal(() => small.inputJson('ü'.repeat(50))).code).toBe('payload_too_large');
    const any = checksOf(z.any());
    const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    expect(any.inputJson(nested(64))).toHaveLength(128);
    expect(refusal(() => any.inputJson(nested(65)))).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('more than 64 deep'),
    });
    expect(refusal(() => any.inputJson(nested(5_000))).code).toBe('invalid_input');
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(refusal(() => any.inputJson(cyclic)).code).toBe('invalid_input');
  });

  test('of a format is enforced', () => {
    const formats = checksOf(z.object({ mail: z.email(), at: z.iso.datetime(), id: z.uuid(), url: z.url() }));
    const good = { mail: 'a@b.co', at: '2024-02-29T12:00:00Z', id: '6ba7b810-9dad-41d1-80b4-00c04fd430c8', url: 'https://a.b/c?d' };
    expect(JSON.parse(formats.inputJson(good))).toEqual(good);
    for (const [name, value] of Object.entries({ mail: 'a@b', at: '2023-02-29T12:00:00Z', id: '6ba7b810', url: 'nowhere' })) {
      expect(refusal(() => formats.inputJson({ ...good, [name]: value })).details[0]?.path).toBe(name);
    }
  });

  test('two patterns that differ are two patterns', () => {
    const two = checksOf(z.object({ a: z.string().regex(/^a+$/), b: z.string().regex(/^b+$/) }));
    expect(two.inputJson({ a: 'aa', b: 'bb' })).toBe('{"a":"aa","b":"bb"}');
    expect(refusal(() => two.inputJson({ a: 'aa', b: 'aa' })).details[0]?.path).toBe('b');
    const both = checksOf(z.string().startsWith('a').endsWith('z').regex(/m/));
    expect(both.inputJson('amz')).toBe('"amz"');
    for (const text of ['mz', 'am', 'az']) expect(refusal(() => both.inputJson(text)).code).toBe('invalid_input');
  });
});

describe('an output', () => {
  const checks = checksOf(z.any(), { outputBytes: 100 });
  test('that fits is given parsed', () => {
    expect(checks.output('{"bin":3}')).toEqual({ bin: 3 });
  });
  test.each(['{"bin":"x"}', '{}', 'null', `{"bin":1,"more":"${'x'.repeat(100)}"}`, '['.repeat(70) + ']'.repeat(30)])(
    "%s is the agent's fault",
    (json) => {
      expect(refusal(() => checks.output(json)).code).toBe('agent_error');
    },
  );
});

test('a recursive schema that a value fits in too many ways ends soon', () => {
  const Tree: z.ZodType = z.lazy(() =>
    z.union([z.object({ a: Tree, b: z.literal(1) }), z.object({ a: Tree, b: z.literal(2) }), z.object({ leaf: z.literal(true) })]),
  );
  const checks = checksOf(Tree);
  let good: unknown = { leaf: true };
  let bad: unknown = { leaf: false };
  for (let depth = 0; depth < 40; depth += 1) {
    good = { a: good, b: (depth % 2) + 1 };
    bad = { a: bad, b: 3 };
  }
  const startedMs = performance.now();
  expect(refusal(() => checks.inputJson(bad)).details).toEqual([{ path: '', message: 'it fits the recursive schema in too many ways' }]);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  // The next value is not punished for it.
  expect(checks.inputJson({ a: { leaf: true }, b: 1 })).toContain('leaf');
});

test('a validator is compiled once for each schema', () => {
  const schema = { type: 'object', properties: { only: { type: 'string' } } };
  expect(validatorFor(schema, { useDefaults: true })).toBe(validatorFor(structuredClone(schema), { useDefaults: true }));
  expect(validatorFor(schema, { useDefaults: true })).not.toBe(validatorFor(schema, { useDefaults: false }));
});

test('accepts what zod accepts, and refuses what zod refuses', () => {
  const schema = z.object({
    name: z.string().min(1).max(3),
    count: z.int().min(-2).max(5).optional(),
    kind: z.enum(['a', 'b']),
    price: z.number().multipleOf(0.1).nullable(),
    tags: z.array(z.string().regex(/^[a-z]+$/)).max(2),
    extra: z.record(z.string().regex(/^x/), z.boolean()),
    pair: z.tuple([z.literal('p'), z.number()]),
    shape: z.discriminatedUnion('type', [z.object({ type: z.literal('dot') }), z.object({ type: z.literal('line'), length: z.number() })]),
  });
  const checks = checksOf(schema);
  const scalar = fc.oneof(
    fc.constantFrom('', 'a', 'b', 'ab', '😀😀😀', 'abcd', 'dot', 'line', 'p', null, true),
    fc.integer({ min: -3, max: 6 }),
    fc.constantFrom(0.1, 0.3, 0.35, 1.1),
  );
  const value = fc.record({
    name: scalar,
    count: fc.option(scalar, { nil: undefined }),
    kind: scalar,
    price: scalar,
    tags: fc.array(fc.constantFrom('a', 'ab', 'A', ''), { maxLength: 3 }),
    extra: fc.dictionary(fc.constantFrom('x', 'xy', 'y'), fc.constantFrom(true, false, 1)),
    pair: fc.tuple(fc.constantFrom('p', 'q'), scalar),
    shape: fc.record({ type: fc.constantFrom('dot', 'line', 'x'), length: scalar }, { requiredKeys: ['type'] }),
  });
  fc.assert(
    fc.property(value, (input) => {
      const json = JSON.parse(JSON.stringify(input)) as unknown;
      const { success } = schema.safeParse(json);
      let accepted = true;
      try {
        checks.inputJson(json);
      } catch {
        accepted = false;
      }
      expect(accepted).toBe(success);
    }),
    { numRuns: 1_000 },
  );
});
