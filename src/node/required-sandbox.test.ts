import { expect, test } from 'vitest';
import { withoutOsLayer, type OsLayer } from '#kernel/sandbox/os-layer.ts';
import { checkSandbox } from './required-sandbox.ts';

const required = (what: 'nothing' | 'os') => ({ sandbox: { servingHosts: 2, evaluatorHosts: 1, syncPath: true, require: what } });
const layer = (kind: OsLayer['kind'], why = ''): Promise<OsLayer> => Promise.resolve({ ...withoutOsLayer, kind, why });

test('the operating system’s layer is required whole, and its absence is explained', async () => {
  await expect(checkSandbox(required('os'), layer('bubblewrap'))).resolves.toBeUndefined();
  await expect(checkSandbox(required('os'), layer('none', 'bubblewrap: no permissions'))).rejects.toMatchObject({
    code: 'configuration',
    exitCode: 78,
    message: expect.stringContaining('bubblewrap: no permissions') as string,
    hint: expect.stringContaining('install bubblewrap') as string,
  });
  // It cuts the network alone.
  await expect(checkSandbox(required('os'), layer('namespaces', 'bubblewrap is not installed'))).rejects.toMatchObject({ exitCode: 78 });
});

test('nothing is required unless somebody says so, and nobody waits for it', async () => {
  await expect(checkSandbox(required('nothing'), new Promise(() => undefined))).resolves.toBeUndefined();
});
