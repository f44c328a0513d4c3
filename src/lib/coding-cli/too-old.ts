// A program that does not know what it is asked for: an older one, or another one of the same name. Pure.

const UNKNOWN = /\b(?:unknown|unexpected|unrecognized|invalid) (?:option|argument|subcommand|command|flag)\b/i;

/** @returns what to tell; null: its last words are about something else */
export function tooOld(program: string, lastWords: string): string | null {
  const line = lastWords.split('\n').find((one) => UNKNOWN.test(one));
  return line === undefined
    ? null
    : `this ${program} does not know what is asked of it, so it is too old, or another program: ${line.trim()}`;
}
