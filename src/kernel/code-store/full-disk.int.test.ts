import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { smallDisk, type SmallDisk } from '#lib/small-disk.fixture.ts';
import { MemoryArtifactStore, versionOf } from './artifact-store.fixture.ts';
import { CodeStore, type Version } from './code-store.ts';
import type { Damage } from './store-parts.ts';

let base: string;
let disk: SmallDisk;
let root: string;
let durable: MemoryArtifactStore;
let damages: Damage[];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'seed-store-'));
  disk = await smallDisk(0.5);
  root = disk.path;
  durable = new MemoryArtifactStore();
  damages = [];
});
afterEach(async () => {
  await disk[Symbol.asyncDispose]();
  await rm(base, { recursive: true });
});

function open(): Promise<CodeStore> {
  return CodeStore.open({ root, keysDir: join(base, 'keys'), durable, onDamage: (damage) => damages.push(damage) });
}

test('a full disk is an error, leaves nothing behind, and what is there can be read', async () => {
  const store = await open();
  const versions: Version[] = [];
  const large = 'x'.repeat(100 * 1024);
  const refusal = await (async () => {
    for (let content = 0; content < 20; content += 1) {
      versions.push(await store.put(versionOf(content, { js: `${content}${large}` })));
      await store.activate('packer', versions.at(-1)?.artifact.hash ?? '');
    }
    return null;
  })().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'storage_full', message: expect.stringContaining('is full') });
  expect(versions.length).toBeGreaterThan(2);
  // Nothing half, and nothing durable about what was refused.
  expect(await durable.list('packer')).toHaveLength(versions.length);
  expect((await readdir(join(root, 'objects'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect((await store.verify()).findings).toEqual([]);
  for (const { artifact, number } of versions) expect(await store.load('packer', artifact.hash)).toEqual({ artifact, number });
  expect((await store.active('packer'))?.hash).toBe(versions.at(-1)?.artifact.hash);
  // It starts on a full disk too, and goes on when there is room.
  await disk.fill(0);
  const again = await open();
  await expect(again.put(versionOf('more', { js: large }))).rejects.toMatchObject({ code: 'storage_full' });
  await disk.free();
  await again.gc({ keep: 1, olderThanMs: 0 });
  expect((await again.put(versionOf('more', { js: large }))).number).toBe(versions.length + 1);
});

test('what is damaged on a full disk is served from the durable copy', async () => {
  const store = await open();
  const { artifact } = await store.put(versionOf('one', { js: 'x'.repeat(200 * 1024) }));
  await rm(join(root, 'objects', `${artifact.hash}.js`));
  await disk.fill(0);
  expect((await store.load('packer', artifact.hash)).artifact).toEqual(artifact);
  expect(damages).toEqual([expect.objectContaining({ hash: artifact.hash, repaired: false })]);
  expect((await store.verify({ repair: true })).findings).toEqual([expect.objectContaining({ what: 'v1', repaired: false })]);
});

test('a read-only disk is an error for writers, and no news to readers', async () => {
  const store = await open();
  const [one, two] = [await store.put(versionOf(1)), await store.put(versionOf(2))];
  await store.activate('packer', one.artifact.hash);
  await writeFile(join(root, 'objects', '.999999999-00000000-1.tmp'), 'half');
  await disk.makeReadOnly();
  const again = await open();
  const refused = { code: 'storage_full', message: expect.stringContaining('can not be written') };
  await expect(again.put(versionOf(3))).rejects.toMatchObject(refused);
  await expect(again.activate('packer', two.artifact.hash)).rejects.toMatchObject(refused);
  expect((await again.load('packer', two.artifact.hash)).artifact).toEqual(two.artifact);
  expect((await again.active('packer'))?.hash).toBe(one.artifact.hash);
  expect(await again.verify({ repair: true })).toEqual({ checked: 2, durable: true, findings: [] });
});
