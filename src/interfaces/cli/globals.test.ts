import { describe, expect, test } from 'vitest';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { formatHint, readGlobals } from './globals.ts';
import type { FlagText } from './parse.ts';

const LIST: CatalogueEntry = {
  name: 'a:list',
  summary: '',
  kind: 'read',
  permission: 'a:b',
  fields: { name: 'string' },
  flags: [],
  examples: [],
  input: {},
};
const { fields: _, ...GET } = { ...LIST, name: 'a:get' };
const read = (texts: Record<string, FlagText>, entry: CatalogueEntry = LIST) => readGlobals(new Map(Object.entries(texts)), entry);

describe('readGlobals', () => {
  test('nothing given: a table, and nothing on', () => {
    expect(read({})).toMatchObject({
      format: 'table',
      quiet: false,
      dryRun: false,
      batch: undefined,
      confirm: undefined,
      output: undefined,
    });
  });

  test.each([
    [{ format: 'yaml' }, { format: 'yaml' }],
    [{ format: 'text' }, { format: 'table' }],
    [{ format: 'tree' }, { format: 'table' }],
    [{ batch: true as const }, { batch: '-' }],
    [{ batch: 'x' }, { batch: 'x' }],
    [{ confirm: true as const }, { confirm: true }],
    [{ confirm: 'true' }, { confirm: true }],
    [{ confirm: 'false' }, { confirm: undefined }],
    [{ confirm: 'packer' }, { confirm: 'packer' }],
    [{ 'dry-run': 'false' }, { dryRun: false }],
    [{ 'dry-run': true as const }, { dryRun: true }],
  ])('%j', (texts, expected) => {
    expect(read(texts as Record<string, FlagText>)).toMatchObject(expected);
  });

  test('a format that there is not', () => {
    expect(() => read({ format: 'xml' })).toThrow(expect.objectContaining({ code: 'bad_request', hint: '--format table, json, yaml' }));
  });

  test('paging something that is no list', () => {
    expect(() => read({ page: '2' }, GET)).toThrow('a:get does not list: --page has no meaning there');
  });
});

describe('formatHint', () => {
  test.each([
    [['--format', 'json'], 'json'],
    [['a', '-f', 'yaml', '--bad'], 'yaml'],
    [['--format=json'], 'json'],
    [['--format'], 'table'],
    [['--format', 'xml'], 'table'],
    [[], 'table'],
  ])('%j', (argv, expected) => {
    expect(formatHint(argv)).toBe(expected);
  });
});
