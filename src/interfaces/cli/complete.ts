// What a shell offers next: answered from the catalogue, without a node and in a few milliseconds.
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Flag } from '#operation/flag.ts';
import { membersOf, namesOf, whatIsAsked } from './command-line.ts';
import { flagsOf, isShown } from '#operation/command-flags.ts';
import { HELP_TOPICS } from './help-topics.ts';
import { positionals } from '#operation/usage.ts';

interface Candidate {
  word: string;
  summary: string;
}

/**
 * @param args the shell, and the line up to the cursor. bash is given words alone, others `word<tab>summary`.
 * Nothing where a path is wanted: the shell then offers files.
 */
export function complete(args: readonly string[], entries: readonly CatalogueEntry[]): string {
  const [shell = 'bash', line = ''] = args;
  const words = splitLine(line).slice(1);
  const current = words.pop() ?? '';
  const found = candidates(words, current, entries).filter(({ word }) => word.startsWith(current));
  return found.map(({ word, summary }) => (shell === 'bash' ? `${word}\n` : `${word}\t${summary}\n`)).join('');
}

function candidates(before: readonly string[], current: string, entries: readonly CatalogueEntry[]): readonly Candidate[] {
  if (before[0] === 'help') return before.length > 1 ? [] : [...topics(), ...names(entries, current)];
  const asked = whatIsAsked(before, entries);
  if (asked.kind === 'nothing')
    return current.startsWith('-')
      ? [word('--help', 'all commands'), word('--version', '')]
      : [...names(entries, current), word('help', 'help on a topic')];
  if (asked.kind === 'group') return actions(entries, asked.group);
  if (asked.kind === 'unknown') return [];
  return argumentsOf(asked.entry, asked.rest, current, entries);
}

function argumentsOf(
  entry: CatalogueEntry,
  before: readonly string[],
  current: string,
  entries: readonly CatalogueEntry[],
): readonly Candidate[] {
  const { own, global } = flagsOf(entry);
  const flags: readonly Flag[] = [...own, ...global];
  const attached = /^(--[a-z0-9-]+=)/.exec(current)?.[1];
  if (attached !== undefined) {
    const flag = flags.find((one) => `--${one.name}=` === attached);
    return flag === undefined ? [] : values(flag, entry).map(({ word: value, summary }) => word(attached + value, summary));
  }
  const waiting = flags.find((flag) => takesNext(flag) && namesOfFlag(flag).includes(before.at(-1) ?? ''));
  if (waiting !== undefined) return values(waiting, entry);
  if (current.startsWith('-')) {
    const used = new Set(before);
    const useful: readonly Flag[] = [...own, ...global.filter((flag) => isShown(flag, entry))];
    return useful
      .filter((flag) => flag.type === 'array' || !namesOfFlag(flag).some((name) => used.has(name)))
      .map((flag) => word(`--${flag.name}`, flag.summary ?? ''));
  }
  const places = before.filter(
    (one, index) => !one.startsWith('-') && !flags.some((flag) => takesNext(flag) && namesOfFlag(flag).includes(before[index - 1] ?? '')),
  ).length;
  const place = positionals(entry)[places];
  if (place !== undefined) return entry.name === 'cli:help' ? names(entries, current) : values(place, entry);
  // `seed config validate` may go on to `config:validate:all`.
  return before.length === 0 ? actions(entries, entry.name) : [];
}

function values(flag: Flag, entry: CatalogueEntry): readonly Candidate[] {
  if (flag.name === 'sort') return Object.keys(entry.fields ?? {}).map((field) => word(field, ''));
  if (flag.name === 'filter') return Object.entries(entry.fields ?? {}).map(([field, type]) => word(`${field}=`, type));
  if (flag.type === 'boolean') return [word('true', ''), word('false', '')];
  return (flag.choices ?? []).map((choice) => word(choice, ''));
}

/** Domains (`agents:`) until one is chosen, then its commands. */
function names(entries: readonly CatalogueEntry[], current: string): readonly Candidate[] {
  const all = namesOf(entries);
  const domains = [...new Set(all.map((name) => name.slice(0, name.indexOf(':') + 1)))];
  const fitting = domains.filter((domain) => domain.startsWith(current));
  if (!current.includes(':') && fitting.length > 1)
    return fitting.map((domain) =>
      word(
        domain,
        actions(entries, domain.slice(0, -1))
          .map((one) => one.word)
          .join(', '),
      ),
    );
  return entries.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])].map((name) => word(name, entry.summary)));
}

/** The next words after the parts of a name: `list` after `agents`, `reset` after `system heartbeat`. */
function actions(entries: readonly CatalogueEntry[], group: string): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const entry of membersOf(entries, group)) {
    for (const name of [entry.name, ...(entry.aliases ?? [])]) {
      if (!name.startsWith(`${group}:`)) continue;
      const next = name.slice(group.length + 1).split(':')[0] ?? '';
      if (!found.has(next)) found.set(next, word(next, entry.summary));
    }
  }
  return [...found.values()];
}

function topics(): readonly Candidate[] {
  return Object.entries(HELP_TOPICS).map(([topic, { summary }]) => word(topic, summary));
}

function takesNext(flag: Flag): boolean {
  return flag.type !== 'boolean' && flag.value !== 'attached';
}

function namesOfFlag(flag: Flag): readonly string[] {
  return [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`]), ...(flag.aliases ?? []).map((alias) => `--${alias}`)];
}

function word(text: string, summary: string): Candidate {
  return { word: text, summary };
}

/** Words of a command line as a shell splits it, roughly: quotes and backslashes keep spaces. The last one may be empty. */
function splitLine(line: string): string[] {
  const words: string[] = [''];
  let quote = '';
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] ?? '';
    const last = words.length - 1;
    if (quote !== '') {
      if (character === quote) quote = '';
      else words[last] += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '\\') words[last] += line[(index += 1)] ?? '';
    else if (/\s/.test(character)) {
      if (words[last] !== '') words.push('');
    } else words[last] += character;
  }
  return words;
}
