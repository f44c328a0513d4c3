// The flags that a command understands: its own first, then the global ones whose name or letter is still free.
import type { CatalogueEntry } from './catalogue-entry.ts';
import { GLOBAL_FLAGS, type Flag, type GlobalFlag } from './flag.ts';

export interface CommandFlags {
  own: readonly Flag[];
  global: readonly GlobalFlag[];
}

/** `--follow` of a command that can stay and watch what it started. */
const FOLLOW: GlobalFlag = {
  name: 'follow',
  member: 'follow',
  type: 'boolean',
  summary: 'stay and watch until it has ended',
  shown: 'always',
};

export function flagsOf(entry: CatalogueEntry): CommandFlags {
  const letters = new Map(Object.entries(entry.short ?? {}));
  const names = new Set(entry.flags.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])]));
  const taken = new Set(letters.values());
  const candidates = entry.watch === undefined ? GLOBAL_FLAGS : [FOLLOW, ...GLOBAL_FLAGS];
  const global = candidates.filter((flag) => !names.has(flag.name)).map((flag) => withLetter(flag, letters, taken));
  return { own: entry.flags, global };
}

/** Those that only this command has. */
export function ownFlags(entry: CatalogueEntry): readonly Flag[] {
  return entry.watch === undefined ? entry.flags : [...entry.flags, FOLLOW];
}

/** Whether a command's help shows it: all of them work everywhere, but `--page` says nothing about a single thing. */
export function isShown(flag: GlobalFlag, entry: CatalogueEntry): boolean {
  switch (flag.shown) {
    case 'list':
      return entry.fields !== undefined;
    case 'effect':
      return flag.name === 'dry-run' ? entry.plan === true : entry.keyed === true;
    case 'dangerous':
      return entry.kind === 'dangerous';
    case 'always':
      return true;
  }
}

function withLetter(flag: GlobalFlag, letters: ReadonlyMap<string, string>, taken: ReadonlySet<string>): GlobalFlag {
  const { short, ...rest } = flag;
  const letter = letters.get(flag.name) ?? (short !== undefined && !taken.has(short) ? short : undefined);
  return letter === undefined ? rest : { ...rest, short: letter };
}
