import { stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { versionOf } from './artifact-store.fixture.ts';
import { StoreBench } from './code-store.fixture.ts';
import type { Version } from './code-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

let bench: StoreBench;
beforeEach(async () => {
  bench = await StoreBench.make();
});
afterEach(() => bench[Symbol.asyncDispose]());

const at = (day: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + day * DAY_MS).toISOString();

test('removes old versions from the disk alone, never what is live or held', async () => {
  const store = await bench.open();
  const versions: Version[] = [];
  for (let day = 0; day < 8; day += 1) versions.push(await store.put(versionOf(day, { createdAt: at(day) })));
  const hashes = versions.map(({ artifact }) => artifact.hash);
  await store.activate('packer', hashes[0] ?? '');
  await store.activate('packer', hashes[1] ?? '');
  bench.nowMs = Date.parse(at(12));
  store.hold(() => [hashes[2] ?? '']);
  const request = { keep: 2, olderThanMs: 7 * DAY_MS };
  const plan = await store.gc({ ...request, dryRun: true });
  expect(plan).toEqual({ removed: ['packer v5', 'packer v4'], freedBytes: expect.any(Number), kept: 6 });
  expect(await store.cached('packer')).toEqual(new Set(hashes));
  expect(await store.gc(request)).toEqual(plan);
  expect(plan.freedBytes).toBeGreaterThan(1_000);
  expect(await store.cached('packer')).toEqual(new Set(hashes.filter((_, index) => index !== 3 && index !== 4)));
  expect(await store.gc(request)).toEqual({ removed: [], freedBytes: 0, kept: 6 });
  // What was removed here is still a version, and comes back when it is asked for.
  expect(await store.versions('packer')).toHaveLength(8);
  expect((await store.load('packer', hashes[3] ?? '')).artifact).toEqual(versions[3]?.artifact);
  expect(bench.damages).toEqual([]);
});

test('by default it keeps a hundred and a week', async () => {
  const store = await bench.open();
  for (let index = 0; index < 3; index += 1) await store.put(versionOf(index));
  bench.nowMs += 365 * DAY_MS;
  expect((await store.gc()).removed).toEqual([]);
});

test('forgets for ever only when it is told to', async () => {
  const store = await bench.open();
  const [one, two] = [await store.put(versionOf(1)), await store.put(versionOf(2))];
  bench.nowMs += 30 * DAY_MS;
  expect((await store.gc({ keep: 1, durable: true })).removed).toEqual(['packer v1']);
  await expect(store.load('packer', one.artifact.hash)).rejects.toMatchObject({ code: 'not_found' });
  expect((await store.put(versionOf(3))).number).toBe(3);
  expect((await store.versions('packer')).map(({ number }) => number)).toEqual([2, 3]);
  expect((await store.load('packer', two.artifact.hash)).number).toBe(2);
});

test('what belongs to no version goes when nobody can be writing it any more', async () => {
  const store = await bench.open();
  await store.put(versionOf(1));
  const orphan = join(bench.root, 'objects', `${'e'.repeat(64)}.js`);
  await writeFile(orphan, 'left behind');
  bench.nowMs = Date.now();
  expect((await store.gc()).removed).toEqual([]);
  const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
  await utimes(orphan, longAgo, longAgo);
  expect(await store.gc()).toEqual({ removed: ['e'.repeat(64)], freedBytes: 11, kept: 1 });
  await expect(stat(orphan)).rejects.toThrow('ENOENT');
});
