// A flag of the command line: derived from a member of an operation's input, or one of those that every command has.
// No zod here: help, completion and parsing read these from the generated catalogue in a few milliseconds.

/** `json`: any JSON value. `object` also takes `key=value`, repeated. */
export type FlagType = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object' | 'json';

export interface Flag {
  /** Without the dashes, kebab-case. */
  name: string;
  /** Name of the member in the request, snake_case. */
  member: string;
  /** One letter. */
  short?: string;
  /** Other names, without the dashes. */
  aliases?: readonly string[];
  type: FlagType;
  /** Of an array: the type of its items. */
  of?: FlagType;
  /** The only values that are accepted (of an array: of its items). */
  choices?: readonly string[];
  /** What the node takes when it is not given. */
  default?: unknown;
  required?: boolean;
  /** Place among the words that need no flag, from 0. */
  position?: number;
  minimum?: number;
  maximum?: number;
  summary?: string;
  /** The value is a path; what is sent is the content of that file, or `{path: text}` of that folder. */
  upload?: 'file' | 'folder';
  /** May stand without a value (`--batch`), or take one only after `=` (`--confirm=name`). */
  value?: 'optional' | 'attached';
}

/** What every command takes, and when its help shows it. */
export interface GlobalFlag extends Flag {
  shown: 'always' | 'list' | 'effect' | 'dangerous';
}

/** Output formats. */
export const FORMATS = ['table', 'json', 'yaml'] as const;

const flag = (name: string, type: FlagType, summary: string, rest: Partial<GlobalFlag> = {}): GlobalFlag => ({
  name,
  member: name.replaceAll('-', '_'),
  type,
  summary,
  shown: 'always',
  ...rest,
});

/** A command's own flag of the same name, or its own use of the letter, comes before these. */
export const GLOBAL_FLAGS: readonly GlobalFlag[] = [
  flag('page', 'integer', 'which page', { shown: 'list', default: 1, minimum: 1 }),
  flag('limit', 'integer', 'items on a page', { shown: 'list', default: 20, minimum: 1, maximum: 100 }),
  flag('filter', 'array', 'field=value, also != ~ < >; all of them must hold', { shown: 'list', of: 'string' }),
  flag('search', 'string', 'text to look for', { shown: 'list' }),
  flag('sort', 'string', 'field to order by', { shown: 'list' }),
  flag('order', 'string', 'direction', { shown: 'list', choices: ['asc', 'desc'] }),
  flag('dry-run', 'boolean', 'show what would be done, and do nothing', { shown: 'effect' }),
  flag('confirm', 'string', 'do it without asking', { shown: 'dangerous', value: 'attached' }),
  flag('idempotency-key', 'string', 'the same key again is answered again, without a second effect', { shown: 'effect' }),
  flag('batch', 'string', 'read inputs as JSON lines from a file, or - for standard input', { value: 'optional' }),
  flag('interactive', 'boolean', 'ask for what is missing'),
  flag('format', 'string', 'how the answer is written', { short: 'f', choices: FORMATS, default: 'table' }),
  flag('output', 'string', 'write the answer to this file', { short: 'o' }),
  flag('quiet', 'boolean', 'ids only, or nothing', { short: 'q' }),
  flag('verbose', 'boolean', 'requests and timings on standard error', { short: 'v' }),
  flag('help', 'boolean', 'show this help', { short: 'h' }),
];
