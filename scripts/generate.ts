// Writes the files that are made from definitions; with --check it only says which of them are out of date.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { commandsMarkdown } from '#domains/dev/reference.ts';
import { operations } from '#domains/index.ts';
import { catalogueText } from '#interfaces/cli/catalogue-file.ts';
import { catalogueOf } from '#operation/catalogue.ts';
import { openApi } from '#operation/openapi.ts';
import { eventTable, metricTable } from './telemetry-tables.ts';
import { oxlintConfiguration } from './oxlint-config.ts';

interface Generated {
  /** From the root of the project. */
  path: string;
  generate: () => string | Promise<string>;
}

const GENERATED: readonly Generated[] = [
  { path: '.oxlintrc.json', generate: oxlintConfiguration },
  { path: 'docs/events.md', generate: eventTable },
  { path: 'docs/metrics.md', generate: metricTable },
  { path: 'docs/commands.md', generate: () => commandsMarkdown(catalogueOf(operations)) },
  { path: 'docs/openapi.json', generate: openApiText },
  { path: 'src/interfaces/cli/catalogue.json', generate: () => catalogueText(catalogueOf(operations)) },
];

const root = path.dirname(import.meta.dirname);
const check = process.argv.includes('--check');
const changed: string[] = [];
for (const { path: name, generate } of GENERATED) {
  const file = path.join(root, name);
  const wanted = await generate();
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === wanted) continue;
  changed.push(name);
  if (!check) await writeFile(file, wanted);
}
if (check && changed.length > 0) {
  console.error(`out of date: ${changed.join(', ')}\nrun: node scripts/run.mjs scripts/generate.ts`);
  process.exitCode = 1;
} else
  console.log(check ? `${GENERATED.length} generated files are up to date` : `written: ${changed.join(', ') || 'nothing had changed'}`);

async function openApiText(): Promise<string> {
  const version = (await readFile(path.join(root, 'VERSION'), 'utf8')).trim();
  return `${JSON.stringify(openApi(operations, { version }), null, 2)}\n`;
}
