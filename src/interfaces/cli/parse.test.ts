import { describe, expect, test } from 'vitest';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Flag } from '#operation/flag.ts';
import { parseArguments, wantsHelp } from './parse.ts';

const flag = (name: string, rest: Partial<Flag> = {}): Flag => ({ name, member: name, type: 'string', ...rest });
const ENTRY: CatalogueEntry = {
  name: 'agents:stop',
  summary: '',
  kind: 'dangerous',
  permission: 'a:b',
  flags: [
    flag('agent', { short: 'i', aliases: ['id'], position: 0 }),
    flag('force', { type: 'boolean', short: 'f' }),
    flag('compress', { type: 'boolean', default: true }),
    flag('tags', { type: 'array', of: 'string' }),
    flag('headers', { short: 'h' }),
  ],
  short: { agent: 'i', force: 'f', headers: 'h', confirm: 'c' },
  examples: [],
  input: {},
};

function parse(...argv: readonly string[]) {
  const { own, global, words } = parseArguments(ENTRY, argv);
  return { ...Object.fromEntries(own), ...Object.fromEntries(global), ...(words.length > 0 ? { words } : {}) };
}

describe('parseArguments', () => {
  test.each([
    [['--agent', 'x'], { agent: 'x' }],
    [['--agent=x'], { agent: 'x' }],
    [['--id', 'x'], { agent: 'x' }],
    [['-i', 'x'], { agent: 'x' }],
    [['-ix'], { agent: 'x' }],
    [['x', '--force'], { force: true, words: ['x'] }],
    [['-f'], { force: true }],
    [['--no-force'], { force: 'false' }],
    [['--force=false'], { force: 'false' }],
    [['--no-compress'], { compress: 'false' }],
    [['--tags', 'a', '--tags=b'], { tags: ['a', 'b'] }],
    [['--agent', 'x', '--agent', 'y'], { agent: 'y' }],
    [['-h', 'x'], { headers: 'x' }],
    [['--confirm'], { confirm: true }],
    [['-c'], { confirm: true }],
    [['--confirm=x'], { confirm: 'x' }],
    [['--confirm', 'x'], { confirm: true, words: ['x'] }],
    [['--batch'], { batch: true }],
    [['--batch', '-'], { batch: '-' }],
    [['--batch', 'a.jsonl'], { batch: 'a.jsonl' }],
    [['--format', 'json', '-q', '-v'], { format: 'json', quiet: true, verbose: true }],
    [['-qv'], { quiet: true, verbose: true }],
    [['--filter', 'a=b', '--filter=c~d,e'], { filter: ['a=b', 'c~d,e'] }],
    [['--', '--force', '-x'], { words: ['--force', '-x'] }],
    [['-5'], { words: ['-5'] }],
    [['--agent', '-5'], { agent: '-5' }],
    [[], {}],
  ])('%j', (argv, expected) => {
    expect(parse(...argv)).toEqual(expected);
  });

  test.each([
    [['--agnet', 'x'], 'agents:stop has no flag --agnet', 'did you mean --agent?'],
    [['--zzzzzz'], 'agents:stop has no flag --zzzzzz', 'seed agents:stop --help shows its flags'],
    [['-z'], 'agents:stop has no flag -z', 'seed agents:stop --help shows its flags'],
    [['--agent'], 'the flag --agent needs a value', 'seed agents:stop --help shows its flags'],
    [['--agent', '--force'], 'the flag --agent needs a value', 'seed agents:stop --help shows its flags'],
    [['--follow'], 'agents:stop has no flag --follow', 'seed agents:stop --help shows its flags'],
  ])('refuses %j', (argv, message, hint) => {
    expect(() => parse(...argv)).toThrow(expect.objectContaining({ code: 'bad_request', message, hint }));
  });

  test('help is asked for by its letter only where that is free', () => {
    expect(wantsHelp(ENTRY, ['--help'])).toBe(true);
    expect(wantsHelp(ENTRY, ['-h'])).toBe(false);
    expect(wantsHelp({ ...ENTRY, flags: [], short: {} }, ['x', '-h'])).toBe(true);
    expect(wantsHelp(ENTRY, ['--', '--help'])).toBe(false);
  });
});
