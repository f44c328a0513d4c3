import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCommand } from '#lib/process.ts';

const root = mkdtempSync(join(tmpdir(), 'seed-bwrap-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A machine's bubblewrap that knows these options. @returns its folder */
function machine(name: string, options: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  const program = join(folder, 'bwrap');
  writeFileSync(program, `#!/bin/sh\n[ "$1" = --help ] && echo '${options}' >&2 && exit 0\necho ${name} "$@"\n`);
  chmodSync(program, 0o755);
  return folder;
}
const [old, young] = [machine('old', '--args FD'), machine('young', '--args FD --argv0 VALUE')];
/** What a shell script needs, without the bubblewrap that this machine may have. */
const tools = join(root, 'tools');
mkdirSync(tools);
for (const name of ['sh', 'grep', 'dirname'])
  symlinkSync(['/bin', '/usr/bin'].map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name, join(tools, name));
const asked = (...folders: string[]) =>
  runCommand('bwrap', ['--a', 'b c'], {
    env: { PATH: [join(import.meta.dirname, 'codex-path'), ...folders, tools].join(':') },
    cwd: root,
    timeoutMs: 10_000,
  });

test("of a machine's bubblewraps the first that keeps a helper's name is used", async () => {
  expect(await asked(old, young)).toMatchObject({ code: 0, stdout: 'young --a b c\n' });
});

test('none is found where there is only an old one, or none', async () => {
  expect(await asked(old, join(root, 'nothing'))).toMatchObject({ code: 127, stdout: '' });
});
