// An upper bound on how deep a parser must recurse, found without recursion. A megabyte of "(" or "!" would end esbuild's
// process (its stack may grow to 1 GB), and thousands of nested statements print to hundreds of megabytes.

/** A word after which the statement before it goes on. */
const CONTINUES = new Set([
  'else',
  'catch',
  'finally',
  'while',
  'in',
  'of',
  'instanceof',
  'as',
  'satisfies',
  'extends',
  'implements',
  'is',
]);
/** A word that wants another after it. */
const PREFIX = new Set(
  'await case delete do else extends in infer instanceof keyof new of return throw typeof unique void yield as is'.split(' '),
);
/** A word whose parentheses want a statement after them. */
const CONTROL = new Set(['if', 'while', 'for', 'with']);

const BLANK = /[ \t\r\n\f\v\u00a0\ufeff]+/y;
const COMMENT = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y;
const WORD = /[\w$\u0080-\uffff]+/y;

interface Level {
  /** Tokens of the element that is being read. */
  tokens: number;
  /** The hole of a template; its closing brace leads back into the text. */
  hole: boolean;
  control: boolean;
}

/**
 * A parser opens at most one level for every token since the last end of an element (`,`, `;`, a new line or a closed block
 * that nothing continues), summed over the brackets that are open. Regular expressions are read as divisions: the bound is
 * meant for honest text, and what slips by meets the compiler's deadline.
 * @returns where the bound passes `limit`, 1-based, or null
 */
export function nestingBound(text: string, limit: number): { line: number; column: number } | null {
  const levels: Level[] = [{ tokens: 0, hole: false, control: false }];
  let total = 0;
  let previous = '';
  let ended = false;
  let newLine = false;
  let at = 0;

  const endElement = (): void => {
    const level = levels.at(-1);
    if (level === undefined) return;
    total -= level.tokens;
    level.tokens = 0;
  };
  const closeLevel = (): Level | undefined => {
    if (levels.length === 1) return undefined;
    endElement();
    return levels.pop();
  };
  /** From behind the opening backtick, or the brace that closes a hole, to the end of the template or into its next hole. */
  const readTemplate = (from: number): number => {
    let index = from;
    while (index < text.length && text[index] !== '`') {
      if (text[index] === '$' && text[index + 1] === '{') {
        levels.push({ tokens: 0, hole: true, control: false });
        return index + 2;
      }
      index += text[index] === '\\' ? 2 : 1;
    }
    return index + 1;
  };

  while (at < text.length) {
    const blank = matchAt(BLANK, text, at) || matchAt(COMMENT, text, at);
    if (blank !== '') {
      newLine ||= blank.includes('\n');
      at += blank.length;
      continue;
    }
    const word = matchAt(WORD, text, at);
    const token = word === '' ? (text[at] ?? '') : word;
    const newStatement = previous === ';' || (ended && word !== '' && (newLine || previous === '}'));
    if (newStatement && !CONTINUES.has(word)) endElement();
    newLine = false;
    const start = at;
    at += token.length;
    ended = false;
    switch (token) {
      case ';':
        break;
      case ',':
        endElement();
        break;
      case ')':
        ended = closeLevel()?.control !== true;
        break;
      case ']':
        closeLevel();
        ended = true;
        break;
      case '}':
        ended = true;
        if (closeLevel()?.hole === true) at = readTemplate(at);
        break;
      default: {
        const level = levels.at(-1);
        if (level !== undefined) level.tokens += 1;
        total += 1;
        if (total > limit) return positionOf(text, start);
        if (token === '(' || token === '[' || token === '{') levels.push({ tokens: 0, hole: false, control: CONTROL.has(previous) });
        else if (token === '`') at = readTemplate(at);
        else if (token === '"' || token === "'") at = endOfString(text, at, token);
        ended = word === '' ? token === '`' || token === '"' || token === "'" : !PREFIX.has(word);
      }
    }
    previous = token;
  }
  return null;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function endOfString(text: string, from: number, quote: string): number {
  let index = from;
  while (index < text.length && text[index] !== quote && text[index] !== '\n') index += text[index] === '\\' ? 2 : 1;
  return index + 1;
}

function positionOf(text: string, index: number): { line: number; column: number } {
  const before = text.slice(0, index);
  const line = before.split('\n').length;
  return { line, column: index - before.lastIndexOf('\n') };
}
