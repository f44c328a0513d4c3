import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { spawnProcess } from '#lib/process.ts';
import type { CandidateRecord } from './candidate-commit.ts';
import type { KnownCandidate } from './candidate-writer.ts';
import { candidate, FILES, openLineage } from './lineage.fixture.ts';
import { Lineage, type LineageOptions } from './lineage.ts';

let root: string;
let lineage: Lineage;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seed-lineage-'));
  lineage = open();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = () => openLineage(root, process.env['PATH'] ?? '');
const git = (...args: string[]): string => execFileSync('git', ['--git-dir', join(root, 'lineage.git'), ...args], { encoding: 'utf8' });

test('a workspace may begin with other files than its commit: they are no change', async () => {
  const commit = await lineage.record('packer/live', candidate());
  const start = { 'agent.ts': 'export const n = 7;\n', 'more/helper.ts': 'export {};\n' };
  await using workspace = await lineage.workspace(commit, start);
  expect(await readFile(join(workspace.folder, 'more/helper.ts'), 'utf8')).toBe(start['more/helper.ts']);
  expect(await workspace.changes()).toEqual([]);
  await writeFile(join(workspace.folder, 'agent.ts'), 'export const n = 8;\n');
  expect(await workspace.changes()).toEqual([{ path: 'agent.ts', text: 'export const n = 8;\n' }]);
});

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
  expect(existsSync(join(root, 'scratch'))).toBe(false);
});

test('the same candidate written down twice is one commit', async () => {
  const commits = await Promise.all([1, 2, 3].map(() => lineage.record('packer/live', candidate())));
  expect(new Set(commits).size).toBe(1);
  expect(await open().record('packer/live', candidate())).toBe(commits[0]);
});

test('plain git log shows the way to the newest version, and no reference of ours beside it', async () => {
  const base = await lineage.record('packer/live', candidate({ note: { ...candidate().note, version: 1, hash: 'a1' } }));
  await lineage.record(
    'packer/tried',
    candidate({ parent: base, subject: 'packer: tried', note: { ...candidate().note, verdict: 'validation: no gain' } }),
  );
  expect(git('log', '--format=%s').trim().split('\n')).toEqual(['packer: a better priority', 'packer: the beginning']);
  expect(git('log', '--graph', '--all', '--oneline', '--decorate')).not.toMatch(/refs\/(?:artifacts|beginnings)/);
});

test('text of any kind comes back to the byte', async () => {
  const files = { 'agent.ts': '"\\ü\u2028\r\n\0\ndata 3\ndone\n', 'lib/empty.ts': '' };
  const author = { name: 'a <b>\nfrom x', atMs: 1_700_000_000_000 };
  await lineage.record('packer/live', candidate({ subject: 'one\ntwo', body: 'done\n', files, author }));
  expect(git('show', 'packer/live:agent.ts')).toBe(files['agent.ts']);
  expect(git('show', 'packer/live:lib/empty.ts')).toBe('');
  expect(git('log', '-1', '--format=%an|%s', 'packer/live').trim()).toBe('a b from x|one two');
  expect(await lineage.isSound()).toBe(true);
});

test('no hook is run, and no program that somebody has put into its configuration', async () => {
  const proof = join(root, 'proof');
  const plant = async (): Promise<void> => {
    const hooks = join(root, 'lineage.git', 'hooks');
    await mkdir(hooks, { recursive: true });
    for (const name of ['reference-transaction', 'post-checkout', 'pre-auto-gc', 'post-index-change'])
      await writeFile(join(hooks, name), `#!/bin/sh\ntouch ${proof}\nexit 1\n`, { mode: 0o755 });
    git('config', 'core.hooksPath', hooks);
    git('config', 'core.fsmonitor', `touch ${proof}`);
  };
  const commit = await lineage.record('packer/live', candidate());
  await plant();
  await lineage.record('packer/live', candidate({ subject: 'again' }));
  expect(git('log', '-1', '--format=%s', 'packer/live').trim()).toBe('again');
  await using workspace = await lineage.workspace(commit);
  expect(await workspace.changes()).toEqual([]);
  expect(existsSync(proof)).toBe(false);
  // What else there could be is gone with the next start.
  git('config', 'filter.x.smudge', `touch ${proof}; cat`);
  await open().record('packer/live', candidate({ subject: 'once more' }));
  expect(await readFile(join(root, 'lineage.git', 'config'), 'utf8')).not.toMatch(/filter|fsmonitor|proof/);
  expect(existsSync(proof)).toBe(false);
});

