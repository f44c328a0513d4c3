import { describe, expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import { checkSourceFiles } from './source-files.ts';

const MB = 1_048_576;

function refusal(files: Record<string, string>): SeedError {
  try {
    checkSourceFiles(files, ['agent.ts']);
  } catch (error) {
    if (error instanceof SeedError) return error;
  }
  throw new Error('it was taken');
}

test('names as people give them are taken, and a file of exactly 1 MB', () => {
  const files = { 'agent.ts': 'x'.repeat(MB), 'evals/a.ts': '', 'evals/b.ts': '', 'lib/v2/x-y_z.test.ts': '', 'README.md': '' };
  expect(() => checkSourceFiles(files, ['agent.ts'])).not.toThrow();
});

test.each([
  '../agent.ts',
  '..',
  '.',
  '',
  '/etc/passwd',
  'a/../b.ts',
  'a/./b.ts',
  'a//b.ts',
  'a/',
  'C:\\x.ts',
  'a\\b.ts',
  'a\0b.ts',
  'a\nb.ts',
  'a b.ts',
  'é.ts',
  '.env',
  'lib/.hidden.ts',
  '-x.ts',
  '_x.ts',
  `${'x'.repeat(101)}`,
  'a/b/c/d/e/f/g/h/i.ts',
])('the name %j is refused', (path) => {
  expect(refusal({ 'agent.ts': '', [path]: '' })).toMatchObject({
    code: 'invalid_input',
    message: `${JSON.stringify(path)} is not a name a file can have here`,
    hint: expect.stringContaining('letters') as string,
  });
});

test.each([
  ['Agent.ts', 'agent.ts'],
  ['agent.ts/x.ts', 'agent.ts'],
  ['evals', 'evals/a.ts'],
  ['EVALS/A.TS', 'evals/a.ts'],
  ['EVALS', 'evals/a.ts'],
])('%s beside %s is refused', (one, other) => {
  expect(refusal({ 'agent.ts': '', [other]: '', [one]: '' }).message).toBe(
    `${JSON.stringify(one)} and ${JSON.stringify(other)} can not both be in one folder`,
  );
});

describe('sizes', () => {
  test.each([
    ['one file', { 'agent.ts': 'x'.repeat(MB + 1) }, 'agent.ts has 1048577 bytes, at most 1048576 are taken'],
    // Bytes, not characters.
    ['one file of wide characters', { 'agent.ts': 'é'.repeat(MB / 2 + 1) }, 'agent.ts has 1048578 bytes, at most 1048576 are taken'],
    [
      'all of them',
      { 'agent.ts': '', ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`f${n}.ts`, 'x'.repeat(MB)])) },
      'the folder has 5242880 bytes, at most 4194304 are taken',
    ],
    [
      'their number',
      { 'agent.ts': '', ...Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}.ts`, ''])) },
      'the folder has 201 files, at most 200 are taken',
    ],
  ])('%s', (_, files, message) => {
    expect(refusal(files)).toMatchObject({ code: 'payload_too_large', message });
  });
});

test('what is missing is named, with what is there', () => {
  expect(refusal({ 'agnet.ts': '' })).toMatchObject({
    code: 'invalid_input',
    message: 'there is no agent.ts',
    hint: 'the folder has agnet.ts',
  });
});
