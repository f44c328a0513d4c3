// Completion as a real bash does it: it ends words at `:` and `=`, and so must what it is given back.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '#lib/process.ts';
import { seed } from './fixture.ts';

const CLI = join(import.meta.dirname, '../../cli.ts');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seed-completion-'));
  await writeFile(join(folder, 'seed'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
  await chmod(join(folder, 'seed'), 0o755);
  const { stdout } = await seed(['cli:completion', '--shell', 'bash']);
  await writeFile(join(folder, 'seed.bash'), stdout);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What bash puts in place of the word before the cursor. */
async function offered(line: string): Promise<readonly string[]> {
  const script = `source '${folder}/seed.bash'
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=(seed)
    "$(complete -p seed | sed 's/.*-F \\([^ ]*\\) .*/\\1/')"
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await runCommand('bash', ['--norc', '-c', script, 'bash', line], {
    env: { PATH: `${folder}:/usr/local/bin:/usr/bin:/bin` },
    timeoutMs: 30_000,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

test.each([
  ['seed agents:li', ['list']],
  ['seed agents li', ['list']],
  ['seed system:heartbeat:', ['reset']],
  ['seed agents:list --form', ['--format']],
  ['seed agents:list --format=y', ['yaml']],
  ['seed agents:list --format y', ['yaml']],
  ['seed cli:completion z', ['zsh']],
  ['seed nothing:', []],
])('%s', async (line, expected) => {
  expect(await offered(line)).toEqual(expected);
});

test.each(['bash', 'zsh', 'fish'])('a script for %s', async (shell) => {
  const { code, stdout } = await seed(['cli:completion', shell]);
  expect(code).toBe(0);
  expect(stdout).toContain('__complete');
});
