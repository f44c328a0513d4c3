// Orphans are found and killed; everybody else is left alone.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { spawnProcess, type ChildHandle } from '#lib/process.ts';
import { identifyProcess } from '#lib/process-identity.ts';

import { ProcessRegistry } from './process-registry.ts';

let folder: string;
let registry: ProcessRegistry;
const children: ChildHandle[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'process-registry-'));
  registry = new ProcessRegistry({ folder, onError: rethrow });
});

afterEach(async () => {
  for (const child of children.splice(0)) await child[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function rethrow(error: unknown): never {
  throw error;
}

function sleeper(): ChildHandle {
  const child = spawnProcess('sleep', ['600'], { env: { PATH: '/usr/bin:/bin' }, stdio: ['ignore', 'ignore', 'ignore'] });
  children.push(child);
  return child;
}

/** Changes what is written down about the one recorded process. */
function edit(change: (record: { process: Record<string, unknown>; parent: Record<string, unknown> }) => void): void {
  const file = join(folder, readdirSync(folder)[0] ?? '');
  const record = JSON.parse(readFileSync(file, 'utf8'));
  change(record);
  writeFileSync(file, JSON.stringify(record));
}

describe.runIf(existsSync('/proc/self/stat'))('a sweep', () => {
  test('kills a recorded process whose parent is gone, and waits until it is', async () => {
    const script = `
      import { spawnProcess } from ${JSON.stringify(join(import.meta.dirname, '../../lib/process.ts'))};
      import { ProcessRegistry } from ${JSON.stringify(join(import.meta.dirname, 'process-registry.ts'))};
      const child = spawnProcess(process.execPath, ['-e', 'for (;;);'], { env: {}, stdio: ['ignore', 'ignore', 'ignore'], dieWithParent: false });
      new ProcessRegistry({ folder: ${JSON.stringify(folder)}, onError: console.error }).record(child.pid, { label: 'loop' });
      console.log(child.pid);`;
    await using parent = spawnProcess(process.execPath, ['--input-type=module', '-e', script], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.pipe(1), 'data')) as [Buffer];
    const pid = Number(line);
    process.kill(parent.pid, 'SIGKILL');
    await parent.exited;
    expect(identifyProcess(pid)).not.toBeNull();
    expect(await registry.sweep()).toEqual([{ pid, label: 'loop' }]);
    expect(identifyProcess(pid)).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('leaves a process alone whose parent is alive', async () => {
    const forget = registry.record(sleeper().pid, { label: 'child' });
    expect(await registry.sweep()).toEqual([]);
    expect(readdirSync(folder)).toHaveLength(1);
    forget();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['startTicks', 'bootId'] as const)('leaves a process alone that only has the same number (%s)', async (member) => {
    const child = sleeper();
    registry.record(child.pid, { label: 'other' });
    edit((record) => {
      record.parent['startTicks'] = 1;
      record.process[member] = member === 'bootId' ? 'an earlier boot' : Number(record.process['startTicks']) - 1;
    });
    expect(await registry.sweep()).toEqual([]);
    expect(identifyProcess(child.pid)).not.toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([0, 1, 20, 60])('survives a record cut off after %i bytes, and removes it', async (length) => {
    const child = sleeper();
    registry.record(child.pid, { label: 'cut' });
    truncateSync(join(folder, readdirSync(folder)[0] ?? ''), length);
    expect(await registry.sweep()).toEqual([]);
    expect(identifyProcess(child.pid)).not.toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    'null',
    '[]',
    '{"process":{"pid":1,"startTicks":0,"bootId":""},"parent":null}',
    '{"process":{"pid":-1,"startTicks":0,"bootId":""},"parent":{}}',
  ])('kills nobody for %s', async (text) => {
    writeFileSync(join(folder, 'strange.json'), text);
    expect(await registry.sweep()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder that is not there is an empty one; one that can not be written is an error, not a failure', async () => {
    const errors: unknown[] = [];
    expect(await new ProcessRegistry({ folder: join(folder, 'none'), onError: (error) => errors.push(error) }).sweep()).toEqual([]);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    new ProcessRegistry({ folder: join(file, 'below'), onError: (error) => errors.push(error) }).record(sleeper().pid, {
      label: 'child',
    })();
    expect(errors).toMatchObject([{ code: 'ENOTDIR' }, { code: 'ENOTDIR' }]);
  });
});
