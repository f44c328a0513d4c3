import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { layOut, textOf } from './laid-out.ts';
import type { TerminalOutput } from './terminal.ts';

const terminal = (columns: number): TerminalOutput => Object.assign(new PassThrough(), { isTTY: true, columns });
afterEach(() => void vi.unstubAllEnvs());

const PATCH = 'diff --git a/agent.ts b/agent.ts\n--- a/agent.ts\n+++ b/agent.ts\n@@ -1,1 +1,1 @@\n--- old\n+\tnew\u001b[2J\n same\n';

test('a patch is coloured in a terminal, and to the byte elsewhere', () => {
  vi.stubEnv('FORCE_COLOR', '1');
  const lines = layOut({ text: PATCH, as: 'diff' }, terminal(20)).split('\n');
  expect(lines[0]).toContain('\u001b[1mdiff --git a/agent.ts b/agent.ts');
  expect(lines[3]).toContain('\u001b[36m@@');
  expect(lines[4]).toContain('\u001b[31m--- old');
  expect(lines[5]).toBe('\u001b[32m+  new\\x1b[2J\u001b[39m');
  expect(lines[6]).toBe(' same');
  expect(layOut({ text: PATCH, as: 'diff' }, undefined)).toBe(PATCH);
  expect(layOut({ text: PATCH, as: 'diff' }, new PassThrough())).toBe(PATCH);
});

test('a drawing is cut at the width, what is live stands out', () => {
  vi.stubEnv('FORCE_COLOR', '1');
  const drawn = layOut({ text: 'VERSION  HASH\n├─×  refused\n● v2  2222222222\n', as: 'drawing' }, terminal(10));
  expect(drawn).toBe('\u001b[1mVERSION  …\u001b[22m\n\u001b[2m├─×  refu…\u001b[22m\n\u001b[32m● v2  222…\u001b[39m\n');
  expect(layOut({ text: 'digraph "packer" {\n}\n', as: 'plain' }, terminal(10))).toBe('digraph "packer" {\n}\n');
});

test('the first text that is there is shown', () => {
  const entry = {
    texts: [
      { member: 'graph', as: 'plain' },
      { member: 'drawing', as: 'drawing' },
    ],
  } as unknown as CatalogueEntry;
  expect(textOf(entry, { graph: null, drawing: 'd' })).toEqual({ text: 'd', as: 'drawing' });
  expect(textOf(entry, { graph: 'g', drawing: 'd' })).toEqual({ text: 'g', as: 'plain' });
  expect(textOf(entry, { other: 1 })).toBeUndefined();
});
