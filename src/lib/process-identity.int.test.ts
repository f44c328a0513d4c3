// Against the real /proc: the tests of Linux only.
import { existsSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { spawnProcess } from './process.ts';
import { identifyProcess, isSameProcessAlive } from './process-identity.ts';

describe.runIf(existsSync('/proc/self/stat'))('process identity', () => {
  test('this process is itself and nobody else', () => {
    const self = identifyProcess(process.pid);
    if (self === null) throw new Error('this process has no identity');
    expect(isSameProcessAlive(self)).toBe(true);
    expect(isSameProcessAlive({ ...self, startTicks: self.startTicks + 1 })).toBe(false);
    expect(isSameProcessAlive({ ...self, bootId: 'another' })).toBe(false);
  });

  test('keeps its identity through exec and loses it at its end', async () => {
    await using child = spawnProcess('sleep', ['600'], { env: { PATH: '/usr/bin:/bin' } });
    const identity = identifyProcess(child.pid);
    if (identity === null) throw new Error('a running child has no identity');
    expect(isSameProcessAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await child.exited;
    expect(isSameProcessAlive(identity)).toBe(false);
    expect(identifyProcess(child.pid)).toBeNull();
  });

  test('a program name with brackets and spaces does not shift the fields', async () => {
    await using child = spawnProcess(process.execPath, ['-e', 'process.title = "a) R (b"; console.log(1); setInterval(() => {}, 1000)'], {
      env: {},
    });
    const before = identifyProcess(child.pid);
    await new Promise((resolve) => child.pipe(1).once('data', resolve));
    expect(identifyProcess(child.pid)).toEqual(before);
  });
});
