import { describe, expect, test } from 'vitest';
import { catalogueOf } from '#operation/catalogue.ts';
import { gardenOperations } from '#operation/fixture.ts';
import { complete } from './complete.ts';

const ENTRIES = catalogueOf(gardenOperations);
const POTS = ['broken', 'echo', 'get', 'list', 'all', 'paint', 'plant', 'smash', 'talk', 'watch'];

function offered(line: string): readonly string[] {
  return complete(['bash', line], ENTRIES).split('\n').slice(0, -1);
}

describe('complete', () => {
  test.each([
    ['seed ', ['garden:', 'pots:', 'help']],
    ['seed po', POTS.map((action) => `pots:${action}`)],
    ['seed pots:sm', ['pots:smash']],
    ['seed pots ', POTS],
    ['seed pots sm', ['smash']],
    ['seed pots:watch --un', ['--until']],
    ['seed pots:list --sort he', ['height_cm']],
    ['seed pots:list --filter plant', ['plant=']],
    ['seed pots:list --order ', ['asc', 'desc']],
    ['seed pots:list --format=', ['--format=table', '--format=json', '--format=yaml']],
    ['seed pots:list -f y', ['yaml']],
    ['seed --format json pots:sm', ['pots:smash']],
    ['seed pots:broken --way t', ['throw']],
    ['seed pots:plant --pla', ['--plant']],
    ['seed help e', ['exit-codes']],
    ['seed help pots:sm', ['pots:smash']],
    ['seed pots:list --output ', []],
    ['seed pots:get p1 ', []],
    ['seed nothing ', []],
    ['seed "po', POTS.map((action) => `pots:${action}`)],
    ['seed --', ['--help', '--version']],
  ])('%s', (line, expected) => {
    expect([...offered(line)].toSorted()).toEqual([...expected].toSorted());
  });

  test('a flag that was given is not offered again, unless it is a list', () => {
    expect(offered('seed pots:list --page 2 --filter a=b --')).toEqual(expect.arrayContaining(['--filter', '--limit']));
    expect(offered('seed pots:list --page 2 --')).not.toContain('--page');
  });

  test('flags that say nothing here are not offered', () => {
    expect(offered('seed pots:get --')).not.toContain('--page');
    expect(offered('seed pots:smash --')).toContain('--confirm');
    expect(offered('seed pots:get --')).not.toContain('--confirm');
  });

  test('zsh and fish are told what each does', () => {
    expect(complete(['zsh', 'seed pots:sm'], ENTRIES)).toBe('pots:smash\tsmash a pot for good\n');
  });
});
