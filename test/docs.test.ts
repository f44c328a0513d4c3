// What the documents name must be there: files, commands with their flags, settings.
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { operations } from '#domains/index.ts';
import { catalogueOf } from '#operation/catalogue.ts';
import { parseArguments } from '../src/interfaces/cli/parse.ts';
import { loadConfig } from '../src/config.ts';
import { SETTINGS } from '../src/settings.ts';

const root = path.dirname(import.meta.dirname);
const GENERATED = new Set(['docs/commands.md', 'docs/events.md', 'docs/metrics.md']);
const documents = globSync('{*,docs/**/*,{agents,bench,code,src}/**/*}.md', { cwd: root })
  .filter((file) => !file.includes('node_modules') && !GENERATED.has(file))
  .toSorted()
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));
const entries = catalogueOf(operations);

/** Words of other programs that look like a setting. */
const NOT_OURS = new Set(['O_EXCL', 'HTTP_PROXY', 'CAP_SYS_ADMIN']);

test('the documents are found', () => {
  const files = documents.map(({ file }) => file);
  for (const name of ['introduction', 'learning/your-first-agent', 'operating', 'recipes', 'testing', 'upgrading'])
    expect(files).toContain(`docs/${name}.md`);
  for (const folder of ['kernel', 'kernel/sandbox', 'kernel/rollout', 'improvement', 'operation'])
    expect(files).toContain(`src/${folder}/README.md`);
  expect(files).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'agents/README.md']));
});

describe.each(documents)('$file', ({ file, text }) => {
  test('its links lead to something', () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [to = '', anchor] = target.split('#');
      const linked = to === '' ? file : path.join(path.dirname(file), to);
      expect(existsSync(path.join(root, linked)), `${target} of ${file}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(readFileSync(path.join(root, linked), 'utf8'))).toContain(anchor);
    }
  });

  test('the files it names are there', () => {
    for (const [, name = ''] of text.matchAll(/`((?:src|test|agents|docs|scripts|bench|bin|\.ci)\/[\w./-]+)`/g))
      if (!file.startsWith('docs/learning')) expect(existsSync(path.join(root, name)), `${name} of ${file}`).toBe(true);
    if (!file.startsWith('src/')) return;
    for (const [, name = ''] of text.matchAll(/`([\w./-]+(?:\/|\.ts|\.mjs))`/g)) {
      const below = path.join(root, path.dirname(file));
      const isThere =
        [below, path.join(root, 'src')].some((folder) => existsSync(path.join(folder, name))) ||
        globSync(`**/${name}`, { cwd: below }).length > 0;
      expect(isThere || isOfAgent(name), `${name} of ${file}`).toBe(true);
    }
  });

  test('its commands are understood, with their flags', () => {
    for (const [, command = '', rest = ''] of text.matchAll(/\bbin\/seed ([a-z]+(?::[a-z-]+)+)([^\n`#|]*)/g)) {
      const entry = entries.find(({ name, aliases }) => name === command || aliases?.includes(command));
      expect(entry, `${command} of ${file}`).toBeDefined();
      const words = [...rest.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([word, single, double]) => single ?? double ?? word);
      expect(() => parseArguments(entry!, words), `${command}${rest} of ${file}`).not.toThrow();
      if (entry!.kind === 'dangerous' && rest.trim() !== '') expect(rest, `${command} of ${file}`).toMatch(/--(confirm|dry-run|help)\b/);
    }
  });

  test('its settings exist', () => {
    const named = [
      ...[...text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => name),
      ...[...text.matchAll(/(?:^|\s)([A-Z][A-Z0-9_]+)=\S/gm)].map(([, name = '']) => name),
    ];
    for (const name of named) if (!NOT_OURS.has(name)) expect(Object.keys(SETTINGS), `${name} of ${file}`).toContain(name);
    for (const [, args = ''] of text.matchAll(/npm start -- ([^`\n(]+)/g))
      expect(() => loadConfig({ env: {}, cwd: '/nonexistent', args: args.trim().split(/\s+/) })).not.toThrow();
  });
});

/** What every agent has. */
function isOfAgent(name: string): boolean {
  return ['contract.ts', 'agent.ts', 'evals/', 'evals/evaluation.ts'].includes(name);
}

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}
