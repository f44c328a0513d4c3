// The command line against a whole node: wrong input ends with the exit code and the words for it, and data stays data.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '#lib/process.ts';
import { agentOf, assertUnharmed, contractOf, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';

const SEED = new URL('../bin/seed', import.meta.url).pathname;

let base: string;
let seed: SeedProcess;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'seed-cli-'));
  seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE)]);
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  await rm(base, { recursive: true, force: true });
});
afterEach(() => assertUnharmed(seed, ['double', 'extract', 'packer']));

const cli = (...args: string[]) =>
  runCommand(SEED, args, { env: { PATH: process.env['PATH'] ?? '', DATA_DIR: seed.dataDir }, cwd: base, timeoutMs: 60_000 });

let folders = 0;
async function folder(files: Record<string, string>): Promise<string> {
  const path = join(base, `agent-${(folders += 1)}`);
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}
const fine = (name: string) => ({ 'contract.ts': contractOf(name), 'agent.ts': agentOf(DOUBLE) });

test.each([
  [['agents:status', '../etc'], 2, '"../etc" is not a name: lower-case letters'],
  [['agents:status', 'UPPER'], 2, '"UPPER" is not a name'],
  [['code:list', 'a/b'], 2, '"a/b" is not a name'],
  [['agents:status', 'duoble'], 3, 'there is no agent "duoble"\ndid you mean double?'],
  [['code:get', 'double', 'v99'], 3, 'double has no version "v99"\ntry: the newest is v1'],
  [['code:get', 'double', '../v1'], 3, 'double has no version "../v1"'],
  [['code:promote', 'double', '../v1', '--confirm'], 3, 'double has no version "../v1"'],
  [['code:rollback', 'double'], 6, 'code:rollback'],
  [['code:rollback', 'double', '--confirm'], 5, 'double has no version before the present one'],
  [['agents:invoke', 'double', '{"n":"x"}'], 2, "the input's n must be integer"],
  [['agents:invoke', 'double', '{"n":'], 2, 'JSON'],
  [['agents:invoke', 'duoble', '{"n":1}'], 3, 'did you mean double?'],
  [['agents:improve', 'double', '--proposer', 'nobody'], 2, 'there is no proposer "nobody"'],
  [['agents:improve', 'double', '--budget', 'soon'], 2, 'soon'],
  [['config:set', 'CLAUDE_CLI_PATH', '/bin/sh'], 4, 'CLAUDE_CLI_PATH is for those who can change the environment of the node'],
  [['config:set', 'SANDBOX_REQUIRE', 'nothing'], 4, 'try: set SANDBOX_REQUIRE in the environment or in .env'],
])('%j ends with %i', async (args, code, words) => {
  const ended = await cli(...args);
  expect([ended.code, ended.stdout]).toEqual([code, '']);
  expect(ended.stderr).toContain(words);
});

describe('--from', () => {
  const create = async (path: string) => {
    const { code, stdout, stderr } = await cli('agents:create', '--from', path);
    return { code, stdout, stderr };
  };
  const refusal = (code: number, words: RegExp) => ({ code, stdout: '', stderr: expect.stringMatching(words) as string });

  test('a folder that is not there, or has nothing in it', async () => {
    expect(await create(join(base, 'nowhere'))).toEqual(refusal(2, /nowhere does not exist/));
    expect(await create(await folder({}))).toEqual(refusal(2, /there is no file in/));
  });

  test('a link out of the folder', async () => {
    const path = await folder(fine('links'));
    await symlink('/etc/hostname', join(path, 'secret.ts'));
    expect(await create(path)).toEqual(refusal(2, /secret\.ts is a link out of the folder\ntry: copy the file into the folder/));
  });

  test('a file over 1 MB, and more than 200', async () => {
    expect(await create(await folder({ ...fine('large'), 'big.ts': 'x'.repeat(1_048_577) }))).toEqual(
      refusal(2, /big\.ts has 1048577 bytes, at most 1048576/),
    );
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}.ts`, '']));
    expect(await create(await folder({ ...fine('many'), ...many }))).toEqual(refusal(2, /has more than 200 files/));
  });

  test('a device, which has no end', async () => {
    expect(await create('/dev/zero')).toEqual(refusal(2, /\/dev\/zero has more than 1048576 bytes/));
  });

  test('a name that no file can have on a node', async () => {
    expect(await create(await folder({ ...fine('names'), 'two words.ts': '' }))).toEqual(
      refusal(2, /"two words\.ts" is not a name a file can have here/),
    );
  });

  test('code with a mistake, with its place', async () => {
    expect(await create(await folder({ ...fine('syntax'), 'agent.ts': 'const a = 1;\nconst b = ;\n' }))).toEqual(
      refusal(1, /agent\.ts:2:11: Unexpected ";"/),
    );
  });

  test('a pipe beside the sources is not waited for: the agent is checked without it', async () => {
    const path = await folder({ 'agent.ts': agentOf('return { n: input.n * 2 + 0 };') });
    execFileSync('/usr/bin/mkfifo', [join(path, 'pipe.ts')]);
    const checked = await cli('code:validate', 'double', '--from', path, '--format', 'json');
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true });
  });
});
