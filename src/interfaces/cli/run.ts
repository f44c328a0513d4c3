// The command line: what is asked, by whom it is answered, and the exit code.
import { SeedError, toSeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { findEntry, membersOf, namesOf, whatIsAsked, type Asked } from './command-line.ts';
import { reportFailure } from './failure.ts';
import { formatHint } from './globals.ts';
import { paint, write, type Terminal } from './terminal.ts';
import type { ExecuteOptions } from './execute.ts';
import type { HelpStyle } from './help-style.ts';

export interface CliOptions extends Pick<ExecuteOptions, 'terminal' | 'signal' | 'connect' | 'local'> {
  version: string;
  /** The operations that this program knows. */
  catalogue: () => readonly CatalogueEntry[];
  /** Those of the node, which may have more. @throws SeedError `unavailable` */
  remoteCatalogue: () => Promise<readonly CatalogueEntry[]>;
}

/** Answers the exit code; never throws. */
export async function runCli(argv: readonly string[], options: CliOptions): Promise<number> {
  try {
    return await dispatch(argv, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code === 'EPIPE') return 0;
    return reportFailure(error, options.terminal, { format: formatHint(argv), verbose: argv.includes('--verbose') });
  }
}

async function dispatch(argv: readonly string[], options: CliOptions): Promise<number> {
  const [first, ...others] = argv;
  const { terminal, version } = options;
  if (first === '--version' || first === '-V' || (first === '-v' && argv.length === 1)) {
    await write(terminal.stdout, `${version}\n`);
    return 0;
  }
  const entries = options.catalogue();
  if (first === '__complete') {
    const { complete } = await import('./complete.ts');
    await write(terminal.stdout, complete(others, entries));
    return 0;
  }
  if (first === 'help') return await help(others, entries, options);
  return await answer(whatIsAsked(argv, entries), entries, options);
}

async function answer(asked: Asked, entries: readonly CatalogueEntry[], options: CliOptions): Promise<number> {
  switch (asked.kind) {
    case 'nothing':
      refuseFlags(asked.rest);
      return await help(asked.rest, entries, options);
    case 'group':
      refuseFlags(asked.rest);
      return await help([asked.group], entries, options);
    case 'unknown':
      return await answerFromNode(asked, entries, options);
    case 'command': {
      const { wantsHelp } = await import('./parse.ts');
      if (wantsHelp(asked.entry, asked.rest)) return await help([asked.entry.name], entries, options);
      const { execute } = await import('./execute.ts');
      return await execute(asked.entry, asked.rest, { ...options, find: async (name) => await find(name, entries, options) });
    }
  }
}

/** Modules come and go while a node runs: it may know what this program does not. */
async function answerFromNode(
  asked: Asked & { kind: 'unknown' },
  entries: readonly CatalogueEntry[],
  options: CliOptions,
): Promise<number> {
  const { entries: all, refusal } = await withRemote(entries, options);
  const again = whatIsAsked(asked.argv, all);
  if (again.kind !== 'unknown') return await answer(again, all, options);
  throw unknownCommand(asked.words, all, refusal);
}

/** Without a node, what this program knows is all there is; a node that will not tell is `refusal`. */
async function withRemote(
  entries: readonly CatalogueEntry[],
  options: CliOptions,
): Promise<{ entries: readonly CatalogueEntry[]; refusal?: SeedError }> {
  try {
    const known = new Set(entries.map((entry) => entry.name));
    return { entries: [...entries, ...(await options.remoteCatalogue()).filter((entry) => !known.has(entry.name))] };
  } catch (error) {
    const refusal = toSeedError(error);
    if (refusal.code === 'cancelled') throw refusal;
    return refusal.code === 'unavailable' ? { entries } : { entries, refusal };
  }
}

async function find(name: string, entries: readonly CatalogueEntry[], options: CliOptions): Promise<CatalogueEntry> {
  const entry = findEntry(entries, name) ?? findEntry((await withRemote(entries, options)).entries, name);
  if (entry === undefined) throw new SeedError('not_found', `there is no operation ${name}`);
  return entry;
}

async function help(words: readonly string[], entries: readonly CatalogueEntry[], options: CliOptions): Promise<number> {
  const { helpOn } = await import('./help.ts');
  const { terminal, version } = options;
  const names = words.filter((word) => !word.startsWith('-'));
  const settings = { version, all: words.includes('--all'), style: styleFor(terminal) };
  const known = names.length === 0 || isKnown(names.join(':'), entries) ? entries : (await withRemote(entries, options)).entries;
  await write(terminal.stdout, await helpOn(names, known, settings));
  return 0;
}

function isKnown(name: string, entries: readonly CatalogueEntry[]): boolean {
  return findEntry(entries, name) !== undefined || membersOf(entries, name).length > 0;
}

function styleFor({ stdout }: Terminal): HelpStyle {
  return { width: Math.min(stdout.isTTY === true ? (stdout.columns ?? 80) : 120, 140), heading: (text) => paint(stdout, 'bold', text) };
}

/** Without a command there is nothing that a flag could be for. */
function refuseFlags(rest: readonly string[]): void {
  const wrong = rest.find((word) => !['--help', '-h', '--all', '-a'].includes(word));
  if (wrong !== undefined)
    throw new SeedError('bad_request', `${JSON.stringify(wrong)} without a command`, { hint: 'seed --help lists the commands' });
}

function unknownCommand(words: readonly string[], entries: readonly CatalogueEntry[], refusal: SeedError | undefined): SeedError {
  const names = namesOf(entries);
  const domains = [...new Set(names.map((name) => name.slice(0, name.indexOf(':'))))];
  // The more words are looked at, the nearer; but later words may be arguments.
  const guesses = words.map((_, index) => words.slice(0, index + 1).join(':')).slice(0, 3);
  const close =
    guesses
      .toReversed()
      .map((guess) => nearest(guess, names))
      .find((name) => name !== undefined) ?? nearest(words[0] ?? '', domains);
  const said = words[0]?.includes(':') === true ? words[0] : words.slice(0, 2).join(' ');
  const doubt = refusal === undefined ? '' : `; the node may have one, but does not tell us: ${refusal.message}`;
  return new SeedError('bad_request', `there is no command ${JSON.stringify(said)}${doubt}`, {
    hint: close === undefined ? 'seed --help lists the commands' : `did you mean "seed ${close}"?`,
  });
}
