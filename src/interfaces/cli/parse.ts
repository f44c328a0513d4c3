// The arguments of one command, as text: commander reads them, our messages say what is wrong with them.
import { Command, CommanderError, Option } from 'commander';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Flag } from '#operation/flag.ts';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import { flagsOf } from '#operation/command-flags.ts';

/** What was written for a flag; `true` where it stood without a value. */
export type FlagText = string | true | readonly string[];

export interface ParsedArguments {
  /** By name of the flag: those of the command. */
  own: ReadonlyMap<string, FlagText>;
  /** By name of the flag: those that every command has. */
  global: ReadonlyMap<string, FlagText>;
  words: readonly string[];
}

/** @throws SeedError `bad_request` for an unknown flag (with the nearest one) or a missing value. */
export function parseArguments(entry: CatalogueEntry, argv: readonly string[]): ParsedArguments {
  const { own, global } = flagsOf(entry);
  const all: readonly Flag[] = [...own, ...global];
  const given = new Map<string, FlagText>();
  const command = new Command(entry.name)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined })
    .helpOption(false)
    .showSuggestionAfterError(false)
    .allowExcessArguments();
  for (const flag of all) addFlag(command, flag, (text) => given.set(flag.name, merge(flag, given.get(flag.name), text)));
  try {
    command.parse(attachedValues(argv, all, given), { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? explained(error, entry, all) : error;
  }
  refuseSwallowed(given, entry, all);
  const isOwn = (name: string): boolean => own.some((flag) => flag.name === name);
  const entries = [...given];
  return {
    own: new Map(entries.filter(([name]) => isOwn(name))),
    global: new Map(entries.filter(([name]) => !isOwn(name))),
    words: command.args,
  };
}

/** Whether help is asked for, before anything else is judged. */
export function wantsHelp(entry: CatalogueEntry, argv: readonly string[]): boolean {
  const help = flagsOf(entry).global.find((flag) => flag.name === 'help');
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  return help !== undefined && words.some((word) => word === '--help' || word === `-${help.short}`);
}

function addFlag(command: Command, flag: Flag, take: (text: string | true) => void): void {
  const takesValue = flag.type !== 'boolean' && flag.value !== 'attached';
  const value = flag.value === 'optional' ? ' [value]' : takesValue ? ' <value>' : '';
  const add = (names: string, told: string | true | undefined): void => {
    const option = new Option(`${names}${told === undefined ? value : ''}`);
    option.attributeName = () => `${flag.name}/${names}`;
    command.addOption(option);
    command.on(`option:${option.name()}`, (text: string | null | undefined) => take(told ?? text ?? true));
  };
  add(flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`, undefined);
  for (const alias of flag.aliases ?? []) add(`--${alias}`, undefined);
  if (flag.type === 'boolean') add(`--no-${flag.name}`, 'false');
}

/** Lists collect; anything else that is given twice has its last value. */
function merge(flag: Flag, before: FlagText | undefined, text: string | true): FlagText {
  if ((flag.type !== 'array' && flag.type !== 'object') || text === true) return text;
  return [...(Array.isArray(before) ? (before as readonly string[]) : []), text];
}

/** `--compress=false` and `--confirm=name`: commander has no flag whose value can only follow an equals sign. */
function attachedValues(argv: readonly string[], flags: readonly Flag[], given: Map<string, FlagText>): string[] {
  const end = argv.indexOf('--');
  return argv.filter((word, index) => {
    const match = end >= 0 && index > end ? null : /^--([a-z][a-z0-9-]*)=(.*)$/s.exec(word);
    const flag = match === null ? undefined : flags.find((one) => one.name === match[1] || one.aliases?.includes(match[1] ?? '') === true);
    if (match === null || flag === undefined || (flag.type !== 'boolean' && flag.value !== 'attached')) return true;
    given.set(flag.name, match[2] ?? '');
    return false;
  });
}

/** `--name --format json`: commander takes the next word as the value, whatever it is. */
function refuseSwallowed(given: ReadonlyMap<string, FlagText>, entry: CatalogueEntry, flags: readonly Flag[]): void {
  const known = new Set(flags.map((flag) => `--${flag.name}`));
  for (const [name, value] of given) {
    if ([value].flat().some((text) => typeof text === 'string' && known.has(text))) throw missingValue(`--${name}`, entry);
  }
}

function missingValue(flag: string, entry: CatalogueEntry): SeedError {
  return new SeedError('bad_request', `the flag ${flag} needs a value`, { hint: `seed ${entry.name} --help shows its flags` });
}

function explained(error: CommanderError, entry: CatalogueEntry, flags: readonly Flag[]): SeedError {
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const hint = `seed ${entry.name} --help shows its flags`;
  if (error.code === 'commander.unknownOption') {
    const known = flags.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])]).map((name) => `--${name}`);
    const close = named.startsWith('--') ? nearest(named.split('=')[0] ?? '', known) : undefined;
    return new SeedError('bad_request', `${entry.name} has no flag ${named}`, {
      hint: close === undefined ? hint : `did you mean ${close}?`,
    });
  }
  if (error.code === 'commander.optionMissingArgument') {
    return missingValue(/--[a-z][a-z0-9-]*/.exec(named)?.[0] ?? named, entry);
  }
  return new SeedError('bad_request', error.message.replace(/^error: /, ''), { hint });
}
