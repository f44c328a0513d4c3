// seed(1), in the man macros that every man program understands.
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { ownFlags } from '#operation/command-flags.ts';
import { EXIT_CODES } from '#operation/exit-codes.ts';
import { GLOBAL_FLAGS, type Flag } from '#operation/flag.ts';
import { exampleCommand, flagDescription, flagTerm, usageOf } from '#operation/usage.ts';

export function manPage(entries: readonly CatalogueEntry[]): string {
  return [
    '.TH SEED 1',
    '.SH NAME',
    'seed \\- agents that rewrite themselves while they run',
    '.SH SYNOPSIS',
    '.B seed',
    '.I domain:action',
    '[flags]',
    '.SH DESCRIPTION',
    'The command line of a running Seed Agent node. Every command may also be written with spaces:',
    '.B seed agents list',
    'is',
    '.BR "seed agents:list" .',
    '.SH OPTIONS',
    ...GLOBAL_FLAGS.flatMap(flagLines),
    '.SH COMMANDS',
    ...entries.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, meaning]) => ['.TP', String(code), text(meaning)]),
    '.SH ENVIRONMENT',
    '.TP',
    '.B SEED_URL',
    'address of the node, instead of the one in the data folder',
    '.TP',
    '.B SEED_TOKEN',
    'token to sign in with',
    '.TP',
    '.B DATA_DIR',
    'data folder of the node, ./data by default',
    '',
  ].join('\n');
}

function commandLines(entry: CatalogueEntry): readonly string[] {
  return [
    `.SS ${text(entry.name)}`,
    text(`${entry.summary}.`),
    ...(entry.description === undefined ? [] : ['.PP', text(entry.description)]),
    '.PP',
    `.B ${text(usageOf(entry))}`,
    ...ownFlags(entry).flatMap(flagLines),
    ...entry.examples.flatMap((example) => [
      '.PP',
      text(`Example, ${example.summary}:`),
      '.PP',
      '.nf',
      text(exampleCommand(entry, example.input)),
      '.fi',
    ]),
  ];
}

function flagLines(flag: Flag): readonly string[] {
  return ['.TP', `.B ${text(flagTerm(flag))}`, text(flagDescription(flag) || flag.name)];
}

/** A backslash, a hyphen, and a dot or quote at the beginning of a line mean something to roff; it reads ASCII. */
function text(value: string): string {
  return value
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('\n', ' ')
    .replace(/^(?=[.'])/, '\\&')
    .replace(/[^\x20-\x7e]/gu, (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`);
}
