// The pipe between root and node, without the help of the kernel's parent-death signal.
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { spawnProcess } from '#lib/process.ts';

const SCRIPT = `
  import { onRootGone } from ${JSON.stringify(join(import.meta.dirname, 'root-link.ts'))};
  onRootGone({ lifelineFd: 3 }, () => process.exit(9));
  console.log('up');
  setInterval(() => {}, 1000);`;

test('the node hears when the pipe breaks', async () => {
  await using child = spawnProcess(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    env: {},
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    dieWithParent: false,
  });
  await new Promise((resolve) => child.pipe(1).once('data', resolve));
  child.pipe(3).destroy();
  expect(await child.exited).toEqual({ code: 9, signal: null });
});

test('the pipe alone does not keep the node running', async () => {
  await using child = spawnProcess(process.execPath, ['--input-type=module', '-e', SCRIPT.replace('setInterval(() => {}, 1000);', '')], {
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  expect(await child.exited).toEqual({ code: 0, signal: null });
});
