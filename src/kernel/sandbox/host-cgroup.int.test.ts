// Control groups of a host, where this machine lets us make some.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { spawnProcess } from '#lib/process.ts';
import { GROUP_PREFIX, HostCgroup } from './host-cgroup.ts';
import { sandboxLayers } from './layers.ts';
import { SandboxHost } from './sandbox-host.ts';

const groupsOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(GROUP_PREFIX));

const isGranted = await (async () => {
  if (process.platform !== 'linux') return false;
  await using child = spawnProcess(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {
    env: {},
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  using _group = HostCgroup.around(child.pid);
  return groupsOf(child.pid).length > 0;
})();

test.skipIf(!isGranted)('where control groups are granted: a host is in its own, which is gone when it is', async () => {
  const host = await SandboxHost.start();
  const [line = ''] = groupsOf(host.pid);
  const [, controller = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  const folder = `/sys/fs/cgroup${controller === '' ? '' : `/${controller}`}${path}`;
  expect(readFileSync(`${folder}/cgroup.procs`, 'utf8').trim().split('\n')).toEqual([String(host.pid)]);
  const limit = ['memory.limit_in_bytes', 'memory.max', 'pids.max'].find((file) => existsSync(`${folder}/${file}`));
  expect(Number(readFileSync(`${folder}/${limit}`, 'utf8'))).toBeGreaterThan(0);
  expect((await sandboxLayers([host.pid])).find(({ layer }) => layer === 'cgroup')).toMatchObject({ present: true });
  await host.close();
  await vi.waitFor(() => expect(existsSync(folder)).toBe(false));
});

test.skipIf(!isGranted)('where control groups are granted: one that a killed node has left is swept with the next', async () => {
  const left = spawnProcess(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { env: {}, stdio: ['ignore', 'ignore', 'ignore'] });
  HostCgroup.around(left.pid);
  await left[Symbol.asyncDispose]();
  const names = (): string[] => {
    const memory = /:memory:(.*)/.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    const unified = /^0::(.*)/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '';
    return readdirSync(memory === undefined ? `/sys/fs/cgroup${unified}` : `/sys/fs/cgroup/memory${memory}`);
  };
  await vi.waitFor(async () => {
    await using next = spawnProcess(process.execPath, ['-e', ''], { env: {}, stdio: ['ignore', 'ignore', 'ignore'] });
    HostCgroup.around(next.pid)[Symbol.dispose]();
    expect(names()).not.toContain(`${GROUP_PREFIX}${left.pid}`);
  });
});

test('where they are not granted nothing is done, and nothing is claimed', () => {
  using group = HostCgroup.around(2 ** 30);
  expect(group).toBeInstanceOf(HostCgroup);
});
