import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Flag } from '#operation/flag.ts';
import { collectInput, listInput, missingFlags, refuseMissing } from './input.ts';
import { parseArguments } from './parse.ts';

const flag = (name: string, rest: Partial<Flag> = {}): Flag => ({ name, member: name.replaceAll('-', '_'), type: 'string', ...rest });

function entry(...flags: readonly Flag[]): CatalogueEntry {
  return { name: 'agents:invoke', summary: '', kind: 'write', permission: 'a:b', flags, examples: [], input: {} };
}

const INVOKE = entry(
  flag('agent', { position: 0, required: true }),
  flag('input', { position: 1, type: 'json', required: true }),
  flag('max-items', { type: 'integer' }),
);

async function collect(one: CatalogueEntry, argv: readonly string[], stdin = ''): Promise<unknown> {
  const stream = new PassThrough();
  stream.end(stdin);
  return await collectInput(one, parseArguments(one, argv), stream);
}

describe('collectInput', () => {
  test.each([
    [['packer', '{"item":1}'], { agent: 'packer', input: { item: 1 } }],
    [['--agent', 'packer', '5'], { agent: 'packer', input: 5 }],
    [['5', '--agent=packer'], { agent: 'packer', input: 5 }],
    [['packer', '--input', 'word', '--max-items', '3'], { agent: 'packer', input: 'word', max_items: 3 }],
    [['packer', '@@home'], { agent: 'packer', input: '@home' }],
    [['packer'], { agent: 'packer' }],
  ])('%j', async (argv, expected) => {
    expect(await collect(INVOKE, argv)).toEqual(expected);
  });

  test('a value from standard input', async () => {
    expect(await collect(INVOKE, ['packer', '-'], '{"item":7}\n')).toEqual({ agent: 'packer', input: { item: 7 } });
  });

  test('standard input is read once', async () => {
    await expect(collect(INVOKE, ['-', '-'])).rejects.toMatchObject({ message: 'standard input can only be read once' });
  });

  test('the last place takes the rest where it is a list', async () => {
    const one = entry(flag('user', { position: 0 }), flag('roles', { position: 1, type: 'array', of: 'string' }));
    expect(await collect(one, ['ann', 'a', 'b,c'])).toEqual({ user: 'ann', roles: ['a', 'b', 'c'] });
  });

  test('words that are for nothing', async () => {
    await expect(collect(INVOKE, ['packer', '1', 'more'])).rejects.toMatchObject({
      code: 'bad_request',
      message: 'agents:invoke does not know what "more" is for',
      hint: 'seed agents:invoke <agent> <input>',
    });
    await expect(collect(entry(), ['x'])).rejects.toMatchObject({ message: 'agents:invoke takes no words without a flag: x' });
  });

  test('a message names the place where the value stood', async () => {
    await expect(collect(INVOKE, ['packer', '{bad'])).rejects.toThrow('<input> is not valid JSON');
    await expect(collect(INVOKE, ['packer', '--input', '{bad'])).rejects.toThrow('--input is not valid JSON');
  });
});

test('what is missing is named at once', () => {
  const missing = missingFlags(INVOKE, { input: null });
  expect(missing.map(({ name }) => name)).toEqual(['agent']);
  expect(() => refuseMissing(INVOKE, missingFlags(INVOKE, {}))).toThrow(
    expect.objectContaining({
      message: 'agents:invoke needs <agent> and <input>',
      hint: 'seed agents:invoke <agent> <input>, or --interactive to be asked',
    }),
  );
  expect(refuseMissing(INVOKE, [])).toBeUndefined();
});

test('the question of a list', () => {
  const list = { ...entry(), fields: { name: 'string', created_at: 'time' } };
  const texts = new Map<string, string | readonly string[]>([
    ['page', '2'],
    ['filter', ['name~a,b', 'created_at>2026-01-01']],
    ['sort', 'created_at'],
    ['order', 'desc'],
  ]);
  expect(listInput(texts, list)).toEqual({ page: 2, filter: ['name~a,b', 'created_at>2026-01-01'], sort: 'created_at', order: 'desc' });
  expect(() => listInput(new Map([['sort', 'nam']]), list)).toThrow(expect.objectContaining({ hint: 'did you mean name?' }));
  expect(() => listInput(new Map([['limit', '101']]), list)).toThrow('--limit can not be 101: it takes 1 to 100');
});
