// How a command is written and what its flags say: the words of help, of the reference and of messages.
import type { CatalogueEntry } from './catalogue-entry.ts';
import { flagsOf } from './command-flags.ts';
import type { Flag } from './flag.ts';

/** `seed code:promote <agent> <version>`: the words, then the required flags. */
export function usageOf(entry: CatalogueEntry): string {
  const words = positionals(entry).map((flag) => (flag.required === true ? `<${flag.name}>` : `[${flag.name}]`));
  const flags = entry.flags
    .filter((flag) => flag.position === undefined && flag.required === true)
    .map((flag) => `--${flag.name} ${placeholder(flag)}`);
  return ['seed', entry.name, ...words, ...flags].join(' ');
}

/** What stands for a flag's value in help. */
function placeholder(flag: Flag): string {
  if (flag.upload !== undefined) return `<${flag.upload}>`;
  if (flag.choices !== undefined && flag.choices.length <= 3) return `<${flag.choices.join('|')}>`;
  const words = { string: 'text', integer: 'number', number: 'number', boolean: '', array: 'list', object: 'key=value', json: 'json' };
  return `<${words[flag.type]}>`;
}

export function positionals(entry: CatalogueEntry): readonly Flag[] {
  return entry.flags.filter((flag) => flag.position !== undefined).toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
}

/** The command line that an example stands for. */
export function exampleCommand(entry: CatalogueEntry, input: Readonly<Record<string, unknown>>): string {
  const words: string[] = [];
  const flags: string[] = [];
  const places = positionals(entry);
  let open = true;
  for (const flag of places) {
    // A word can only stand where all before it do.
    open &&= input[flag.member] !== undefined;
    if (open) words.push(shellWord(valueText(input[flag.member])));
  }
  const placed = new Set(places.slice(0, words.length).map((flag) => flag.member));
  const known = [...entry.flags, ...flagsOf(entry).global];
  for (const [member, value] of Object.entries(input)) {
    if (placed.has(member)) continue;
    const name = known.find((flag) => flag.member === member)?.name ?? member.replaceAll('_', '-');
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'boolean') flags.push(one ? `--${name}` : `--no-${name}`);
      else flags.push(`--${name} ${shellWord(valueText(one))}`);
    }
  }
  return ['seed', entry.name, ...words, ...flags].join(' ');
}

/** What a flag takes and does, in words. */
export function flagDescription(flag: Flag): string {
  const choices = flag.choices !== undefined && flag.choices.length > 3 ? `one of ${flag.choices.join(', ')}` : '';
  const words = [flag.summary ?? '', choices].filter((part) => part !== '').join('; ');
  const isTold = flag.default === undefined || flag.default === '' || flag.default === false || words.includes('default');
  const notes = [flag.required === true ? 'required' : '', rangeOf(flag), isTold ? '' : `default ${defaultText(flag.default)}`];
  const told = notes.filter((note) => note !== '').join(', ');
  return told === '' ? words : `${words} (${told})`.trim();
}

/** `-i, --agent, --id <text>`. */
export function flagTerm(flag: Flag): string {
  const names = [
    ...(flag.short === undefined ? [] : [`-${flag.short}`]),
    `--${flag.name}`,
    ...(flag.aliases ?? []).map((alias) => `--${alias}`),
  ];
  const value =
    flag.type === 'boolean' ? '' : flag.value === 'attached' ? '[=name]' : flag.value === 'optional' ? ' [file]' : ` ${placeholder(flag)}`;
  return names.join(', ') + value;
}

function rangeOf({ minimum, maximum }: Flag): string {
  if (maximum !== undefined) return minimum === undefined ? `at most ${maximum}` : `${minimum} to ${maximum}`;
  return minimum !== undefined && minimum > 1 ? `at least ${minimum}` : '';
}

function defaultText(value: unknown): string {
  const text = valueText(value);
  return text.includes(' ') ? JSON.stringify(text) : text;
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
