// Questions to a person. Only ever asked where there is one: without a terminal the command says which flag answers them.
import { createInterface } from 'node:readline/promises';
import { SeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Flag } from '#operation/flag.ts';
import type { Globals } from './globals.ts';
import { missingFlags, readValue, type Input } from './input.ts';
import { paint, isInteractive, type Terminal } from './terminal.ts';
import { printable } from './text-width.ts';

/** One line. @throws SeedError `cancelled` at Ctrl-C or the end of the input. */
export async function ask(terminal: Terminal, question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = (cause?: unknown): void => reject(new SeedError('cancelled', 'cancelled', { cause }));
      lines.once('SIGINT', stop).once('close', stop);
      lines.question(question, { signal }).then(resolve, stop);
    });
  } finally {
    lines.close();
  }
}

/** Ask for every required member that is missing, again until it fits. @throws SeedError `bad_request` without a terminal. */
export async function askForMissing(
  entry: CatalogueEntry,
  input: Input,
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<Input> {
  const missing = missingFlags(entry, input);
  if (missing.length === 0) return input;
  if (!isInteractive(terminal)) {
    const names = missing.map((flag) => `--${flag.name}`).join(' ');
    throw new SeedError('bad_request', '--interactive needs a terminal, and this is none', { hint: `give what is missing: ${names}` });
  }
  const result: Record<string, unknown> = { ...input };
  for (const flag of missing) result[flag.member] = await askFor(flag, { terminal, signal });
  return result;
}

async function askFor(flag: Flag, { terminal, signal }: { terminal: Terminal; signal: AbortSignal }): Promise<unknown> {
  if (flag.summary !== undefined) terminal.stderr.write(`${paint(terminal.stderr, 'dim', printable(flag.summary))}\n`);
  const choices = flag.choices === undefined ? '' : ` (${flag.choices.join(', ')})`;
  for (;;) {
    const text = (await ask(terminal, `${flag.name}${choices}: `, signal)).trim();
    if (text === '') continue;
    try {
      return await readValue(flag, text, { said: flag.name, stdin: terminal.stdin });
    } catch (error) {
      if (!(error instanceof SeedError) || error.exitCode !== 2) throw error;
      terminal.stderr.write(`${printable(error.message)}${error.hint === undefined ? '' : ` (${printable(error.hint)})`}\n`);
    }
  }
}

/**
 * Whether a dangerous command may go on: `--confirm`, `--confirm=<name>` that fits, or a person who says so.
 * @throws SeedError `confirmation_required`, with the command that would do it; `cancelled` when the person says no.
 */
export async function confirmed(
  entry: CatalogueEntry,
  input: Input,
  { globals, terminal, signal, again }: { globals: Globals; terminal: Terminal; signal: AbortSignal; again: string },
): Promise<boolean> {
  const names = [entry.name, ...targetsOf(entry, input)];
  if (globals.confirm === true) return true;
  if (globals.confirm !== undefined) {
    if (names.includes(globals.confirm)) return true;
    throw new SeedError('confirmation_required', `--confirm=${globals.confirm} is not what this is about`, {
      hint: `--confirm=${names.at(-1)}`,
    });
  }
  if (!isInteractive(terminal) || globals.batch !== undefined) {
    throw new SeedError('confirmation_required', `${entry.name} is dangerous and needs a confirmation: ${entry.summary}`, { hint: again });
  }
  const target = targetsOf(entry, input).join(' ');
  terminal.stderr.write(
    `${paint(terminal.stderr, 'bold', entry.name)}${target === '' ? '' : ` ${printable(target)}`}: ${printable(entry.summary)}\n`,
  );
  const answer = (await ask(terminal, `go on? y or ${names.at(-1)}: `, signal)).trim();
  if (['y', 'yes', ...names].includes(answer)) return true;
  throw new SeedError('confirmation_required', 'not confirmed: nothing was done');
}

/** What the words of the command say it is about. */
function targetsOf(entry: CatalogueEntry, input: Input): readonly string[] {
  return entry.flags
    .filter((flag) => flag.position !== undefined && flag.upload === undefined && typeof input[flag.member] === 'string')
    .map((flag) => String(input[flag.member]));
}
