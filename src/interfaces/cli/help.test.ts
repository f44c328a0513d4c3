import { describe, expect, test } from 'vitest';
import { catalogueOf } from '#operation/catalogue.ts';
import { gardenOperations } from '#operation/fixture.ts';
import { PLAIN } from './help-style.ts';
import { helpOn } from './help.ts';

const ENTRIES = catalogueOf(gardenOperations);

function help(words: readonly string[], { all = false, width = 100, entries = ENTRIES } = {}): Promise<string> {
  return helpOn(words, entries, { version: '1.2.3', all, style: { ...PLAIN, width } });
}

describe('helpOn', async () => {
  test('nothing: all commands by domain', async () => {
    const text = await help([]);
    expect(text).toMatch(/^Seed Agent 1\.2\.3: /);
    expect(text).toContain('\npots\n  pots:broken     go wrong in the way that is asked for\n');
    expect(text).toContain('\ngarden\n  garden:health   how the garden is\n');
    for (const { name } of ENTRIES) expect(text).toContain(`  ${name} `);
    expect(text).toContain('seed help exit-codes');
  });

  test('very many commands: names by domain, unless all are asked for', async () => {
    const many = Array.from({ length: 90 }, (_, index) => ({ ...(ENTRIES[0] as (typeof ENTRIES)[0]), name: `d${index % 3}:a${index}` }));
    expect(await help([], { entries: many })).toContain('\n  d0  a0, a3, a6');
    expect(await help([], { entries: many, all: true })).toContain('\nd0\n  d0:a0 ');
  });

  test('a command', async () => {
    expect(await help(['pots:watch'])).toBe(`pots:watch: growth of a pot, as it happens

Usage
  seed pots:watch --pot-id <text> [flags]

Flags
      --pot-id <text>             (required)
      --until <number>            (default 3)
      --delay-ms <number>         (0 to 1000, default 0)
      --fail-at <number>

Flags of every command
      --batch [file]              read inputs as JSON lines from a file, or - for standard input
      --interactive               ask for what is missing
  -f, --format <table|json|yaml>  how the answer is written (default table)
  -o, --output <text>             write the answer to this file
  -q, --quiet                     ids only, or nothing
  -v, --verbose                   requests and timings on standard error
  -h, --help                      show this help

Examples
  # the next three
  seed pots:watch --pot-id p1

seed help exit-codes, seed help output, seed help input say what holds for all commands
`);
  });

  test('a list names its fields, an alias its other name', async () => {
    const text = await help(['pots', 'list'], { width: 200 });
    expect(text).toContain('  also: seed pots:all\n');
    expect(text).toContain('fields: pot_id, plant, height_cm, sown, in_bloom');
    expect(await help(['pots:all'])).toBe(await help(['pots:list']));
  });

  test('nothing is wider than the terminal where words can be broken', async () => {
    for (const { name } of ENTRIES) {
      const text = await help([name], { width: 80 });
      const lines = text.split('\n').filter((line) => !line.startsWith('  seed') && !line.startsWith('seed help'));
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
    }
  });

  test('a domain', async () => {
    expect(await help(['garden'])).toBe(`Usage
  seed garden:<action> [flags]

Commands
  garden:health   how the garden is
  garden:metrics  figures of the garden as text

seed garden:health --help shows flags and examples
`);
  });

  test('a topic', async () => {
    expect(await help(['exit-codes'])).toMatch(/^ {4}0 {2}done\n/);
    expect(await help(['exit', 'codes'])).toBe(await help(['exit-codes']));
  });

  test.each([
    [['exit-code'], 'did you mean "seed help exit-codes"?'],
    [['pots:lst'], 'did you mean "seed help pots:list"?'],
    [['zzzzzzzz'], 'seed help lists all of them'],
  ])('unknown %j', async (words, hint) => {
    await expect(help(words)).rejects.toEqual(expect.objectContaining({ code: 'not_found', hint }));
  });
});
