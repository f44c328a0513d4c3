import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { diffSources } from './source-diff.ts';

test('counts lines by file, in the order of the paths, and says what no proposer may change', () => {
  const before = { 'agent.ts': 'a\nb\nc\n', 'evals/evaluation.ts': 'same\n', 'lib/old.ts': 'x\ny\n', 'README.md': 'one\n' };
  const after = { 'agent.ts': 'a\nB\nc\n', 'evals/evaluation.ts': 'same\n', 'lib/new.ts': 'z\n', 'README.md': 'two\nlines\n' };
  expect(diffSources(before, after)).toMatchObject([
    { path: 'README.md', change: 'changed', protected: true, added: 2, removed: 1 },
    { path: 'agent.ts', change: 'changed', protected: false, added: 1, removed: 1 },
    { path: 'lib/new.ts', change: 'added', protected: false, added: 1, removed: 0 },
    { path: 'lib/old.ts', change: 'removed', protected: false, added: 0, removed: 2 },
  ]);
  expect(diffSources(after, after)).toEqual([]);
});

test('a patch in the form that everybody reads', () => {
  const [one] = diffSources({ 'agent.ts': '1\n2\n3\n4\n5\n6\n7\n' }, { 'agent.ts': '1\n2\n3\n4\nfive\n6\n7' });
  expect(one?.patch).toBe(`diff --git a/agent.ts b/agent.ts
--- a/agent.ts
+++ b/agent.ts
@@ -2,6 +2,6 @@
 2
 3
 4
-5
+five
 6
-7
+7
\\ No newline at end of file
`);
});

test('what differs too much is shown as a whole, and what follows it still is compared', () => {
  const many = (word: string): string => Array.from({ length: 1_500 }, (_, index) => `${word} ${index}\n`).join('');
  const diffs = diffSources({ 'a.ts': many('a'), 'b.ts': 'one\ntwo\n' }, { 'a.ts': many('b'), 'b.ts': 'one\n2\n' });
  expect(diffs).toMatchObject([
    { path: 'a.ts', added: 1_500, removed: 1_500 },
    { path: 'b.ts', added: 1, removed: 1 },
  ]);
  expect(diffs[0]?.patch).toMatch(/^diff .*\n--- .*\n\+\+\+ .*\n@@ -1,1500 \+1,1500 @@\n-a 0\n/);
});

describe('git apply makes the one from the other', () => {
  let root: string;
  beforeAll(() => (root = mkdtempSync(join(tmpdir(), 'seed-diff-'))));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function applied(before: SourceFiles, after: SourceFiles): SourceFiles {
    const folder = mkdtempSync(join(root, 'apply-'));
    for (const [path, text] of Object.entries(before)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const patch = diffSources(before, after)
      .map((one) => one.patch)
      .join('');
    if (patch !== '')
      execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: folder, input: patch, env: { PATH: process.env['PATH'] } });
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return Object.fromEntries(
      files.map(({ parentPath, name }) => [join(parentPath, name).slice(folder.length + 1), readFileSync(join(parentPath, name), 'utf8')]),
    );
  }

  const line = fc.constantFrom('a', 'b', 'c', '', '-', '+', '--- a/x', '@@ -1 +1 @@', '\\ No newline at end of file', 'ü\r', ' ', '\t');
  const text = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('', '\n')).map(([lines, end]) => lines.join('\n') + end);
  const sources = fc.dictionary(fc.constantFrom('agent.ts', 'lib/sum.ts', 'evals/a.ts'), text);

  test('whatever stands in them', () => {
    fc.assert(
      fc.property(sources, sources, (before, after) => {
        expect(applied(before, after)).toEqual({ ...after });
      }),
      { numRuns: 60 },
    );
  });

  test('where a file is replaced as a whole', () => {
    const many = (word: string, end: string): string => Array.from({ length: 1_100 }, (_, index) => `${word} ${index}`).join('\n') + end;
    const before = { 'a.ts': many('a', ''), 'b.ts': many('a', '\n') };
    const after = { 'a.ts': many('b', '\n'), 'b.ts': many('b', '') };
    expect(applied(before, after)).toEqual(after);
  });
});
