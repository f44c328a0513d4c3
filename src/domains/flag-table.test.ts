// The flags that users know, from the command line that these commands come from: each must be there, with its letter, and
// take its default.
import { describe, expect, test } from 'vitest';
import { catalogueOf } from '#operation/catalogue.ts';
import { flagsOf } from '#operation/command-flags.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Flag } from '#operation/flag.ts';
import { operations } from './index.ts';

const TABLE = `
agents:list --status/-s --format/-f=table
agents:create --name/-n --type/-t --config/-c
agents:start --id/-i!
agents:stop --id/-i! --force/-f
agents:status --id/-i!
agents:logs --id/-i! --lines/-n=50 --follow/-f
agents:config --id/-i! --key/-k! --value/-v!
cli:help --command --all/-a
cli:list --module/-m --format/-f=text
cli:docs --output/-o --format/-f=markdown
config:get --key
config:set --key! --value!
config:list --format=tree
config:validate --file/-f
database:status
database:migrate --dry-run --module
database:rollback --steps=1 --module --force
database:schema --action! --module --force
database:query --sql --file --format=table --interactive --readonly=true
heartbeat:status
heartbeat:reset
modules:list --type/-t=all --format/-f=text
extension:list --type/-t=all --format/-f=text
system:status --format/-f=table --detailed/-d
system:health --fix --report/-r
system:restart --force/-f --confirm
system:logs --level/-l --module/-m --tail/-t=100 --follow/-f
system:metrics --period/-p=1h --type/-t=all
`;

const SWITCHES = new Set(['force', 'follow', 'all', 'detailed', 'fix', 'readonly', 'interactive', 'dry-run']);
/** Other names of a format that is read as `table`. */
const AS_TABLE = new Set(['text', 'tree']);

const entries = catalogueOf(operations);
const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.split(' '))
  .flatMap(([command = '', ...flags]) => flags.map((flag) => [command, ...parts(flag)] as const));

function parts(text: string): readonly [name: string, letter: string | undefined, isRequired: boolean, fallback: string | undefined] {
  const [, name = '', letter, mark, fallback] = /^--([a-z-]+)(?:\/-([a-z]))?(!)?(?:=(.*))?$/.exec(text) ?? [];
  return [name, letter, mark === '!', fallback];
}

function entryOf(command: string): CatalogueEntry | undefined {
  return entries.find((entry) => entry.name === command || entry.aliases?.includes(command) === true);
}

function flagOf(command: string, name: string): Flag | undefined {
  const entry = entryOf(command);
  if (entry === undefined) return undefined;
  const { own, global } = flagsOf(entry);
  return [...own, ...global].find((flag) => flag.name === name || flag.aliases?.includes(name) === true);
}

describe('the flag table', () => {
  test.each(
    TABLE.trim()
      .split('\n')
      .map((line) => line.split(' ')[0] ?? ''),
  )('%s is a command', (command) => {
    expect(entryOf(command)).toBeDefined();
  });

  test.each(rows)('%s --%s (-%s)', (command, name, letter, isRequired, fallback) => {
    const flag = flagOf(command, name);
    expect(flag).toBeDefined();
    if (letter !== undefined) expect(flag?.short).toBe(letter);
    // A flag that had to be given may have a default by now.
    if (isRequired) expect(flag?.required === true || flag?.default !== undefined).toBe(true);
    if (fallback !== undefined) expect(String(flag?.default)).toBe(name === 'format' && AS_TABLE.has(fallback) ? 'table' : fallback);
    if (SWITCHES.has(name)) expect(flag?.type).toBe('boolean');
  });
});

/** What every command takes; those of a list and those of an effect only where there is one. */
const EVERYWHERE = 'batch interactive format output quiet verbose'.split(' ');
const OF_LISTS = 'page limit filter search sort order'.split(' ');

describe('the flags of every command', () => {
  test.each(entries.map((entry) => [entry.name, entry] as const))('%s', (_, entry) => {
    const { own, global } = flagsOf(entry);
    const names = new Set([...own, ...global].map(({ name }) => name));
    const wanted = [
      ...EVERYWHERE,
      ...(entry.fields === undefined ? [] : OF_LISTS),
      ...(entry.plan === true ? ['dry-run'] : []),
      ...(entry.kind === 'dangerous' ? ['confirm'] : []),
    ];
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
    const letters = [...own, ...global].flatMap(({ short }) => short ?? []);
    expect(letters).toEqual([...new Set(letters)]);
  });

  test.each([
    ['format', 'f', ['table', 'json', 'yaml']],
    ['output', 'o', undefined],
    ['quiet', 'q', undefined],
    ['verbose', 'v', undefined],
  ] as const)('--%s has a letter', (name, letter, choices) => {
    const flag = flagOf('config:get', name);
    expect([flag?.short, flag?.choices]).toEqual([letter, choices]);
  });
});

test.each([
  ['system:logs', 'level', ['debug', 'info', 'warn', 'error']],
  ['agents:create', 'type', ['worker', 'scheduler', 'monitor', 'custom']],
  ['system:status', 'format', ['table', 'json', 'yaml']],
  ['modules:list', 'type', ['all', 'agent', 'context']],
])('%s --%s takes %j', (command, name, choices) => {
  expect(flagOf(command, name)?.choices).toEqual(choices);
});
