import { describe, expect, test } from 'vitest';
import type { CatalogueEntry } from './catalogue-entry.ts';
import { flagsOf, isShown, ownFlags } from './command-flags.ts';
import type { Flag } from './flag.ts';
import { exampleCommand, flagDescription, flagTerm, usageOf } from './usage.ts';

const flag = (name: string, rest: Partial<Flag> = {}): Flag => ({ name, member: name.replaceAll('-', '_'), type: 'string', ...rest });

function entry(flags: readonly Flag[], rest: Partial<CatalogueEntry> = {}): CatalogueEntry {
  return { name: 'code:promote', summary: 's', kind: 'dangerous', permission: 'code:promote', flags, examples: [], input: {}, ...rest };
}

const promote = entry([
  flag('agent', { required: true, position: 0, short: 'i', aliases: ['id'] }),
  flag('version', { position: 1 }),
  flag('reason', { required: true, choices: ['good', 'bad'] }),
]);

describe('usage', () => {
  test('shows words, then required flags', () => {
    expect(usageOf(promote)).toBe('seed code:promote <agent> [version] --reason <good|bad>');
  });

  test('an example is a line that can be typed', () => {
    expect(exampleCommand(promote, { agent: 'packer', reason: 'it is better', version: 'v2' })).toBe(
      "seed code:promote packer v2 --reason 'it is better'",
    );
    expect(exampleCommand(promote, { version: 'v2', reason: 'good' })).toBe('seed code:promote --version v2 --reason good');
    expect(
      exampleCommand(entry([flag('tags', { type: 'array' }), flag('dry', { type: 'boolean' })]), { tags: ['a', 'b'], dry: false }),
    ).toBe('seed code:promote --tags a --tags b --no-dry');
    expect(exampleCommand(entry([flag('input', { type: 'json', position: 0 })]), { input: { a: "it's" } })).toBe(
      `seed code:promote '{"a":"it'\\''s"}'`,
    );
  });

  test.each([
    [flag('agent', { short: 'i', aliases: ['id'] }), '-i, --agent, --id <text>'],
    [flag('force', { type: 'boolean' }), '--force'],
    [flag('from', { type: 'object', upload: 'folder' }), '--from <folder>'],
    [flag('confirm', { value: 'attached' }), '--confirm[=name]'],
    [flag('batch', { value: 'optional' }), '--batch [file]'],
    [flag('limit', { type: 'integer' }), '--limit <number>'],
  ])('term %#', (one, expected) => {
    expect(flagTerm(one)).toBe(expected);
  });

  test.each([
    [flag('a', { summary: 'what', required: true }), 'what (required)'],
    [flag('a', { summary: 'what', default: 'two words' }), 'what (default "two words")'],
    [flag('a', { summary: 'default: the live one', default: 'active' }), 'default: the live one'],
    [flag('a', { type: 'integer', minimum: 1, maximum: 9, default: 2 }), '(1 to 9, default 2)'],
    [flag('a', { type: 'boolean', default: false, summary: 'what' }), 'what'],
    [flag('a', { choices: ['w', 'x', 'y', 'z'], summary: 'what' }), 'what; one of w, x, y, z'],
  ])('description %#', (one, expected) => {
    expect(flagDescription(one)).toBe(expected);
  });
});

describe('flags of a command', () => {
  const names = (one: CatalogueEntry): readonly string[] => flagsOf(one).global.map(({ name }) => name);
  const letter = (one: CatalogueEntry, name: string): string | undefined =>
    flagsOf(one).global.find((global) => global.name === name)?.short;

  test('its own name and its own letter come before the global ones', () => {
    const own = entry([flag('format', { short: 'x' }), flag('headers', { short: 'h' })], {
      short: { format: 'x', headers: 'h', confirm: 'c' },
    });
    expect(names(own)).not.toContain('format');
    expect(letter(own, 'help')).toBeUndefined();
    expect(letter(own, 'confirm')).toBe('c');
    expect(letter(promote, 'help')).toBe('h');
    expect(letter(promote, 'format')).toBe('f');
  });

  test('--follow is there where there is something to watch', () => {
    const watching = entry([], { watch: { operation: 'a:b', input: {} } });
    expect(ownFlags(watching).map(({ name }) => name)).toEqual(['follow']);
    expect(names(promote)).not.toContain('follow');
  });

  test('help shows what means something', () => {
    const shown = (one: CatalogueEntry): readonly string[] =>
      flagsOf(one)
        .global.filter((global) => isShown(global, one))
        .map(({ name }) => name);
    expect(shown(promote)).toContain('confirm');
    expect(shown(promote)).not.toContain('page');
    expect(shown(promote)).not.toContain('dry-run');
    expect(shown({ ...promote, plan: true })).toContain('dry-run');
    expect(shown({ ...promote, kind: 'read', fields: { a: 'string' } })).toEqual(
      expect.arrayContaining(['page', 'limit', 'filter', 'search', 'sort', 'order']),
    );
  });
});
