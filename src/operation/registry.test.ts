import { expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import { gardenOperations } from './fixture.ts';
import { checkOperation } from './check.ts';
import { createRegistry } from './registry.ts';
import { z } from 'zod';
import { operation, type Operation } from './operation.ts';

const sample = (over: Partial<Operation> = {}): Operation => ({
  ...operation({
    name: 'tools:use',
    summary: 'use a tool',
    kind: 'read',
    permission: { resource: 'tools', action: 'use' },
    input: z.object({ toolId: z.string() }),
    output: z.object({}),
    http: { method: 'GET', path: '/api/tools/:toolId' },
    examples: [{ summary: 'a rake', input: { toolId: 'rake' } }],
    handler: async () => () => ({}),
  }),
  ...over,
});

function thrown(work: () => unknown): SeedError {
  try {
    work();
  } catch (error) {
    if (error instanceof SeedError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('finds by name and by alias, and suggests the nearest', () => {
  const registry = createRegistry(gardenOperations);
  expect(registry.get('pots:all').name).toBe('pots:list');
  expect(thrown(() => registry.get('pots:lits'))).toMatchObject({ code: 'not_found', hint: 'did you mean pots:list?' });
  expect(thrown(() => registry.get('xyzzyxyzzyxyzzy'))).toMatchObject({ code: 'not_found', hint: 'cli:list shows all of them' });
});

test('operations come and go, and whoever listens hears of it', () => {
  const registry = createRegistry(gardenOperations);
  let changes = 0;
  const end = registry.onChange(() => (changes += 1));
  registry.add(sample({ aliases: ['tools:grab'] }));
  expect(registry.find('tools:grab')?.name).toBe('tools:use');
  expect(registry.remove('tools:use')).toBe(true);
  expect(registry.find('tools:grab')).toBeUndefined();
  expect(registry.remove('tools:use')).toBe(false);
  expect(changes).toBe(2);
  end();
  registry.add(sample());
  expect(changes).toBe(2);
});

test('refuses a name that is taken, as a name or as an alias, and one that is none', () => {
  const registry = createRegistry(gardenOperations);
  expect(thrown(() => registry.add(sample({ name: 'pots:all' }))).code).toBe('conflict');
  expect(thrown(() => registry.add(sample({ aliases: ['pots:get'] }))).code).toBe('conflict');
  for (const name of ['tools', 'Tools:use', 'tools:', 'tools:use it', '../x:y']) {
    expect(thrown(() => registry.add(sample({ name }))).code).toBe('configuration');
  }
  expect(registry.find('tools:use')).toBeUndefined();
});

test('the definitions of the fixture are sound', () => {
  expect(gardenOperations.flatMap((one) => checkOperation(one))).toEqual([]);
});

test.each<[string, Partial<Operation>, RegExp]>([
  ['a summary with a stop', { summary: 'Use a tool.' }, /without a stop/],
  ['no example', { examples: [] }, /no example/],
  ['an example that is refused', { examples: [{ summary: 'x', input: { tool: 1 } }] }, /the example "x" is refused/],
  ['a member in another case', { input: z.object({ toolId: z.string(), tool_size: z.string() }) }, /not in camelCase/],
  ['a member in capitals', { input: z.object({ toolId: z.string(), toolURL: z.string() }) }, /tool_u_r_l on the wire/],
  ['a member of the surfaces', { input: z.object({ toolId: z.string(), dryRun: z.boolean() }) }, /flag of every operation/],
  ['a path without its member', { http: { method: 'GET', path: '/api/tools/:id' } }, /names id, which is not a member/],
  ['an optional member in a path', { input: z.object({ toolId: z.string().optional() }) }, /stands in the path and is optional/],
  ['a dangerous GET', { kind: 'dangerous' }, /not a GET/],
  ['a public write', { kind: 'write', http: { method: 'POST', path: '/api/tools/:toolId', public: true } }, /may be public/],
  ['a flag for nothing', { cli: { positionals: ['tool'] } }, /names tool/],
  [
    'a letter twice',
    { input: z.object({ toolId: z.string(), size: z.string() }), cli: { short: { toolId: 't', size: 't' } } },
    /one letter/,
  ],
  ['a search in nothing', { list: { fields: { a: 'string' }, search: ['b'], defaultSort: 'a' } }, /looks into b/],
  ['an order by nothing', { list: { fields: { a: 'string' }, search: [], defaultSort: 'b' } }, /ordered by b/],
  [
    'an input nested too deep',
    { input: z.object({ toolId: z.string(), a: z.object({ b: z.object({ c: z.array(z.string()) }) }) }) },
    /nested too deep/,
  ],
  ['a date', { output: z.object({ at: z.date() }) }, /JSON Schema can not say it/],
  ['a transform in the output', { output: z.object({ at: z.string().transform(Number) }) }, /JSON Schema can not say it/],
])('a definition with %s is not sound', (_, over, problem) => {
  expect(checkOperation(sample(over)).join('\n')).toMatch(problem);
});
