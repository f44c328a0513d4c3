import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadMasterKeys } from './master-keys.ts';

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'seed-keys-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

test('the key is made at the first start, for its owner alone, and is the same ever after', async () => {
  const dir = await folder();
  const [first] = await loadMasterKeys(dir);
  expect(first?.key).toHaveLength(32);
  expect((await stat(join(dir, 'master-keys.json'))).mode & 0o777).toBe(0o600);
  expect(await loadMasterKeys(dir)).toEqual([first]);
});

test.each([
  ['nothing', () => ''],
  ['no list', () => '{}'],
  ['an empty list', () => '[]'],
  ['a key with another id', (text: string) => text.replace(/"keyId": "./, '"keyId": "x')],
  ['a changed key', (text: string) => text.replace(/"key": "(.)/, (_, first) => `"key": "${first === 'A' ? 'B' : 'A'}`)],
  ['a shorter key', (text: string) => text.replace(/"key": "..../, '"key": "')],
])('%s in its file is refused, and nothing is made in its place', async (_, damage) => {
  const dir = await folder();
  await loadMasterKeys(dir);
  const path = join(dir, 'master-keys.json');
  const damaged = damage(await readFile(path, 'utf8'));
  await writeFile(path, damaged);
  await expect(loadMasterKeys(dir)).rejects.toMatchObject({ code: 'configuration', message: expect.stringContaining('master-keys.json') });
  expect(await readFile(path, 'utf8')).toBe(damaged);
});
