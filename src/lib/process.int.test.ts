// Real children: what they inherit, how they end, and that nothing of them stays.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { describe, expect, test, vi } from 'vitest';

import { identifyProcess } from './process-identity.ts';
import { parentDeathSignal, runCommand, spawnProcess, type SpawnProcessOptions } from './process.ts';

const node = (script: string, options: SpawnProcessOptions) => spawnProcess(process.execPath, ['-e', script], options);

const isAlive = (pid: number) => identifyProcess(pid) !== null;

describe('spawnProcess', () => {
  test('the child has the given environment and nothing else', async () => {
    await using child = node('process.stdout.write(JSON.stringify(process.env))', { env: { ONLY: 'this' } });
    expect(JSON.parse(await text(child.pipe(1)))).toEqual({ ONLY: 'this' });
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  test('an argument with shell characters arrives as it is', async () => {
    await using child = spawnProcess(process.execPath, ['-e', 'process.stdout.write(process.argv[1])', '$(id); `id` | & "x"'], { env: {} });
    expect(await text(child.pipe(1))).toBe('$(id); `id` | & "x"');
  });

  test('descriptor 3 is a pipe both ways, descriptor 4 an inherited file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'process-'));
    writeFileSync(join(folder, 'file'), 'from the file');
    const fd = openSync(join(folder, 'file'), 'r');
    try {
      await using child = node(
        `const socket = new (require('node:net').Socket)({ fd: 3 });
         const file = require('node:fs').readFileSync(4, 'utf8');
         socket.once('data', (data) => socket.end(data + ' and ' + file));`,
        { env: {}, stdio: ['ignore', 'ignore', 'inherit', 'pipe', fd] },
      );
      expect([child.stdio[0], child.stdio[4]]).toEqual([null, null]);
      expect(() => child.pipe(4)).toThrow('not started as a pipe');
      child.pipe(3).write('from the parent');
      expect(await text(child.pipe(3))).toBe('from the parent and from the file');
    } finally {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  });

  test('writing to a child that is gone does not end this process', async () => {
    await using child = node('process.exit(3)', { env: {}, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    expect(await child.exited).toEqual({ code: 3, signal: null });
    const pipe = child.pipe(3);
    pipe.write('too late');
    if (!pipe.closed) await once(pipe, 'close');
    expect(child.kill('SIGTERM')).toBe(false);
  });

  test('SIGKILL reaches the whole group', async () => {
    await using child = spawnProcess('sh', ['-c', 'sleep 600 & echo $!; wait'], { env: { PATH: '/usr/bin:/bin' } });
    const [grandchild] = (await once(child.pipe(1), 'data')) as [Buffer];
    expect(isAlive(Number(grandchild))).toBe(true);
    expect(child.kill('SIGKILL')).toBe(true);
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await vi.waitUntil(() => !isAlive(Number(grandchild)), { timeout: 5000 });
  });

  test('another signal reaches the process alone', async () => {
    await using child = spawnProcess('sh', ['-c', 'trap "echo asked" TERM; sleep 600 & echo $!; wait; wait'], {
      env: { PATH: '/usr/bin:/bin' },
    });
    const [grandchild] = (await once(child.pipe(1), 'data')) as [Buffer];
    child.kill('SIGTERM');
    expect(String((await once(child.pipe(1), 'data'))[0])).toBe('asked\n');
    expect(isAlive(Number(grandchild))).toBe(true);
  });

  test('what the leader leaves behind ends with it', async () => {
    await using child = spawnProcess('sh', ['-c', 'sleep 600 & echo $!'], { env: { PATH: '/usr/bin:/bin' } });
    const [grandchild] = (await once(child.pipe(1), 'data')) as [Buffer];
    expect(await child.exited).toEqual({ code: 0, signal: null });
    await vi.waitUntil(() => !isAlive(Number(grandchild)), { timeout: 5000 });
  });

  test('disposal kills', async () => {
    const child = node('setInterval(() => {}, 1000)', { env: {} });
    await child[Symbol.asyncDispose]();
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test.each([
    ['/nowhere/program', /no such program/],
    ['no-such-program', /is not installed/],
    [tmpdir(), /not executable/],
  ])('%s is refused at once', (command, message) => {
    expect(() => spawnProcess(command, [], { env: {} })).toThrow(message);
  });

  test('a working folder that does not exist is refused at once', () => {
    expect(() => spawnProcess(process.execPath, [], { env: {}, cwd: '/nowhere', dieWithParent: false })).toThrow(/could not be started/);
  });

  test.runIf(parentDeathSignal())('a child in an endless loop dies with its parent', async () => {
    const script = `
      import { spawnProcess } from ${JSON.stringify(join(import.meta.dirname, 'process.ts'))};
      const child = spawnProcess(process.execPath, ['-e', 'console.log(process.pid); for (;;);'], { env: {}, stdio: ['ignore', 'inherit', 'inherit'] });
      await child.exited;`;
    await using parent = spawnProcess(process.execPath, ['--input-type=module', '-e', script], { env: {} });
    const [pid] = (await once(parent.pipe(1), 'data')) as [Buffer];
    expect(isAlive(Number(pid))).toBe(true);
    process.kill(parent.pid, 'SIGKILL');
    await parent.exited;
    await vi.waitUntil(() => !isAlive(Number(pid)), { timeout: 5000 });
  });
});

describe('runCommand', () => {
  const options = { env: {}, timeoutMs: 20_000 };

  test('collects both outputs, feeds the input, and reports the exit code as it is', async () => {
    const script =
      'process.stdin.on("data", (d) => { process.stdout.write("out " + d + "\\n"); process.stderr.write("err"); process.exitCode = 4 })';
    expect(await runCommand(process.execPath, ['-e', script], { ...options, input: 'hello' })).toEqual({
      code: 4,
      signal: null,
      stdout: 'out hello\n',
      stderr: 'err',
      timedOut: false,
      truncated: false,
    });
  });

  test('ends at its timeout', async () => {
    const result = await runCommand(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env: {}, timeoutMs: 200 });
    expect(result).toMatchObject({ code: null, signal: 'SIGTERM', timedOut: true });
  });

  test('output over the limit is cut off', async () => {
    const result = await runCommand(process.execPath, ['-e', 'for (;;) process.stdout.write("x".repeat(1000))'], {
      ...options,
      maxOutputBytes: 5000,
    });
    expect(result.truncated).toBe(true);
    expect(result.stdout).toHaveLength(5000);
  });

  test('is ended by its signal', async () => {
    const result = await runCommand(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      ...options,
      signal: AbortSignal.timeout(100),
    });
    expect(result).toMatchObject({ code: null, signal: 'SIGTERM', timedOut: false });
  });

  test('a missing program is unavailable', async () => {
    await expect(runCommand('no-such-program', [], options)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
