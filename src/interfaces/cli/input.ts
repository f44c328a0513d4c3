// The input of one request: flags and words, with files read and values typed. Names are those of the wire.
import type { Readable } from 'node:stream';
import { SeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { GLOBAL_FLAGS, type Flag } from '#operation/flag.ts';
import { positionals, usageOf } from '#operation/usage.ts';
import type { FlagText, ParsedArguments } from './parse.ts';
import { valueOf } from './value.ts';

export type Input = Readonly<Record<string, unknown>>;

/** Everything that was given, typed; what was not given is left to the node. @throws SeedError `bad_request` */
export async function collectInput(entry: CatalogueEntry, parsed: ParsedArguments, stdin: Readable): Promise<Input> {
  const input: Record<string, unknown> = {};
  const given = placed(entry, parsed);
  if ([...given.values()].filter(({ text }) => text === '-').length > 1) {
    throw new SeedError('bad_request', 'standard input can only be read once', { hint: 'give one of them as @file' });
  }
  for (const [flag, { text, said }] of given) input[flag.member] = await readValue(flag, text, { said, stdin });
  return input;
}

/** The members of a list's question. */
export function listInput(texts: ReadonlyMap<string, FlagText>, entry: CatalogueEntry): Input {
  const flags = GLOBAL_FLAGS.filter((flag) => texts.has(flag.name)).map((flag): Flag => {
    return flag.name === 'sort' && entry.fields !== undefined ? { ...flag, choices: Object.keys(entry.fields) } : flag;
  });
  // A filter is taken as it is: its value may hold commas.
  return Object.fromEntries(
    flags.map((flag) => {
      const text = texts.get(flag.name) ?? true;
      return [flag.member, flag.type === 'array' ? [text].flat() : valueOf(flag, text)];
    }),
  );
}

/** The required flags that nobody has given. */
export function missingFlags(entry: CatalogueEntry, input: Input): readonly Flag[] {
  return entry.flags.filter((flag) => flag.required === true && input[flag.member] === undefined);
}

/** @throws SeedError `bad_request`, naming all of them. */
export function refuseMissing(entry: CatalogueEntry, missing: readonly Flag[]): void {
  if (missing.length === 0) return;
  const names = missing.map((flag) => (flag.position === undefined ? `--${flag.name}` : `<${flag.name}>`));
  throw new SeedError('bad_request', `${entry.name} needs ${names.join(' and ')}`, {
    hint: `${usageOf(entry)}, or --interactive to be asked`,
  });
}

/** One text as the value of a flag: a file's content, a folder's files, or what it says. */
export async function readValue(flag: Flag, text: FlagText, { said, stdin }: { said: string; stdin: Readable }): Promise<unknown> {
  const [only, ...more] = [text].flat();
  if (typeof only !== 'string' || more.length > 0) return valueOf(flag, text, said);
  if (flag.upload !== undefined) {
    const { readFolder, readUpload } = await import('./file-input.ts');
    if (flag.upload === 'folder') return await readFolder(only, said);
    const content = await readUpload(only, said);
    // A text is the file as it is; everything else is JSON in it.
    return flag.type === 'string' ? content : valueOf(flag, content.trim(), `${said} ${only}`);
  }
  const isText = flag.choices === undefined && ['string', 'json', 'object'].includes(flag.type);
  if (!isText || (only !== '-' && !only.startsWith('@'))) return valueOf(flag, text, said);
  const { textFrom } = await import('./file-input.ts');
  return valueOf(flag, await textFrom(only, said, stdin), said);
}

interface Given {
  text: FlagText;
  said: string;
}

/** Flags as they are, and the words in the places that no flag has filled. */
function placed(entry: CatalogueEntry, { own, words }: ParsedArguments): Map<Flag, Given> {
  const given = new Map<Flag, Given>();
  for (const flag of entry.flags) {
    const text = own.get(flag.name);
    if (text !== undefined) given.set(flag, { text, said: `--${flag.name}` });
  }
  const open = positionals(entry).filter((flag) => !given.has(flag));
  const rest = [...words];
  for (const flag of open) {
    const isLast = flag === open.at(-1);
    const taken = flag.type === 'array' && isLast ? rest.splice(0) : rest.splice(0, 1);
    const [first] = taken;
    if (first !== undefined) given.set(flag, { text: flag.type === 'array' ? taken : first, said: `<${flag.name}>` });
  }
  const [excess] = rest;
  if (excess !== undefined) {
    const reason =
      positionals(entry).length === 0
        ? 'takes no words without a flag'
        : `does not know what ${JSON.stringify(excess.slice(0, 60))} is for`;
    throw new SeedError('bad_request', `${entry.name} ${reason}${positionals(entry).length === 0 ? `: ${excess.slice(0, 60)}` : ''}`, {
      hint: usageOf(entry),
    });
  }
  return given;
}