/** The store: three versions and one that did not become one. */
async function* known(): AsyncGenerator<KnownCandidate> {
  yield { branch: 'packer/live', hash: 'a0', load: async () => null };
  for (const one of STORE) yield { branch: one.branch, hash: one.record.note.hash ?? null, load: async () => one.record };
}
const version = (number: number, parent?: string): CandidateRecord => ({
  subject: `packer: version ${number}`,
  body: '',
  files: { ...FILES, 'agent.ts': `export const n = ${number};\n` },
  author: { name: 'genetic', atMs: 1_700_000_000_000 + number },
  note: {
    agent: 'packer',
    proposer: 'genetic',
    verdict: 'accepted',
    version: number,
    hash: `a${number}`,
    ...(parent === undefined ? {} : { parent }),
  },
});
const STORE: { branch: string; record: CandidateRecord }[] = [
  { branch: 'packer/live', record: version(1) },
  { branch: 'packer/live', record: version(2, 'a1') },
  {
    branch: 'packer/0193-1',
    record: { ...version(9), note: { agent: 'packer', proposer: 'genetic', verdict: 'validation: no gain', parent: 'a2' } },
  },
  { branch: 'packer/live', record: version(3, 'a2') },
];
const SUBJECTS = ['packer: version 3', 'packer: version 2', 'packer: version 1', 'packer: the beginning'];
const openWithStore = (over: Partial<LineageOptions> = {}) =>
  new Lineage({
    folder: join(root, 'lineage.git'),
    scratch: join(root, 'scratch'),
    searchPath: process.env['PATH'] ?? '',
    known,
    ...over,
  });
const history = (): string[] => git('log', '--format=%s').trim().split('\n');
const asides = async (): Promise<string[]> => (await readdir(root)).filter((name) => name.includes('damaged'));

/** All loose objects of a kind. */
async function objects(kind: 'blob' | 'tree' | 'commit'): Promise<string[]> {
  const all = git('cat-file', '--batch-all-objects', '--batch-check').trim().split('\n');
  const found = all.map((line) => line.split(' ')).filter(([, type]) => type === kind);
  return found.map(([id = '']) => join(root, 'lineage.git', 'objects', id.slice(0, 2), id.slice(2)));
}

/** git writes its objects read-only. */
const overwrite = async (path: string, text: string): Promise<void> => {
  await rm(path, { recursive: true, force: true });
  await writeFile(path, text);
};

const DAMAGES: [string, (folder: string) => Promise<void>][] = [
  ['all of it is gone', (folder) => rm(folder, { recursive: true })],
  ['its HEAD is gone', (folder) => rm(join(folder, 'HEAD'))],
  ['its HEAD is nonsense', (folder) => writeFile(join(folder, 'HEAD'), 'nonsense')],
  ['its references are gone', (folder) => rm(join(folder, 'refs'), { recursive: true })],
  ['a branch is nonsense', (folder) => writeFile(join(folder, 'refs', 'heads', 'packer', 'live'), 'nonsense\n')],
  ['a branch points nowhere', (folder) => writeFile(join(folder, 'refs', 'heads', 'packer', 'live'), `${'1'.repeat(40)}\n`)],
  ['the packed references are nonsense', (folder) => writeFile(join(folder, 'packed-refs'), 'nonsense\n')],
  ['a file is cut off', async () => overwrite((await objects('blob'))[0] ?? '', 'x')],
  ['a file is gone', async () => rm((await objects('blob'))[0] ?? '')],
  ['a folder is empty', async () => overwrite((await objects('tree'))[0] ?? '', '')],
  ['a commit is gone', async () => rm((await objects('commit'))[0] ?? '')],
  ['all objects are gone', (folder) => rm(join(folder, 'objects'), { recursive: true })],
  [
    'its configuration is a folder',
    async (folder) => {
      await rm(join(folder, 'config'));
      await mkdir(join(folder, 'config', 'x'), { recursive: true });
    },
  ],
  ['it is a file', async (folder) => overwrite(folder, 'nonsense')],
];

