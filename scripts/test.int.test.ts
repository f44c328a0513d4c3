// The count that npm test ends with, against tests that pass, fail, are skipped, or can not even be loaded.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const here = path.dirname(import.meta.dirname);
let root: string;

const HEAD = "import { expect, test } from 'vitest';\n";
const FILES: Readonly<Record<string, string>> = {
  'passes.test.ts': `${HEAD}test('a', () => expect(1).toBe(1));\ntest('b', () => expect(1).toBe(1));\n`,
  'fails.test.ts': `${HEAD}test('a', () => expect(1).toBe(2));\ntest('b', () => expect(1).toBe(1));\n`,
  'skips.test.ts': `${HEAD}test.skip('a', () => {});\ntest.todo('b');\n`,
  'broken.test.ts': "import './nowhere.ts';\n",
  'hook.test.ts': `import { afterAll } from 'vitest';\n${HEAD}afterAll(() => {\n  throw new Error('hook');\n});\ntest('a', () => {});\n`,
  'rejects.test.ts': `${HEAD}test('a', async () => {\n  void Promise.reject(new Error('nobody'));\n  await new Promise((resolve) => setImmediate(resolve));\n});\n`,
};

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'seed-count-'));
  for (const file of ['scripts/test.ts', 'scripts/test-count.ts']) cpSync(path.join(here, file), path.join(root, file));
  symlinkSync(path.join(here, 'node_modules'), path.join(root, 'node_modules'));
  writeFileSync(path.join(root, 'package.json'), '{"type":"module"}');
  mkdirSync(path.join(root, 'test'));
  for (const [file, text] of Object.entries(FILES)) writeFileSync(path.join(root, 'test', file), text);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each([
  [['passes'], '2 passed, 0 failed, 0 skipped', 0],
  // A file that can not be loaded, a hook that throws and a rejection nobody sees are failures too.
  [['test/'], '5 passed, 4 failed, 2 skipped', 1],
  // Nothing was proven.
  [['skips'], '0 passed, 0 failed, 2 skipped', 1],
  [['--config', 'nowhere.ts'], '0 passed, 1 failed, 0 skipped', 1],
])('npm test -- %j ends with: %s', (args, line, code) => {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|TEST$|DEV$|PROD$|MODE$|SSR$)/.test(name)),
  );
  const { stdout, status } = spawnSync(process.execPath, ['scripts/test.ts', ...args], { cwd: root, env, encoding: 'utf8' });
  expect([stdout.split('\n').slice(-2), status]).toEqual([[line, ''], code]);
});
