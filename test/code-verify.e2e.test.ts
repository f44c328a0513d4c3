// seed code:verify on a running node: it says what is wrong, mends each copy from the other, and changes the key, while calls go on.
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '#lib/process.ts';
import { agentOf, createAgents, DOUBLE, upload } from './fixtures.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { traffic, type Traffic } from './traffic.ts';

interface Verified {
  ok: boolean;
  checked: number;
  findings: { what: string; where: string; problem: string; repaired: boolean }[];
  key_id: string;
  accepted_keys: { key_id: string; until: string | null }[];
  resigned: number;
  applied: boolean;
}

const SEED = new URL('../bin/seed', import.meta.url).pathname;
let seed: SeedProcess;
let calls: Traffic;
beforeAll(async () => {
  seed = await startSeed();
  await createAgents(seed, [upload('double', DOUBLE)]);
  const staged = await seed.api('POST', '/api/code/double/versions', { from: { 'agent.ts': agentOf('return { n: input.n * 3 };') } });
  assert.equal(staged.status, 201);
  calls = traffic(seed, { agent: 'double', input: { n: 4 }, restMs: 5 });
});
afterAll(async () => {
  assert.deepEqual([...new Set((await calls.stop()).statuses)], [200]);
  await seed[Symbol.asyncDispose]();
});

async function verify(...args: string[]): Promise<{ code: number | null; data: Verified }> {
  const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: seed.dataDir };
  const { code, stdout, stderr } = await runCommand(SEED, ['code:verify', '--format', 'json', ...args], {
    env,
    cwd: seed.dataDir,
    timeoutMs: 60_000,
  });
  expect(stderr).toBe('');
  return { code, data: JSON.parse(stdout) as Verified };
}

test('what is damaged on the disk is said, and then put back', async () => {
  expect(await verify('--agent', 'double')).toMatchObject({ code: 0, data: { ok: true, checked: 2, findings: [], applied: true } });
  const objects = join(seed.dataDir, 'code', 'objects');
  const { body } = await seed.api<{ data: { hash: string }[] }>('GET', '/api/code/double/versions');
  const hash = body.data[0]?.hash ?? '';
  const script = join(objects, `${hash}.js`);
  const whole = await readFile(script);
  await writeFile(script, 'var other;');
  const found = { what: 'v2', where: 'disk', problem: 'the script is not the one that was signed' };
  expect(await verify('--dry-run')).toMatchObject({
    code: 1,
    data: { ok: false, findings: [{ ...found, repaired: false }], applied: false },
  });
  expect(await readFile(script, 'utf8')).toBe('var other;');
  expect(await verify()).toMatchObject({ code: 0, data: { ok: true, findings: [{ ...found, repaired: true }] } });
  expect(await readFile(script)).toEqual(whole);
  // An empty folder is filled again.
  await rm(join(seed.dataDir, 'code'), { recursive: true });
  const filled = await verify();
  expect(filled).toMatchObject({ code: 0, data: { ok: true } });
  expect(filled.data.findings.length).toBeGreaterThan(2);
  expect((await readdir(objects)).filter((name) => name.startsWith(hash)).length).toBeGreaterThanOrEqual(4);
  expect(await verify()).toMatchObject({ code: 0, data: { ok: true, findings: [] } });
});

test('a fresh key signs everything again, and the old one counts no longer than it is told to', async () => {
  const before = await verify();
  const rotated = await verify('--rotate-key', '--accept-old-key-for', '0s');
  expect(rotated).toMatchObject({ code: 0, data: { ok: true, findings: [] } });
  expect(rotated.data.resigned).toBe(before.data.checked);
  expect(rotated.data.key_id).not.toBe(before.data.key_id);
  const old = rotated.data.accepted_keys.find(({ key_id }) => key_id === before.data.key_id);
  expect(Date.parse(old?.until ?? '')).toBeLessThanOrEqual(Date.now());
  expect((await seed.api('POST', '/api/code/double/versions/v2/promote', {}, { 'x-confirm': 'code:promote' })).status).toBe(200);
});
