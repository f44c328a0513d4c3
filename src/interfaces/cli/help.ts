// Help as text: all commands, those of one domain, one topic.
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import { findEntry, membersOf, namesOf } from './command-line.ts';
import type { HelpStyle } from './help-style.ts';
import { HELP_TOPICS } from './help-topics.ts';
import { padEnd, wrap } from './text-width.ts';

/** More commands than this are shown by name only, unless all of them are asked for. */
const FULL_LIST = 80;

function rootHelp(
  entries: readonly CatalogueEntry[],
  { version, all, style }: { version: string; all: boolean; style: HelpStyle },
): string {
  const domains = [...new Set(entries.map((entry) => domainOf(entry.name)))];
  const isFull = all || entries.length <= FULL_LIST;
  const lists = isFull
    ? domains.map((domain) => `${style.heading(domain)}\n${commandLines(membersOfDomain(entries, domain), entries, style)}`)
    : [
        rows(
          domains.map((domain) => [domain, actions(membersOfDomain(entries, domain))]),
          style,
        ),
      ];
  return [
    `Seed Agent ${version}: agents that rewrite themselves while they run\n`,
    `${style.heading('Usage')}\n  seed <command> [flags]       seed agents:status packer, or: seed agents status packer\n`,
    ...lists,
    `${style.heading('More')}\n${rows(
      [
        ['seed <command> --help', 'flags and examples of a command'],
        ['seed <domain>', `the commands of a domain${isFull ? '' : ', with what they do'}`],
        ...Object.entries(HELP_TOPICS).map(([topic, { summary }]): [string, string] => [`seed help ${topic}`, summary]),
        ['seed cli:completion --shell bash', 'completion for bash, zsh or fish'],
      ],
      style,
    )}`,
  ].join('\n');
}

function groupHelp(entries: readonly CatalogueEntry[], group: string, style: HelpStyle): string {
  const members = membersOf(entries, group);
  const first = members[0]?.name ?? group;
  return `${style.heading('Usage')}\n  seed ${group}:<action> [flags]\n\n${style.heading('Commands')}\n${commandLines(members, entries, style)}\nseed ${first} --help shows flags and examples\n`;
}

/** A topic, a command, a domain, or (without words) everything. @throws SeedError `not_found` with the nearest name. */
export async function helpOn(
  words: readonly string[],
  entries: readonly CatalogueEntry[],
  options: { version: string; all: boolean; style: HelpStyle },
): Promise<string> {
  const name = words.join(':');
  const topic = HELP_TOPICS[words.join('-')];
  const entry = findEntry(entries, name);
  if (words.length === 0) return rootHelp(entries, options);
  if (topic !== undefined) return topic.text();
  if (entry !== undefined) return (await import('./command-help.ts')).commandHelp(entry, options.style);
  if (membersOf(entries, name).length > 0) return groupHelp(entries, name, options.style);
  const close = nearest(name, [...namesOf(entries), ...Object.keys(HELP_TOPICS), ...entries.map((one) => domainOf(one.name))]);
  throw new SeedError('not_found', `there is no command or topic ${JSON.stringify(name.slice(0, 80))}`, {
    hint: close === undefined ? 'seed help lists all of them' : `did you mean "seed help ${close}"?`,
  });
}

/** `agents` of `agents:create`. */
function domainOf(name: string): string {
  return name.slice(0, name.indexOf(':'));
}

function membersOfDomain(entries: readonly CatalogueEntry[], domain: string): readonly CatalogueEntry[] {
  return entries.filter((entry) => domainOf(entry.name) === domain);
}

/** Names as wide as the widest of `all`, so that the groups stand in one line. */
function commandLines(members: readonly CatalogueEntry[], all: readonly CatalogueEntry[], style: HelpStyle): string {
  const width = Math.max(...all.map((entry) => entry.name.length));
  return rows(
    members.map((entry) => [entry.name, entry.summary]),
    style,
    width,
  );
}

function rows(
  items: readonly (readonly [term: string, text: string])[],
  style: HelpStyle,
  width = Math.max(...items.map(([term]) => term.length)),
): string {
  return items
    .map(
      ([term, text]) => `  ${padEnd(term, width)}  ${wrap(text, style.width - width - 4).replaceAll('\n', `\n${' '.repeat(width + 4)}`)}\n`,
    )
    .join('');
}

function actions(members: readonly CatalogueEntry[]): string {
  return members.map((entry) => entry.name.slice(entry.name.indexOf(':') + 1)).join(', ');
}
