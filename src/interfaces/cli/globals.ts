// The flags that every command has, as values.
import { FORMATS, GLOBAL_FLAGS } from '#operation/flag.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { SeedError } from '#lib/error.ts';
import type { FlagText } from './parse.ts';

export type Format = (typeof FORMATS)[number];

export interface Globals {
  format: Format;
  /** File that receives the answer instead of standard output. */
  output: string | undefined;
  quiet: boolean;
  verbose: boolean;
  dryRun: boolean;
  interactive: boolean;
  follow: boolean;
  /** Path of a file with JSON lines, `-` for standard input. */
  batch: string | undefined;
  /** `true`: whatever it is. A text: only if it is the command, or what the command is about. */
  confirm: string | true | undefined;
  idempotencyKey: string | undefined;
  /** page, limit, filter, search, sort and order, as they were written. */
  list: ReadonlyMap<string, FlagText>;
}

/** Names that older command lines have for the form that people read. */
const AS_TABLE = new Set(['text', 'tree', 'pretty']);

const LIST_FLAGS = new Set(GLOBAL_FLAGS.filter((flag) => flag.shown === 'list').map((flag) => flag.name));

/** @throws SeedError `bad_request` for a value that can not be, and for a list's flag on a command that does not list. */
export function readGlobals(texts: ReadonlyMap<string, FlagText>, entry: CatalogueEntry): Globals {
  const list = new Map([...texts].filter(([name]) => LIST_FLAGS.has(name)));
  const [unfit] = list.keys();
  if (unfit !== undefined && entry.fields === undefined) {
    throw new SeedError('bad_request', `${entry.name} does not list: --${unfit} has no meaning there`, {
      hint: `seed ${entry.name} --help shows its flags`,
    });
  }
  return {
    format: formatOf(text(texts, 'format')),
    output: text(texts, 'output'),
    quiet: isOn(texts, 'quiet'),
    verbose: isOn(texts, 'verbose'),
    dryRun: isOn(texts, 'dry-run'),
    interactive: isOn(texts, 'interactive'),
    follow: isOn(texts, 'follow'),
    batch: texts.get('batch') === true ? '-' : text(texts, 'batch'),
    confirm: confirmOf(texts.get('confirm')),
    idempotencyKey: text(texts, 'idempotency-key'),
    list,
  };
}

/** The format, read from arguments that may not even parse: so that an error about them is written in it. */
export function formatHint(argv: readonly string[]): Format {
  const place = argv.findIndex((word) => /^(?:--format|-f)(?:=|$)/.test(word));
  const word = place < 0 ? '' : (argv[place] ?? '');
  const value = word.includes('=') ? word.slice(word.indexOf('=') + 1) : argv[place + 1];
  return FORMATS.find((format) => format === value) ?? 'table';
}

function formatOf(value: string | undefined): Format {
  if (value === undefined || AS_TABLE.has(value)) return 'table';
  const format = FORMATS.find((one) => one === value);
  if (format !== undefined) return format;
  throw new SeedError('bad_request', `${JSON.stringify(value)} is not a format`, { hint: `--format ${FORMATS.join(', ')}` });
}

/** `--confirm=true` and `--confirm=false` are what somebody means who knows it as a switch. */
function confirmOf(value: FlagText | undefined): string | true | undefined {
  if (value === undefined || value === 'false') return undefined;
  return value === true || value === 'true' || typeof value !== 'string' ? true : value;
}

function text(texts: ReadonlyMap<string, FlagText>, name: string): string | undefined {
  const value = texts.get(name);
  return typeof value === 'string' ? value : undefined;
}

function isOn(texts: ReadonlyMap<string, FlagText>, name: string): boolean {
  const value = texts.get(name);
  return value === true || value === 'true' || value === '1';
}
