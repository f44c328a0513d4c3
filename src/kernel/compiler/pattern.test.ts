import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern, PatternRefused } from './pattern.ts';
import { TooMuchWork, WorkBudget } from './work-budget.ts';

describe('a pattern', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '\\s',
    '\\S',
    '\\w',
    '\\W',
    '\\d',
    '\\D',
    '[ab]',
    '[^a]',
    '[\\s\\S]',
    '[^\\s]',
    '[^\\S]',
    '[]',
    '[^]',
    '[[(.]',
    '[\\b-]',
    '\\u00e9',
    '\\u{1F600}',
    '\\ud83d\\ude00',
    '\\x41',
    '\\cJ',
    '\\/',
    '\\.',
    '\\0',
    '\\p{L}',
    '\\P{Lu}',
    '^',
    '$',
    '\\b',
    '\\B',
    '😀',
    '[a-é]',
  );
  const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
    piece: fc.oneof(
      { maxDepth: 3 },
      atom,
      tie('pattern').map((inner) => `(?:${inner})`),
      tie('pattern').map((inner) => `(${inner})`),
      fc
        .tuple(atom, fc.constantFrom('*', '+', '?', '*?', '{2}', '{1,3}'))
        .map(([inner, times]) => (/^[$^]|\\[bB]$/.test(inner) ? inner : inner + times)),
    ),
    pattern: fc.array(tie('piece'), { minLength: 1, maxLength: 4 }).chain((pieces) => fc.constantFrom(pieces.join(''), pieces.join('|'))),
  }));
  const unit = fc.constantFrom(
    'a',
    'b',
    'A',
    '1',
    ' ',
    '\n',
    '\r',
    '\u2028',
    '\u00a0',
    '\v',
    '\ufeff',
    'é',
    '😀',
    '-',
    '[',
    '(',
    '/',
    '.',
    '\0',
    '\b',
  );

  test('means what it means in JavaScript', () => {
    fc.assert(
      fc.property(pattern, fc.string({ unit, maxLength: 6 }), (source, text) => {
        const expected = new RegExp(source, 'u');
        expect(compilePattern(source, new WorkBudget()).test(text)).toBe(expected.test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['(?=a)b', /looks ahead/],
    ['(?!a)b', /looks ahead/],
    ['(?<=a)b', /looks ahead/],
    ['(?<!a)b', /looks ahead/],
    ['(a)\\1', /linear time/],
    ['(?<n>a)\\k<n>', /refers back/],
    ['(?i:a)', /switches flags/],
    ['a{1001}', /repeat count/],
    ['(?:(?:a{100}){100}){100}', /repeat/],
    ['\\A', /not valid with the u flag/],
    ['a{', /not valid with the u flag/],
    ['x'.repeat(2_001), /at most 2000 characters/],
    ['(?:a?b?){900}', /states/],
  ])('%s is refused', (source, reason) => {
    expect(() => compilePattern(source, new WorkBudget())).toThrow(PatternRefused);
    expect(() => compilePattern(source, new WorkBudget())).toThrow(reason);
  });

  const long = 'a'.repeat(100_000);
  test.each([
    ['^(a+)+$', `${long}!`],
    ['^(a|aa)+$', `${long}!`],
    ['^(.*)*$', `${long}\n`],
    ['.*x$', long],
    ['(x+x+)+y', 'x'.repeat(100_000)],
    ['^([a-z]+)*@', long],
    ['^(a?){30}a{30}$', 'a'.repeat(50_000)],
    ['^(?<year>\\d+)-(?<rest>.*)*$', '1'.repeat(100_000)],
    ['(?:[ab]*a[ab]{12}c|[ab]*b[ab]{13}d)', `${'ab'.repeat(50_000)}`],
  ])('%s on 100 KB ends at once', (source, text) => {
    const compiled = compilePattern(source, new WorkBudget());
    const startedMs = performance.now();
    compiled.test(text);
    // Microseconds to a few milliseconds; a backtracking engine would need years.
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test('that needs many states is not run on much text', () => {
    const compiled = compilePattern('^[ab]*a[ab]{900}c$', new WorkBudget());
    expect(() => compiled.test('ab'.repeat(50_000))).toThrow(TooMuchWork);
    expect(compiled.test(`a${'b'.repeat(900)}c`)).toBe(true);
  });

  test('has a text of its own, so that Ajv does not take one for another', () => {
    const budget = new WorkBudget();
    expect(String(compilePattern('a', budget))).not.toBe(String(compilePattern('b', budget)));
  });
});
