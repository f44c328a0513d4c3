import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Lineage, type CandidateCommit } from './lineage.ts';

let root: string;
let lineage: Lineage;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seed-lineage-'));
  lineage = open();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = () =>
  new Lineage({ folder: join(root, 'lineage.git'), scratch: join(root, 'scratch'), searchPath: process.env['PATH'] ?? '' });
const FILES = { 'agent.ts': 'export const n = 1;\n', 'contract.ts': 'export {};\n', 'lib/sum.ts': 'export {};\n' };

function candidate(over: Partial<CandidateCommit> = {}): CandidateCommit {
  return {
    subject: 'packer: a better priority',
    body: '',
    note: { agent: 'packer', proposer: 'genetic', verdict: 'accepted' },
    files: FILES,
    author: { name: 'genetic', atMs: 1_700_000_000_000 },
    parent: null,
    ...over,
  };
}

const git = (...args: string[]): string => execFileSync('git', ['--git-dir', join(root, 'lineage.git'), ...args], { encoding: 'utf8' });

test('every candidate is a commit that plain git understands', async () => {
  const first = await lineage.record('packer/live', candidate({ note: { ...candidate().note, version: 1, hash: 'a1' } }));
  const second = await lineage.record(
    'packer/0193-1',
    candidate({
      parent: first,
      body: 'Tried a gap.\nVerdict: none',
      files: { ...FILES, 'agent.ts': 'export const n = 2;\n' },
      note: {
        agent: 'packer',
        improvement: '0193',
        parent: 'a1',
        proposer: 'claude-code',
        promptHash: 'p1',
        costMicroUsd: 1_234,
        selection: 0.91,
        validation: 0.95,
        test: 0.97,
        verdict: 'accepted',
        approver: 'user u1',
        version: 2,
        hash: 'a2',
      },
    }),
  );
  expect(git('log', '--format=%s %an', 'packer/0193-1').trim().split('\n')).toEqual([
    'packer: a better priority genetic',
    'packer: a better priority genetic',
    'packer: the beginning seed-agent',
  ]);
  expect(git('show', 'packer/v2:agent.ts')).toBe('export const n = 2;\n');
  expect(git('log', '-1', '--format=%(trailers:key=Verdict,valueonly)', second).trim()).toBe('accepted');
  expect(await lineage.commitOf('a2')).toBe(second);
  expect(await lineage.commitOf('a3')).toBeNull();
  const log = await lineage.log('packer');
  expect(log.map(({ commit }) => commit).toSorted()).toEqual([first, second].toSorted());
  expect(log.find(({ commit }) => commit === second)).toMatchObject({
    parents: [first],
    note: {
      improvement: '0193',
      parent: 'a1',
      proposer: 'claude-code',
      costMicroUsd: 1_234,
      validation: 0.95,
      approver: 'user u1',
      version: 2,
    },
  });
  expect(await lineage.log('extract')).toEqual([]);
  expect(await lineage.isSound()).toBe(true);
  expect(await readdir(join(root, 'scratch'))).toEqual([]);
});

test('the same candidate written down twice is one commit', async () => {
  const commits = await Promise.all([1, 2, 3].map(() => lineage.record('packer/live', candidate())));
  expect(new Set(commits).size).toBe(1);
  expect(await open().record('packer/live', candidate())).toBe(commits[0]);
});

test('nobody’s configuration and no hook has a part in it', async () => {
  await lineage.record('packer/live', candidate());
  const hooks = join(root, 'lineage.git', 'hooks');
  await mkdir(hooks, { recursive: true });
  await writeFile(join(hooks, 'reference-transaction'), '#!/bin/sh\nexit 1\n', { mode: 0o644 });
  await lineage.record('packer/live', candidate({ subject: 'again' }));
  expect(git('log', '-1', '--format=%s', 'packer/live').trim()).toBe('again');
});

describe('a workspace', () => {
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
    expect(await workspace.changes()).toMatchObject([{ path: '.', problem: expect.stringContaining('101 files') as string }]);
  });

  test('what a killed process left checked out is gone at the next start', async () => {
    const workspace = await lineage.workspace(await lineage.record('packer/live', candidate()));
    await open().log('packer');
    expect(existsSync(workspace.folder)).toBe(false);
  });
});

test('a damaged repository is seen, set aside, and begun anew', async () => {
  await lineage.record('packer/live', candidate());
  const objects = join(root, 'lineage.git', 'objects');
  const [folder = ''] = (await readdir(objects)).filter((name) => name.length === 2);
  const [object = ''] = await readdir(join(objects, folder));
  await rm(join(objects, folder, object));
  await writeFile(join(objects, folder, object), 'not an object');
  expect(await lineage.isSound()).toBe(false);
  const aside = await lineage.setAside();
  expect(existsSync(join(aside, 'HEAD'))).toBe(true);
  expect(await lineage.isSound()).toBe(true);
  await lineage.record('packer/live', candidate());
  expect(git('show', 'packer/live:agent.ts')).toBe(FILES['agent.ts']);
});
