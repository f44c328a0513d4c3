import { describe, expect, test } from 'vitest';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { whatIsAsked } from './command-line.ts';

const entry = (name: string, aliases: readonly string[] = []): CatalogueEntry => ({
  name,
  aliases,
  summary: '',
  kind: 'read',
  permission: 'a:b',
  flags: [],
  examples: [],
  input: {},
});
const ENTRIES = [
  entry('agents:list'),
  entry('agents:status'),
  entry('config:validate'),
  entry('config:validate:all'),
  entry('system:heartbeat:reset', ['heartbeat:reset']),
];

function asked(line: string): string {
  const result = whatIsAsked(line === '' ? [] : line.split(' '), ENTRIES);
  switch (result.kind) {
    case 'command':
      return `${result.entry.name} | ${result.rest.join(' ')}`.trim();
    case 'group':
      return `group ${result.group} | ${result.rest.join(' ')}`.trim();
    case 'unknown':
      return `unknown ${result.words.join(' ')}`;
    case 'nothing':
      return `nothing | ${result.rest.join(' ')}`.trim();
  }
}

describe('whatIsAsked', () => {
  test.each([
    ['agents:list', 'agents:list |'],
    ['agents list', 'agents:list |'],
    ['agents list --format json', 'agents:list | --format json'],
    ['--format json agents list', 'agents:list | --format json'],
    ['--format=json agents --quiet list', 'agents:list | --format=json --quiet'],
    ['agents status packer', 'agents:status | packer'],
    ['agents:status packer', 'agents:status | packer'],
    ['config validate', 'config:validate |'],
    ['config validate all', 'config:validate:all |'],
    ['config:validate all', 'config:validate:all |'],
    ['system heartbeat reset', 'system:heartbeat:reset |'],
    ['system:heartbeat reset', 'system:heartbeat:reset |'],
    ['heartbeat reset', 'system:heartbeat:reset |'],
    ['agents:status list', 'agents:status | list'],
    ['agents:status -- --x', 'agents:status | -- --x'],
    ['agents', 'group agents |'],
    ['agents: --help', 'group agents | --help'],
    ['system heartbeat', 'group system:heartbeat |'],
    ['heartbeat', 'group heartbeat |'],
    ['agents lst', 'unknown agents lst'],
    ['nope', 'unknown nope'],
    ['', 'nothing |'],
    ['--help', 'nothing | --help'],
    ['--unknown agents:list', 'nothing | --unknown agents:list'],
    ['-f json agents:list', 'agents:list | -f json'],
  ])('%s', (line, expected) => {
    expect(asked(line)).toBe(expected);
  });
});
