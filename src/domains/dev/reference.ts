// The reference of all commands, in the forms that people and programs read.
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { catalogueOf } from '#operation/catalogue.ts';
import { ownFlags } from '#operation/command-flags.ts';
import { EXIT_CODES } from '#operation/exit-codes.ts';
import { GLOBAL_FLAGS, type Flag } from '#operation/flag.ts';
import { openApi } from '#operation/openapi.ts';
import type { OperationContext } from '#operation/operation.ts';
import { exampleCommand, flagDescription, flagTerm, usageOf } from '#operation/usage.ts';
import { localPorts } from './command.ts';
import { manPage } from './man-page.ts';
import type { DevPorts } from './ports.ts';

export type ReferenceFormat = 'markdown' | 'md' | 'json' | 'openapi' | 'man';

export function docs(input: { format: ReferenceFormat }, context: OperationContext<DevPorts>): string {
  const entries = catalogueOf(context.ports.registry.list());
  switch (input.format) {
    case 'json':
      return `${JSON.stringify(entries, null, 2)}\n`;
    case 'man':
      return manPage(entries);
    case 'openapi':
      return `${JSON.stringify(openApi(context.ports.registry.list(), { version: localPorts(context).version }), null, 2)}\n`;
    default:
      return commandsMarkdown(entries);
  }
}

/** docs/commands.md. */
export function commandsMarkdown(entries: readonly CatalogueEntry[]): string {
  const domains = [...new Set(entries.map((entry) => entry.name.slice(0, entry.name.indexOf(':'))))];
  const parts = [
    '# Commands',
    'Generated from the definitions of the operations; do not edit. Each command is `seed domain:action` or `seed domain action`; `seed <command> --help` shows the same as this page.',
    table(
      ['command', 'what it does', 'kind'],
      entries.map((entry) => [`[\`${entry.name}\`](#${anchor(entry.name)})`, entry.summary, entry.kind]),
    ),
    'Kinds: *read* has no effect, *write* has one that can be undone, *dangerous* needs `--confirm`, *local* runs without a node.',
    '## Flags of every command',
    flagTable(GLOBAL_FLAGS),
    '`--page`, `--limit`, `--filter`, `--search`, `--sort` and `--order` are for commands that list. A command may use a letter of these for a flag of its own.',
    '## Exit codes',
    table(
      ['code', 'meaning'],
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
    ),
    ...domains.flatMap((domain) => [`## ${domain}`, ...entries.filter((entry) => entry.name.startsWith(`${domain}:`)).map(section)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(entry: CatalogueEntry): string {
  const facts = [
    entry.method === undefined ? 'runs on the command line' : `\`${entry.method} ${entry.path ?? ''}\``,
    `permission \`${entry.permission}\``,
    entry.kind,
    ...(entry.stream === true ? ['streams'] : []),
    ...(entry.aliases ?? []).map((alias) => `also \`${alias}\``),
  ];
  return [
    `### ${entry.name}`,
    `${capital(entry.summary)}. ${entry.description ?? ''}`.trim(),
    `${facts.join(' · ')}`,
    fenced([usageOf(entry)]),
    ...(ownFlags(entry).length === 0 ? [] : [flagTable(ownFlags(entry))]),
    ...(entry.fields === undefined ? [] : [`Filter and order by: ${Object.keys(entry.fields).map(code).join(', ')}.`]),
    fenced(entry.examples.flatMap((example) => [`# ${example.summary}`, exampleCommand(entry, example.input)])),
  ].join('\n\n');
}

function flagTable(flags: readonly Flag[]): string {
  return table(
    ['flag', 'what it says'],
    flags.map((flag) => [code(flagTerm(flag)), flagDescription(flag)]),
  );
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headings), `|${headings.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function fenced(lines: readonly string[]): string {
  return ['```sh', ...lines, '```'].join('\n');
}

/** As GitHub makes it of a heading. */
function anchor(name: string): string {
  return name.replaceAll(':', '');
}

function code(text: string): string {
  return `\`${text}\``;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
