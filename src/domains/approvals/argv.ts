// A shell command as the words that the program would get, so that a rule is held against what would run and not against its spelling.

/** A line that does more than start one program with words that are known beforehand. */
const MORE_THAN_WORDS = /[;&|<>()`$\n\r*?[\]{}!~#]/;

/** @returns null for a line whose words only a shell could tell: expansions, several commands, redirections, open quotes */
export function argvOf(line: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let index = 0; index < line.length; index += 1) {
    const char = line[index] as string;
    if (quote === "'") {
      if (char === "'") quote = null;
      else word += char;
    } else if (char === '\\') {
      index += 1;
      const next = line[index];
      if (next === undefined || next === '\n') return null;
      // Inside double quotes a backslash only hides these.
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote === '"') {
      if (char === '"') quote = null;
      else if ('$`'.includes(char)) return null;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === ' ' || char === '\t') {
      if (word !== null) words.push(word);
      word = null;
    } else if (MORE_THAN_WORDS.test(char)) return null;
    else word = (word ?? '') + char;
  }
  if (quote !== null) return null;
  if (word !== null) words.push(word);
  // An assignment before the program changes its environment.
  return words.length === 0 || /^\w+=/.test(words[0] ?? '') ? null : words;
}

/** One spelling for each list of words: those with anything but plain characters are in single quotes. */
export function commandLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