describe('made again from the store', () => {
  test.each(DAMAGES)('at a start, when %s', async (_what, damage) => {
    await openWithStore().record('packer/0194-1', candidate());
    await damage(join(root, 'lineage.git'));
    const mended = openWithStore();
    const commit = await mended.record('packer/live', { ...version(4, 'a3'), parent: (await mended.commitOf('a3')) ?? '' });
    expect(history()).toEqual(['packer: version 4', ...SUBJECTS]);
    expect(git('show', 'packer/v2:agent.ts')).toBe('export const n = 2;\n');
    expect(git('log', '-1', '--format=%s', 'packer/0193-1').trim()).toBe('packer: version 9');
    expect(await mended.commitOf('a4')).toBe(commit);
    expect(await mended.isSound()).toBe(true);
  });

  // What is not needed is not looked at before the next start.
  test.each(DAMAGES.filter(([what]) => /^(?:all|its HEAD is gone|its ref|a commit|it is)/.test(what)))(
    'in the middle, when %s',
    async (_what, damage) => {
      const running = openWithStore();
      const third = (await running.commitOf('a3')) ?? '';
      await damage(join(root, 'lineage.git'));
      await running.record('packer/live', { ...version(4, 'a3'), parent: third });
      await using workspace = await running.workspace(third);
      expect(await readFile(join(workspace.folder, 'agent.ts'), 'utf8')).toBe('export const n = 3;\n');
      expect((await running.log('packer')).length).toBeGreaterThanOrEqual(4);
    },
  );

  test('the same commits as before, and an attempt that is under way goes on', async () => {
    const running = openWithStore();
    const third = (await running.commitOf('a3')) ?? '';
    const workspace = await running.workspace(third);
    await writeFile(join(workspace.folder, 'agent.ts'), 'export const n = 30;\n');
    const aside = (await running.rebuild()) ?? '';
    expect(existsSync(join(aside, 'HEAD'))).toBe(true);
    expect(await running.commitOf('a3')).toBe(third);
    expect(await workspace.changes()).toEqual([{ path: 'agent.ts', text: 'export const n = 30;\n' }]);
    await workspace[Symbol.asyncDispose]();
    expect(await running.isSound()).toBe(true);
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
  });

  test('what came into the store meanwhile is written down at the next start, and nothing twice', async () => {
    await openWithStore({ known: async function* () {} }).record('packer/live', { ...version(1), parent: null });
    await openWithStore().log('packer');
    expect(history()).toEqual(SUBJECTS);
    const before = git('rev-list', '--all');
    await openWithStore().log('packer');
    expect(git('rev-list', '--all')).toBe(before);
    expect(await asides()).toEqual([]);
  });

  test('a branch that is in the way of all others does not stop a record', async () => {
    await openWithStore().log('packer');
    git('update-ref', 'refs/heads/extract', 'packer/live');
    const commit = await openWithStore().record('extract/live', candidate({ note: { ...candidate().note, agent: 'extract' } }));
    expect(git('rev-parse', 'extract/live').trim()).toBe(commit);
    expect(await asides()).toHaveLength(1);
  });

  test('only the newest damaged ones are kept', async () => {
    const running = openWithStore();
    for (let round = 0; round < 4; round += 1) await running.rebuild();
    expect((await asides()).length).toBeLessThanOrEqual(2);
  });

  test('a store that can not be asked stops nobody', async () => {
    const errors: unknown[] = [];
    const lost = openWithStore({
      // oxlint-disable-next-line require-yield
      known: async function* () {
        throw new Error('no database');
      },
      onError: (error) => void errors.push(error),
    });
    await lost.record('packer/0194-1', candidate());
    expect(errors).toMatchObject([{ message: 'no database' }]);
    await openWithStore().log('packer');
    expect(git('log', '-1', '--format=%s', 'packer/v3').trim()).toBe('packer: version 3');
  });
});

test('what can not be written says so, and leaves what is there', async () => {
  const running = openWithStore();
  await running.log('packer');
  await expect(running.record('packer/../x', candidate())).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('lineage.git can not be used') as string,
  });
  expect(await asides()).toEqual([]);
  await mkdir(join(root, 'empty'));
  const without = openWithStore({ searchPath: join(root, 'empty') });
  await expect(without.record('packer/live', candidate())).rejects.toMatchObject({
    code: 'unavailable',
    hint: expect.stringContaining('git has to be on the PATH') as string,
  });
  expect(await asides()).toEqual([]);
  expect(history()).toEqual(SUBJECTS);
});

test('locks and unfinished files of a killed process are swept away', async () => {
  const running = openWithStore();
  await running.log('packer');
  const folder = join(root, 'lineage.git');
  const leave = async (): Promise<void> => {
    const left = ['index.lock', 'HEAD.lock', 'packed-refs.lock', 'config.lock', 'refs/heads/packer/live.lock', 'objects/pack/tmp_pack_x'];
    await mkdir(join(folder, 'objects', 'pack'), { recursive: true });
    for (const name of left) await writeFile(join(folder, name), '');
    await mkdir(join(folder, 'worktrees', 'agent'), { recursive: true });
    await writeFile(join(folder, 'worktrees', 'agent', 'locked'), 'initializing');
  };
  await leave();
  await running.record('packer/live', { ...version(4, 'a3'), parent: null });
  expect(git('log', '-1', '--format=%s', 'packer/live').trim()).toBe('packer: version 4');
  await leave();
  await openWithStore().record('packer/live', { ...version(5, 'a3'), parent: null });
  const left = await readdir(folder, { recursive: true });
  expect(left.filter((name) => /lock|tmp_/.test(name))).toEqual([]);
  expect(await asides()).toEqual([]);
});

test('killed in the middle of a record, again and again, it is sound and has all that was said to be there', async () => {
  const said = new Map<string, string>();
  for (let round = 1; round <= 3; round += 1) {
    const first = round * 1_000;
    const writer = new URL('lineage-writer.fixture.ts', import.meta.url).pathname;
    const args = [join(root, 'lineage.git'), join(root, 'scratch'), String(first), process.env['PATH'] ?? ''];
    const child = spawnProcess(process.execPath, [writer, ...args], { env: {} });
    // A few, then the end at whatever it is doing.
    for await (const line of createInterface({ input: child.pipe(1) })) {
      const [number = '', commit = ''] = line.split(' ');
      said.set(number, commit);
      if (Number(number) === first + round) child.kill('SIGKILL');
    }
    await child.exited;
    const after = open();
    for (const [number, commit] of said) expect(await after.commitOf(`a${number}`)).toBe(commit);
    expect(await after.isSound()).toBe(true);
  }
  expect(said.size).toBeGreaterThanOrEqual(9);
  expect(await asides()).toEqual([]);
});
