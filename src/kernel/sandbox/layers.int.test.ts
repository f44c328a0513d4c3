import { describe, expect, test, vi } from 'vitest';
import { spawnProcess } from '#lib/process.ts';
import { osLayer } from './available-layers.ts';
import { sandboxLayers, type SandboxLayer } from './layers.ts';
import { withoutOsLayer } from './os-layer.ts';
import { SandboxHost } from './sandbox-host.ts';

const presentOf = (layers: readonly SandboxLayer[]) => Object.fromEntries(layers.map(({ layer, present }) => [layer, present]));

describe.runIf(process.platform === 'linux')('layers of the sandbox', () => {
  test('of a host without the operating system’s layer: what it has, and that the rest is not claimed', async () => {
    await using host = await SandboxHost.start({ layer: withoutOsLayer });
    const layers = await sandboxLayers([host.pid]);
    expect(presentOf(layers)).toMatchObject({ isolate: true, environment: true, permissions: true, process_group: true, limits: true });
    expect(presentOf(layers)).toMatchObject({ network: false, files: false, processes: false });
    expect(layers.find(({ layer }) => layer === 'permissions')?.detail).toContain('the network is not cut');
  });

  test('of a host with the best that this machine grants', async () => {
    const { kind, why, filter } = await osLayer();
    await using host = await SandboxHost.start();
    const layers = await sandboxLayers([host.pid]);
    const isWhole = kind === 'bubblewrap';
    expect(presentOf(layers)).toMatchObject({ environment: true, permissions: true, process_group: true, limits: true });
    expect(presentOf(layers)).toMatchObject({ network: kind !== 'none', files: isWhole, processes: isWhole, privileges: kind !== 'none' });
    // A container's own filter counts as one.
    if (filter !== null) expect(presentOf(layers)).toMatchObject({ seccomp: true });
    // What is not there has a reason.
    if (!isWhole) expect(layers.find(({ layer }) => layer === 'files')?.detail).toContain(why);
  });

  test('of a process that was started in another way: they are looked up, not claimed', async () => {
    await using host = await SandboxHost.start();
    await using plain = spawnProcess(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {
      env: { SECRET: 'x' },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    // It is another program until its own has begun.
    await vi.waitFor(async () =>
      expect(presentOf(await sandboxLayers([host.pid, plain.pid]))).toMatchObject({ environment: false, permissions: false }),
    );
    await using open = spawnProcess(
      process.execPath,
      ['--permission', '--allow-fs-read=*', '--allow-fs-write=*', '-e', 'setInterval(() => {}, 1e6)'],
      { env: {}, stdio: ['ignore', 'ignore', 'ignore'] },
    );
    await vi.waitFor(async () => {
      const layers = await sandboxLayers([open.pid]);
      expect(layers.find(({ layer }) => layer === 'permissions')).toMatchObject({
        present: false,
        detail: expect.stringContaining('--allow-fs-write') as unknown,
      });
    });
  });

  test('of no host: nothing is known', async () => {
    expect(presentOf(await sandboxLayers([]))).toMatchObject({ isolate: null, environment: null, permissions: null, seccomp: null });
  });
});
