import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argvOf, commandLine } from './argv.ts';

describe('words of a command', () => {
  test.each([
    ['git status', ['git', 'status']],
    ['  git   status\t--short ', ['git', 'status', '--short']],
    [`echo 'two words' "and two" th\\ ree`, ['echo', 'two words', 'and two', 'th ree']],
    [`g"i"'t' status`, ['git', 'status']],
    ['echo "" end', ['echo', '', 'end']],
    [String.raw`echo "a\"b\c"`, ['echo', String.raw`a"b\c`]],
  ])('%s', (line, argv) => {
    expect(argvOf(line)).toEqual(argv);
  });

  test.each([
    'git status; rm -rf /',
    'git status && rm x',
    'git status | sh',
    'cat <(x)',
    'echo $HOME',
    'echo "$HOME"',
    'echo `id`',
    'echo "`id`"',
    'git status\nrm x',
    'echo > file',
    'rm *',
    'echo "open',
    "echo 'open",
    'echo open\\',
    'PATH=. git status',
    '(git status)',
    '~/bin/x',
    'a{b,c}',
    '! git',
    '',
  ])('%j can only be told by a shell', (line) => {
    expect(argvOf(line)).toBeNull();
  });

  test('are what a real shell makes of the line', () => {
    const word = fc.string({ minLength: 0, maxLength: 8 }).filter((text) => !text.includes('\0') && !/[\ud800-\udfff]/.test(text));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), fc.constantFrom('printf', 'x'), (words, program) => {
        const line = commandLine([program, ...words]);
        const argv = argvOf(line);
        if (argv === null) return;
        const seen = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
          .split('\0')
          .slice(0, -1);
        expect(argv).toEqual(seen);
      }),
      { numRuns: 60 },
    );
  });
});

test('one spelling for the same words', () => {
  for (const line of [`git "status"`, `'git' status`, 'git   status']) expect(commandLine(argvOf(line) ?? [])).toBe('git status');
  expect(commandLine(['git', 'a b', `it's`])).toBe(`git 'a b' 'it'\\''s'`);
});
