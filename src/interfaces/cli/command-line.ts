// Which command is meant: `seed domain:action`, `seed domain action`, and global flags before either.
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { GLOBAL_FLAGS } from '#operation/flag.ts';

export type Asked =
  | { kind: 'command'; entry: CatalogueEntry; rest: readonly string[] }
  /** The words are a domain (`agents`), or the first parts of several commands (`system heartbeat`). */
  | { kind: 'group'; group: string; rest: readonly string[] }
  | { kind: 'unknown'; words: readonly string[]; argv: readonly string[] }
  /** Nothing but flags. */
  | { kind: 'nothing'; rest: readonly string[] };

/** The longest run of words that names a command wins; what remains is its arguments. */
export function whatIsAsked(argv: readonly string[], entries: readonly CatalogueEntry[]): Asked {
  const places = wordPlaces(argv);
  const words = places.map((place) => argv[place] ?? '');
  for (let count = Math.min(4, words.length); count > 0; count -= 1) {
    const name = words.slice(0, count).join(':');
    const entry = findEntry(entries, name);
    if (entry !== undefined) return { kind: 'command', entry, rest: without(argv, places.slice(0, count)) };
  }
  for (let count = Math.min(3, words.length); count > 0; count -= 1) {
    const group = words.slice(0, count).join(':').replace(/:$/, '');
    if (group !== '' && words.length === count && membersOf(entries, group).length > 0) {
      return { kind: 'group', group, rest: without(argv, places.slice(0, count)) };
    }
  }
  return words.length === 0 ? { kind: 'nothing', rest: argv } : { kind: 'unknown', words, argv };
}

export function findEntry(entries: readonly CatalogueEntry[], name: string): CatalogueEntry | undefined {
  return entries.find((entry) => entry.name === name) ?? entries.find((entry) => entry.aliases?.includes(name) === true);
}

/** The commands of which a name begins with `group:`. */
export function membersOf(entries: readonly CatalogueEntry[], group: string): readonly CatalogueEntry[] {
  return entries.filter((entry) => [entry.name, ...(entry.aliases ?? [])].some((name) => name.startsWith(`${group}:`)));
}

/** All words that name a command: names and aliases. */
export function namesOf(entries: readonly CatalogueEntry[]): readonly string[] {
  return entries.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])]);
}

/** Places of the leading words. Global flags between them are stepped over, with their values; any other flag ends them. */
function wordPlaces(argv: readonly string[]): readonly number[] {
  const places: number[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-') || word === '-') {
      if (!/^[a-z][a-z0-9:-]*$/.test(word)) break;
      places.push(index);
      continue;
    }
    const [name] = word.split('=');
    const flag = GLOBAL_FLAGS.find((one) => name === `--${one.name}` || name === `-${one.short}`);
    if (flag === undefined) break;
    if (flag.type !== 'boolean' && flag.value === undefined && !word.includes('=')) index += 1;
  }
  return places;
}

function without(argv: readonly string[], places: readonly number[]): readonly string[] {
  return argv.filter((_, index) => !places.includes(index));
}
