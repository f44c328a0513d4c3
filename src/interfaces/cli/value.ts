// One flag's text as the value that goes to the node. What only the schema can judge is left to the node's own message.
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { Flag, FlagType } from '#operation/flag.ts';
import type { FlagText } from './parse.ts';

/**
 * @param said how the value was given, for the message: `--limit`, or the word's place.
 * @throws SeedError `bad_request`
 */
export function valueOf(flag: Flag, text: FlagText, said = `--${flag.name}`): unknown {
  const texts: readonly string[] = text === true ? ['true'] : typeof text === 'string' ? [text] : text;
  if (flag.type === 'array') return listOf(flag, texts, said);
  if (flag.type === 'object') return objectOf(texts, said);
  return scalarOf(flag, flag.type, texts.at(-1) ?? '', said);
}

/** Repeated, separated by commas, or one JSON list. */
function listOf(flag: Flag, texts: readonly string[], said: string): unknown {
  const [only = ''] = texts;
  if (texts.length === 1 && only.trimStart().startsWith('[')) return json(only, said);
  const type = flag.of ?? 'json';
  const parts = type === 'json' || type === 'object' ? texts : texts.flatMap((text) => text.split(',').map((part) => part.trim()));
  return parts.filter((part) => part !== '').map((part) => scalarOf(flag, type, part, said));
}

/** One JSON object, or `key=value`, repeated. */
function objectOf(texts: readonly string[], said: string): unknown {
  const [only = ''] = texts;
  if (texts.length === 1 && /^\s*[{[]/.test(only)) return json(only, said);
  const pairs = texts.map((text): [string, unknown] => {
    const at = text.indexOf('=');
    if (at < 1) throw refusal(`${said} takes a JSON object or key=value, not ${quoted(text)}`, `for example ${said} key=value`);
    return [text.slice(0, at), loose(text.slice(at + 1), said)];
  });
  return Object.fromEntries(pairs);
}

function scalarOf(flag: Flag, type: FlagType, text: string, said: string): unknown {
  if (flag.choices !== undefined && !flag.choices.includes(text)) {
    const close = nearest(text, flag.choices);
    throw refusal(
      `${said} can not be ${quoted(text)}`,
      close === undefined ? `one of ${flag.choices.join(', ')}` : `did you mean ${close}?`,
    );
  }
  switch (type) {
    case 'integer':
    case 'number':
      return numberOf(flag, type, text, said);
    case 'boolean':
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      throw refusal(`${said} is a switch: it can not be ${quoted(text)}`, `${said}, or ${said}=false`);
    case 'object':
      return objectOf([text], said);
    case 'json':
      return loose(text, said);
    default:
      return text;
  }
}

function numberOf(flag: Flag, type: 'integer' | 'number', text: string, said: string): number {
  const value = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  const kind = type === 'integer' ? 'a whole number' : 'a number';
  if (Number.isNaN(value) || (type === 'integer' && !Number.isSafeInteger(value))) {
    throw refusal(
      `${said} takes ${kind}, not ${quoted(text)}`,
      `for example ${said} ${Math.min(flag.maximum ?? 10, Math.max(flag.minimum ?? 10, 10))}`,
    );
  }
  const { minimum = -Infinity, maximum = Infinity } = flag;
  if (value >= minimum && value <= maximum) return value;
  const range =
    flag.maximum === undefined ? `at least ${minimum}` : flag.minimum === undefined ? `at most ${maximum}` : `${minimum} to ${maximum}`;
  throw refusal(`${said} can not be ${text}: it takes ${range}`, `for example ${said} ${Math.min(maximum, Math.max(minimum, 10))}`);
}

/** JSON where it is JSON, else text; but what begins like an object, a list or a quoted text is meant to be JSON. */
function loose(text: string, said: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return /^\s*[{["]/.test(text) ? json(text, said) : text;
  }
}

function json(text: string, said: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refusal(`${said} is not valid JSON: ${reason}`, `quote it for the shell, or give it as a file: ${said} @input.json`);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function refusal(message: string, hint: string): SeedError {
  return new SeedError('bad_request', message, { hint });
}
