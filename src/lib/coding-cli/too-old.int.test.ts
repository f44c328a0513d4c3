// Programs that are not what they should be: older, or another one of that name.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claudeCli } from './claude.ts';
import { codexCli } from './codex.ts';
import type { CliOutcome, CodingCli } from './coding-cli.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'seed-too-old-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A program that says this and ends. */
async function program(name: string, words: string, code: number): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `#!/bin/sh\ncat > /dev/null\necho "${words}" >&2\nexit ${code}\n`);
  await chmod(path, 0o755);
  return path;
}

const searchPath = process.env['PATH'] ?? '';
const claude = (cliPath: string): CodingCli =>
  claudeCli({ cliPath, model: 'sonnet', apiKey: 'k', home: root, stateFolder: root, searchPath });
const codex = (cliPath: string): CodingCli => codexCli({ cliPath, apiKey: 'k', home: root, sandbox: 'read-only', searchPath });

async function outcomeOf(cli: CodingCli): Promise<CliOutcome> {
  for await (const event of cli.run({
    prompt: 'hello',
    cwd: root,
    reach: { kind: 'answer' },
    timeoutMs: 30_000,
    signal: new AbortController().signal,
  })) {
    if (event.type === 'ended') return event.outcome;
  }
  throw new Error('no end');
}

test.each([
  ['an older Claude Code', claude, "error: unknown option '--restricted'", 1],
  ['an older Codex', codex, "error: unexpected argument '--json' found", 2],
] as const)('%s says which argument it does not know', async (name, cliOf, words, code) => {
  const outcome = await outcomeOf(cliOf(await program(name.replaceAll(' ', '-'), words, code)));
  expect(outcome).toMatchObject({ ok: false, failure: 'too_old', message: expect.stringContaining(words) });
});

test.each([
  ['claude-that-fails', claude, 'protocol'],
  ['codex-that-fails', codex, 'failed'],
] as const)('%s for another reason is not called old', async (name, cliOf, failure) => {
  expect(await outcomeOf(cliOf(await program(name, 'no space left on device', 3)))).toMatchObject({ ok: false, failure });
});
