import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { candidate, FILES, openLineage } from './lineage.fixture.ts';
import type { Lineage } from './lineage.ts';

let root: string;
let lineage: Lineage;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seed-lineage-'));
  lineage = open();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = () => openLineage(root, process.env['PATH'] ?? '');
const git = (...args: string[]): string => execFileSync('git', ['--git-dir', join(root, 'lineage.git'), ...args], { encoding: 'utf8' });

test('holds the files of its commit, and goes away without a trace', async () => {
  const commit = await lineage.record('packer/live', candidate());
  const workspace = await lineage.workspace(commit);
  expect((await readdir(workspace.folder)).toSorted()).toEqual(['.git', 'agent.ts', 'contract.ts', 'lib']);
  expect(await workspace.changes()).toEqual([]);
  await workspace[Symbol.asyncDispose]();
  expect(existsSync(workspace.folder)).toBe(false);
  expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
});

test('tells what was changed, whatever it was called', async () => {
  await using workspace = await lineage.workspace(await lineage.record('packer/live', candidate()));
  await writeFile(join(workspace.folder, 'agent.ts'), 'export const n = 2;\n');
  await writeFile(join(workspace.folder, '.gitignore'), '*\n');
  await writeFile(join(workspace.folder, 'hidden "name\n.ts'), 'x');
  await mkdir(join(workspace.folder, 'deep', 'er'), { recursive: true });
  await writeFile(join(workspace.folder, 'deep', 'er', 'new.ts'), 'y');
  expect(await workspace.changes()).toEqual([
    { path: '.gitignore', text: '*\n' },
    { path: 'agent.ts', text: 'export const n = 2;\n' },
    { path: 'deep/er/new.ts', text: 'y' },
    { path: 'hidden "name\n.ts', text: 'x' },
  ]);
});

test('a repository that whoever works in it has put in its place is not asked, and its commands are not run', async () => {
  await using workspace = await lineage.workspace(await lineage.record('packer/live', candidate()));
  const proof = join(root, 'proof');
  const evil = join(workspace.folder, 'evil.git');
  execFileSync('git', ['init', '--quiet', '--bare', evil]);
  for (const key of ['core.fsmonitor', 'core.sshCommand', 'core.editor', 'diff.external', 'core.pager'])
    execFileSync('git', ['--git-dir', evil, 'config', key, `touch ${proof}`]);
  execFileSync('git', ['--git-dir', evil, 'config', 'filter.x.clean', `touch ${proof}; cat`]);
  await writeFile(join(workspace.folder, '.gitattributes'), '* filter=x\n');
  await rm(join(workspace.folder, '.git'));
  await writeFile(join(workspace.folder, '.git'), `gitdir: ${evil}\n`);
  await writeFile(join(workspace.folder, 'agent.ts'), 'export const n = 3;\n');
  const changes = await workspace.changes();
  expect(changes).toContainEqual({ path: 'agent.ts', text: 'export const n = 3;\n' });
  expect(existsSync(proof)).toBe(false);
  await workspace[Symbol.asyncDispose]();
  expect(existsSync(proof)).toBe(false);
});

test('nothing that is written into the repository from within makes git run a program', async () => {
  const commit = await lineage.record('packer/live', candidate());
  await using workspace = await lineage.workspace(commit);
  const proof = join(root, 'proof');
  const repository = join(root, 'lineage.git');
  // What a proposer could do that got out of its folder.
  const evil = join(root, 'evil.git');
  execFileSync('git', ['init', '--quiet', '--bare', evil]);
  for (const folder of [repository, evil]) {
    for (const step of ['clean', 'smudge']) execFileSync('git', ['--git-dir', folder, 'config', `filter.x.${step}`, `touch ${proof}; cat`]);
    await mkdir(join(folder, 'info'), { recursive: true });
    await writeFile(join(folder, 'info', 'attributes'), '* filter=x\n');
  }
  await writeFile(join(repository, 'commondir'), `${evil}\n`);
  await writeFile(join(repository, 'worktrees', 'agent', 'commondir'), `${evil}\n`);
  await writeFile(join(workspace.folder, '.gitattributes'), '* filter=x\n');
  await writeFile(join(workspace.folder, 'agent.ts'), 'export const n = 4;\n');
  expect(await workspace.changes()).toHaveLength(2);
  await using another = await lineage.workspace(commit);
  expect(await readFile(join(another.folder, 'agent.ts'), 'utf8')).toBe(FILES['agent.ts']);
  await lineage.record('packer/more', candidate({ parent: commit }));
  expect(existsSync(proof)).toBe(false);
});

test('says what no candidate may hold', async () => {
  await using workspace = await lineage.workspace(await lineage.record('packer/live', candidate()));
  const at = (name: string): string => join(workspace.folder, name);
  await rm(at('contract.ts'));
  await symlink('/etc/passwd', at('link.ts'));
  await symlink('/etc', at('folder'));
  await writeFile(at('binary.ts'), Buffer.from([0xff, 0xfe, 0x00]));
  await writeFile(at('nul.ts'), 'a\0b');
  await writeFile(at('large.ts'), '');
  await truncate(at('large.ts'), 10_000_000);
  expect(await workspace.changes()).toEqual([
    { path: 'binary.ts', problem: 'it is not text' },
    { path: 'contract.ts', problem: 'it was removed' },
    { path: 'folder', problem: 'it is a symbolic link' },
    { path: 'large.ts', problem: 'it has 10000000 bytes, at most 1048576 are taken' },
    { path: 'link.ts', problem: 'it is a symbolic link' },
    { path: 'nul.ts', problem: 'it is not text' },
  ]);
});

test('too many files are refused without being read', async () => {
  await using workspace = await lineage.workspace(await lineage.record('packer/live', candidate()));
  await Promise.all(Array.from({ length: 101 }, (_, index) => writeFile(join(workspace.folder, `f${index}.ts`), 'x')));
  expect(await workspace.changes()).toEqual([{ path: '.', problem: 'more than 100 files were changed' }]);
});

test('what a killed process left checked out is gone at the next start', async () => {
  const workspace = await lineage.workspace(await lineage.record('packer/live', candidate()));
  await open().log('packer');
  expect(existsSync(workspace.folder)).toBe(false);
});
