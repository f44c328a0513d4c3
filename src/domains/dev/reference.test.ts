import { describe, expect, test } from 'vitest';
import { catalogueOf } from '#operation/catalogue.ts';
import { gardenOperations } from '#operation/fixture.ts';
import { manPage } from './man-page.ts';
import { commandsMarkdown } from './reference.ts';

const ENTRIES = catalogueOf(gardenOperations);

describe('commandsMarkdown', () => {
  const text = commandsMarkdown(ENTRIES);

  test('has a section for each command, and a link to it', () => {
    for (const { name } of ENTRIES) {
      expect(text).toContain(`\n### ${name}\n`);
      expect(text).toContain(`| [\`${name}\`](#${name.replaceAll(':', '')}) |`);
    }
  });

  test('says what a command takes, where it is, and how it is written', () => {
    expect(text).toContain(`### pots:smash

Smash a pot for good.

\`DELETE /api/pots/:pot_id\` · permission \`pots:smash\` · dangerous

\`\`\`sh
seed pots:smash <pot-id>
\`\`\`

| flag | what it says |
|---|---|
| \`--pot-id <text>\` | (required) |
| \`--force\` |  |

\`\`\`sh
# away with it
seed pots:smash p1
\`\`\`
`);
    expect(text).toContain('Filter and order by: `pot_id`, `plant`, `height_cm`, `sown`, `in_bloom`.');
    expect(text).toContain('also `pots:all`');
    expect(text).toContain('| 78 | a setting is wrong |');
  });

  test('no cell breaks its table', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    for (const row of rows) expect(row.replaceAll('\\|', '').split('|').length).toBeGreaterThanOrEqual(4);
  });
});

test('the man page has every command, and no line that roff would take for a request', () => {
  const text = manPage(ENTRIES);
  for (const { name } of ENTRIES) expect(text).toContain(`.SS ${name}\n`);
  const requests = new Set(['.TH', '.SH', '.SS', '.TP', '.PP', '.B', '.BR', '.I', '.nf', '.fi']);
  const odd = text.split('\n').filter((line) => /^[.']/.test(line) && !requests.has(line.split(' ')[0] ?? ''));
  expect(odd).toEqual([]);
  expect(text).toMatch(/^[\n\x20-\x7e]*$/);
});
