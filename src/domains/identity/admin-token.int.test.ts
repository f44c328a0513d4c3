import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ADMIN_TOKEN_FILE, loadAdminToken } from './admin-token.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seed-token-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('is made once, for its owner alone, and is the same from then on', async () => {
  const first = await loadAdminToken(folder);
  expect(first).toMatchObject({
    created: true,
    token: expect.stringMatching(/^[\w-]{43}$/) as string,
    path: join(folder, ADMIN_TOKEN_FILE),
  });
  expect((await stat(first.path)).mode & 0o777).toBe(0o600);
  expect(await loadAdminToken(folder)).toEqual({ ...first, created: false });
  expect(await readFile(first.path, 'utf8')).toBe(`${first.token}\n`);
  expect(await readdir(folder)).toEqual([ADMIN_TOKEN_FILE]);
});

test('two first starts at once agree on one', async () => {
  const tokens = await Promise.all([loadAdminToken(folder), loadAdminToken(folder), loadAdminToken(folder)]);
  expect(new Set(tokens.map(({ token }) => token)).size).toBe(1);
  expect(tokens.filter(({ created }) => created)).toHaveLength(1);
  expect(await readdir(folder)).toEqual([ADMIN_TOKEN_FILE]);
});

test('one that others could read is closed to them', async () => {
  const { path } = await loadAdminToken(folder);
  await chmod(path, 0o644);
  await loadAdminToken(folder);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test.each(['', '\n', 'short', 'two words that are long enough to be a token', 'x'.repeat(300)])(
  '%j is refused, not replaced',
  async (content) => {
    const path = join(folder, ADMIN_TOKEN_FILE);
    await writeFile(path, content);
    await expect(loadAdminToken(folder)).rejects.toMatchObject({ code: 'configuration' });
    expect(await readFile(path, 'utf8')).toBe(content);
  },
);
