// seed code:diff and seed code:lineage on a running node: what two versions differ in, and what came from what.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '#lib/process.ts';
import { agentOf, contractOf, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';

const SEED = new URL('../bin/seed', import.meta.url).pathname;
const TRIPLE = agentOf('return { n: input.n * 3 };');

let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE)]);
  const change = async (path: string, body: object, headers = {}): Promise<void> => {
    const { status } = await seed.api('POST', `/api/code/double/versions${path}`, body, headers);
    assert.ok(status < 300, `${path} ${status}`);
  };
  await change('', { from: { 'agent.ts': TRIPLE }, note: 'three times' });
  await change('', { from: { 'agent.ts': agentOf('return { n: input.n * 4 };'), 'lib/four.ts': 'export const FOUR = 4;\n' }, base: 'v2' });
  await change('', { from: { 'contract.ts': contractOf('double', 'limits: { cpuMs: 40 },') } });
  await change('/v2/promote', {}, { 'x-confirm': 'code:promote' });
});
afterAll(() => seed[Symbol.asyncDispose]());

async function cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: seed.dataDir };
  const { code, stdout, stderr } = await runCommand(SEED, args, { env, cwd: seed.dataDir, timeoutMs: 60_000 });
  return { code, stdout, stderr };
}

interface Diff {
  from: { version: number } | null;
  to: { version: number };
  added: number;
  removed: number;
  files: { path: string; change: string; protected: boolean; added: number; removed: number }[];
  patch: string;
}

async function diff(...args: string[]): Promise<Diff> {
  const { code, stdout } = await cli('code:diff', 'double', ...args, '--format', 'json');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Diff;
}

test('without a word it is what made the live version; named versions in any order', async () => {
  expect(await diff()).toMatchObject({
    from: { version: 1 },
    to: { version: 2 },
    added: 1,
    removed: 1,
    files: [{ path: 'agent.ts', change: 'changed', protected: false, added: 1, removed: 1 }],
  });
  expect(await diff('v3', 'v1')).toMatchObject({
    from: { version: 3 },
    to: { version: 1 },
    files: [
      { path: 'agent.ts', change: 'changed' },
      { path: 'lib/four.ts', change: 'removed', removed: 1 },
    ],
  });
  expect(await diff('--to', 'v4')).toMatchObject({ from: { version: 1 }, files: [{ path: 'contract.ts', protected: true }] });
  expect(await diff('--to', 'v1')).toMatchObject({ from: null, removed: 0, files: [{ change: 'added' }, { change: 'added' }] });
  expect(await diff('v2')).toMatchObject({ from: { version: 2 }, to: { version: 2 }, added: 0, files: [], patch: '' });
});

test('what people see is a patch that git takes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seed-patch-'));
  try {
    await writeFile(join(folder, 'agent.ts'), agentOf(DOUBLE));
    const shown = await cli('code:diff', 'double', 'v1', 'v3');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    execFileSync('git', ['apply', '-'], { cwd: folder, input: shown.stdout });
    expect(await readFile(join(folder, 'agent.ts'), 'utf8')).toBe(agentOf('return { n: input.n * 4 };'));
    expect(await readFile(join(folder, 'lib', 'four.ts'), 'utf8')).toBe('export const FOUR = 4;\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  expect(await cli('code:diff', 'double', 'v2', 'v2')).toMatchObject({ code: 0, stdout: '', stderr: 'none\n' });
  expect(await cli('code:diff', 'double', 'v9')).toMatchObject({ code: 3, stderr: expect.stringContaining('v9') as string });
});

test('the tree shows what came from what, and who made it live', async () => {
  const { code, stdout } = await cli('code:lineage', 'double');
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.replace(/ +[0-9a-f]{12} {2}.*/, ''))).toEqual([
    expect.stringMatching(/^VERSION +HASH +PROPOSER +STATUS +APPROVED BY +WHY$/) as string,
    '○ v1',
    '├─○ v4',
    '● v2',
    '○ v3',
  ]);
  expect(lines[3]).toMatch(/manual +active, observing +(?:user|token)\//);
  const { stdout: json } = await cli('code:lineage', 'double', '--format', 'json');
  const { items, graph } = JSON.parse(json) as {
    items: { version: number; parent: string | null; id: string; status: string }[];
    graph: null;
  };
  const number = new Map(items.map(({ id, version }) => [id, version]));
  expect(items.map(({ version, parent, status }) => [version, parent === null ? null : number.get(parent), status])).toEqual([
    [1, null, 'previous'],
    [2, 1, 'active'],
    [3, 2, 'staged'],
    [4, 1, 'staged'],
  ]);
  expect(graph).toBeNull();
  const dot = await cli('code:lineage', 'double', '--graphviz');
  expect(dot.stdout).toMatch(/^digraph "double" \{/);
  expect(dot.stdout.match(/ -> /g)).toHaveLength(3);
  expect(await cli('code:lineage', 'nobody')).toMatchObject({ code: 3 });
});
