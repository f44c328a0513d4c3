// An author's pattern over a caller's text, on a linear engine: RE2 in JavaScript. What RE2 can not do is refused when the
// contract is compiled, and what it does differently is rewritten, so that a pattern means what it means in the editor.
import { RE2JS } from 're2js';
import type { WorkBudget } from './work-budget.ts';

const MAX_PATTERN_LENGTH = 2_000;
/** States of the compiled program; a hundred characters cost each of them at worst. */
const MAX_STATES = 1_000;

/** What `\s` means in JavaScript; RE2 knows only the ASCII part of it. */
const SPACE = '\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const NOT_SPACE =
  '\\x00-\\x08\\x0e-\\x1f!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}' +
  '\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}';
const ANY = '\\x00-\\x{10ffff}';
const NOT_LINE_END = '[^\\n\\r\\x{2028}\\x{2029}]';

/** Pieces of a pattern that is valid with the `u` flag. */
const PIECE =
  /\\u\{(?<braced>[0-9a-fA-F]+)\}|\\u(?<lead>[dD][89abAB][0-9a-fA-F]{2})\\u(?<trail>[dD][c-fC-F][0-9a-fA-F]{2})|\\u(?<unit>[0-9a-fA-F]{4})|\\c(?<control>[A-Za-z])|\\(?<escape>[^])|(?<group>\(\?(?:<?[=!]|<|[a-z-]+[:)]?))|(?<open>\[\^?)|(?<other>[^])/gu;

/** Thrown for a pattern that can not be enforced; the message says why. */
export class PatternRefused extends Error {}

/** One pattern as Ajv wants it. Its text is unique: Ajv shares what it caches by `toString()`. */
export interface LinearPattern {
  test(text: string): boolean;
  toString(): string;
}

/** @throws PatternRefused */
export function compilePattern(source: string, budget: WorkBudget): LinearPattern {
  if (source.length > MAX_PATTERN_LENGTH) throw new PatternRefused(`a pattern has at most ${MAX_PATTERN_LENGTH} characters`);
  let program: RE2JS;
  try {
    program = RE2JS.compile(toRe2(source));
  } catch (error) {
    if (error instanceof PatternRefused) throw error;
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw new PatternRefused(`the pattern ${shown(source)} can not be enforced in linear time: ${reason}`, { cause: error });
  }
  const states = program.programSize();
  if (states > MAX_STATES) throw new PatternRefused(`the pattern ${shown(source)} has ${states} states, at most ${MAX_STATES} are taken`);
  return {
    test: (text) => budget.match(states * text.length, () => program.test(text), source),
    toString: () => `/${source}/`,
  };
}

/** The pattern in RE2's words. @throws PatternRefused */
function toRe2(source: string): string {
  try {
    // Only parsed, never run: the strict syntax has no escapes whose meaning would change.
    new RegExp(source, 'u');
  } catch (error) {
    throw new PatternRefused(`the pattern ${shown(source)} is not valid with the u flag: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
  let inClass = false;
  let classStart = -1;
  let text = '';
  for (const { groups = {}, index, 0: piece } of source.matchAll(PIECE)) {
    const { braced, lead, trail, unit, control, escape, group, open, other } = groups;
    if (braced !== undefined) text += `\\x{${braced}}`;
    else if (lead !== undefined && trail !== undefined) text += `\\x{${codePoint(lead, trail)}}`;
    else if (unit !== undefined) text += `\\x{${unit}}`;
    else if (control !== undefined) text += `\\x{${(control.charCodeAt(0) % 32).toString(16)}}`;
    else if (escape !== undefined) text += escaped(escape, { inClass, source });
    else if (inClass && other === ']') {
      text = index === classStart ? text.replace(/\[\^?$/, (start) => (start === '[' ? `[^${ANY}` : `[${ANY}`)) : text;
      text += ']';
      inClass = false;
    } else if (inClass) {
      text += piece.replaceAll('[', '\\[');
    } else if (open !== undefined) {
      inClass = true;
      classStart = index + open.length;
      text += open;
    } else if (group !== undefined) {
      if (group === '(?<') text += '(?P<';
      else
        throw new PatternRefused(
          `the pattern ${shown(source)} ${/[=!]$/.test(group) ? 'looks ahead or behind' : 'switches flags'}: it can not be enforced`,
        );
    } else text += other === '.' ? NOT_LINE_END : piece;
  }
  return text;
}

function escaped(character: string, { inClass, source }: { inClass: boolean; source: string }): string {
  switch (character) {
    case 's':
      return inClass ? SPACE : `[${SPACE}]`;
    case 'S':
      return inClass ? NOT_SPACE : `[${NOT_SPACE}]`;
    case 'b':
      return inClass ? '\\x08' : '\\b';
    case '0':
      return '\\x00';
    case '/':
      return '/';
    case 'k':
      throw new PatternRefused(`the pattern ${shown(source)} refers back to a group: it can not be enforced in linear time`);
    default:
      return `\\${character}`;
  }
}

function codePoint(lead: string, trail: string): string {
  return String.fromCharCode(parseInt(lead, 16), parseInt(trail, 16)).codePointAt(0)?.toString(16) ?? '';
}

function shown(source: string): string {
  return source.length > 80 ? `/${source.slice(0, 80)}…/` : `/${source}/`;
}
