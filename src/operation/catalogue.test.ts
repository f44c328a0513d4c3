import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { catalogueEntry, catalogueOf } from './catalogue.ts';
import { gardenOperations } from './fixture.ts';
import { operation, type CliBinding } from './operation.ts';

function entryWith(input: z.ZodObject, cli: CliBinding = {}) {
  return catalogueEntry(
    operation({
      name: 'a:b',
      summary: 's',
      kind: 'write',
      permission: { resource: 'a', action: 'b' },
      input,
      output: z.object({ callId: z.string(), nested: z.object({}), list: z.array(z.string()), sizeBytes: z.int().nullable() }),
      http: { method: 'PUT', path: '/api/a/:callId' },
      cli,
      examples: [{ summary: 'x', input: { callId: '1' } }],
      handler: async () => () => ({}),
    }),
  );
}

describe('catalogue', () => {
  test('is sorted by name and plain JSON', () => {
    const entries = catalogueOf(gardenOperations);
    expect(entries.map(({ name }) => name)).toEqual(gardenOperations.map(({ name }) => name).toSorted());
    expect(JSON.parse(JSON.stringify(entries))).toEqual(entries);
  });

  test('uses the names of the wire everywhere', () => {
    const entry = entryWith(z.object({ callId: z.string(), maxItems: z.int().default(3) }), {
      positionals: ['callId'],
      short: { maxItems: 'm', dryRun: 'd' },
      flagAliases: { 'call-number': 'callId' },
      columns: ['callId', 'sizeBytes'],
      watch: { operation: 'a:c', input: { watchId: 'callId' } },
    });
    expect(entry).toMatchObject({
      path: '/api/a/:call_id',
      short: { 'max-items': 'm', 'dry-run': 'd' },
      columns: ['call_id', 'size_bytes'],
      watch: { operation: 'a:c', input: { watch_id: 'call_id' } },
      examples: [{ summary: 'x', input: { call_id: '1' } }],
      flags: [
        { name: 'call-id', member: 'call_id', position: 0, required: true, aliases: ['call-number'] },
        { name: 'max-items', member: 'max_items', short: 'm', default: 3 },
      ],
    });
    expect(entry.input).toMatchObject({ properties: { call_id: {}, max_items: {} }, required: ['call_id'] });
  });

  test.each([
    ['text', z.string(), { type: 'string' }],
    ['whole number', z.int().min(1).max(9), { type: 'integer', minimum: 1, maximum: 9 }],
    ['whole number without a range', z.int(), { type: 'integer' }],
    ['number that may be null', z.number().nullable(), { type: 'number' }],
    ['switch', z.boolean(), { type: 'boolean' }],
    ['choice', z.enum(['x', 'y']), { type: 'string', choices: ['x', 'y'] }],
    ['choice of literals', z.union([z.literal('x'), z.literal('y')]), { type: 'string', choices: ['x', 'y'] }],
    ['list of choices', z.array(z.enum(['x', 'y'])), { type: 'array', of: 'string', choices: ['x', 'y'] }],
    ['record', z.record(z.string(), z.unknown()), { type: 'object' }],
    ['any JSON', z.json(), { type: 'json' }],
    ['text or number', z.union([z.string(), z.number()]), { type: 'json' }],
  ])('a member that is a %s', (_, schema, expected) => {
    const [flag] = entryWith(z.object({ callId: schema })).flags;
    const { name: _name, member: _member, required: _required, ...shape } = flag ?? {};
    expect(shape).toEqual(expected);
  });

  test('columns are the scalar members of the output when none are named', () => {
    expect(entryWith(z.object({ callId: z.string() })).columns).toEqual(['call_id', 'size_bytes']);
  });

  test('the members of a list are in its schema, and are no flags of its own', () => {
    const entry = catalogueOf(gardenOperations).find(({ name }) => name === 'pots:list');
    expect(entry?.flags.map(({ name }) => name)).toEqual(['min-height-cm']);
    expect(Object.keys(entry?.input['properties'] as object)).toContain('filter');
    expect(entry?.fields).toMatchObject({ height_cm: 'number', in_bloom: 'boolean' });
  });

  test('what only runs on the command line has no route', () => {
    const entry = catalogueOf(gardenOperations).find(({ name }) => name === 'pots:paint');
    expect(entry).toMatchObject({ kind: 'local' });
    expect(entry).not.toHaveProperty('path');
  });
});
