import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { versionOf } from './artifact-store.fixture.ts';
import { AWAY, StoreBench } from './code-store.fixture.ts';

let bench: StoreBench;
beforeEach(async () => {
  bench = await StoreBench.make();
});
afterEach(() => bench[Symbol.asyncDispose]());

describe('put and load', () => {
  test('a version gets a number, its files and its record, and is loaded as it was put', async () => {
    const store = await bench.open();
    const request = versionOf('one', { parent: 'f'.repeat(64), proposer: 'genetic' });
    const { artifact, number } = await store.put(request);
    expect(number).toBe(1);
    expect((await bench.filesOf(artifact.hash)).map((path) => path.slice(path.indexOf('.', path.lastIndexOf('/'))))).toEqual(
      expect.arrayContaining(['.js', '.map', '.eval.js', '.sources.json', '.json']),
    );
    expect(artifact).toMatchObject({ js: request.js, map: request.map, evaluationJs: request.evaluationJs, sources: request.sources });
    expect(artifact.manifest).toMatchObject({
      manifest: 1,
      agent: 'packer',
      parent: request.parent,
      proposer: 'genetic',
      contract: request.contract,
    });
    expect(await store.load('packer', artifact.hash)).toEqual({ artifact, number: 1 });
    expect(await store.versions('packer')).toEqual([
      { agent: 'packer', number: 1, hash: artifact.hash, parent: request.parent, proposer: 'genetic', createdAt: request.createdAt },
    ]);
    expect([...(await store.cached('packer'))]).toEqual([artifact.hash]);
    expect(bench.damages).toEqual([]);
  });

  test('an artifact without an evaluation', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf('one', { evaluationJs: null }));
    expect((await store.load('packer', artifact.hash)).artifact.evaluationJs).toBeNull();
  });

  test('the same request is the same version, even at the same time', async () => {
    const store = await bench.open();
    const versions = await Promise.all([
      store.put(versionOf('a')),
      store.put(versionOf('a')),
      store.put(versionOf('b')),
      store.put(versionOf('a')),
    ]);
    expect(new Set(versions.map(({ artifact }) => artifact.hash)).size).toBe(2);
    // Which of the two was first is nobody's promise.
    const numbers = new Map(versions.map(({ artifact, number }) => [artifact.hash, number]));
    expect(versions.map(({ artifact, number }) => numbers.get(artifact.hash) === number)).not.toContain(false);
    expect([...numbers.values()].toSorted((a, b) => a - b)).toEqual([1, 2]);
    expect(await store.versions('packer')).toHaveLength(2);
  });

  test('nothing durable happens when the disk does not take it', async () => {
    const store = await bench.open();
    await rm(join(bench.root, 'objects'), { recursive: true });
    await writeFile(join(bench.root, 'objects'), 'no folder');
    await expect(store.put(versionOf('a'))).rejects.toMatchObject({
      code: 'storage_full',
      message: expect.stringContaining('is not a folder'),
    });
    expect(await bench.durable.list('packer')).toEqual([]);
  });

  test.each(['../packer', 'Packer', '', 'a/b', 'a.b', '.', 'a'.repeat(65), 'a\0'])('the agent %j is refused', async (agent) => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf('a'));
    const refused = { code: 'invalid_input' };
    await expect(store.put(versionOf('a', { agent }))).rejects.toMatchObject(refused);
    await expect(store.load(agent, artifact.hash)).rejects.toMatchObject(refused);
    await expect(store.versions(agent)).rejects.toMatchObject(refused);
    await expect(store.activate(agent, artifact.hash)).rejects.toMatchObject(refused);
    await expect(store.active(agent)).rejects.toMatchObject(refused);
    await expect(store.resolve(agent, 'v1')).rejects.toMatchObject(refused);
    await expect(store.gc({ agents: [agent] })).rejects.toMatchObject(refused);
    expect((await readdir(bench.base)).toSorted()).toEqual(['code', 'keys']);
  });

  test.each(['../../etc/passwd', 'f'.repeat(63), 'F'.repeat(64), 'f'.repeat(64)])('the hash %s is of no version', async (hash) => {
    const store = await bench.open();
    await expect(store.load('packer', hash)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a version of one agent is not a version of another', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf('a'));
    await store.put(versionOf('b', { agent: 'extract' }));
    await expect(store.load('extract', artifact.hash)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('resolve', () => {
  test('by number, by the beginning of the hash, and by what is live', async () => {
    const store = await bench.open();
    const [one, two] = [await store.put(versionOf(1)), await store.put(versionOf(2))];
    for (const reference of ['v2', '2', two.artifact.hash, two.artifact.hash.slice(0, 8)]) {
      expect((await store.resolve('packer', reference)).hash).toBe(two.artifact.hash);
    }
    await expect(store.resolve('packer', 'active')).rejects.toMatchObject({ code: 'not_found', message: 'packer has no active version' });
    await store.activate('packer', one.artifact.hash);
    await store.activate('packer', two.artifact.hash);
    expect((await store.resolve('packer', 'active')).number).toBe(2);
    expect((await store.resolve('packer', 'previous')).number).toBe(1);
    await expect(store.resolve('packer', 'v9')).rejects.toMatchObject({ code: 'not_found', hint: 'the newest is v2' });
    await expect(store.resolve('nobody', 'v1')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('activate', () => {
  test('one after the other: each pointer names the one before it', async () => {
    const store = await bench.open();
    const versions = await Promise.all([1, 2, 3, 4, 5].map((content) => store.put(versionOf(content))));
    const pointers = await Promise.all(versions.map(({ artifact }) => store.activate('packer', artifact.hash)));
    expect(pointers.map(({ previous }) => previous)).toEqual([null, ...pointers.slice(0, -1).map(({ hash }) => hash)]);
    expect(await store.active('packer')).toEqual(pointers.at(-1));
    expect(await store.activate('packer', pointers.at(-1)?.hash ?? '')).toEqual(pointers.at(-1));
    expect(await (await bench.open()).active('packer')).toEqual(pointers.at(-1));
  });

  test('only a version that there is', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf(1));
    await expect(store.activate('packer', 'f'.repeat(64))).rejects.toMatchObject({ code: 'not_found' });
    await store.activate('packer', artifact.hash);
    expect((await store.active('packer'))?.hash).toBe(artifact.hash);
  });
});

describe('a put that waits for a verdict', () => {
  test('keeps nothing of what is not wanted', async () => {
    const store = await bench.open();
    const refused = Promise.reject(new Error('it fails its examples'));
    await expect(store.put(versionOf('bad'), refused)).rejects.toThrow('it fails its examples');
    expect(await readdir(join(bench.root, 'objects'))).toEqual([]);
    expect(await bench.durable.list('packer')).toEqual([]);
  });

  test('gives no number before the verdict', async () => {
    const store = await bench.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    const putting = store.put(versionOf('slow'), promise);
    expect((await store.put(versionOf('quick'))).number).toBe(1);
    resolve();
    expect((await putting).number).toBe(2);
  });
});

describe('without the durable copy', () => {
  test('the disk goes on by itself', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf(1));
    await store.put(versionOf(2));
    await store.activate('packer', artifact.hash);
    bench.durable.away = AWAY;
    const alone = await bench.open();
    expect(await alone.load('packer', artifact.hash)).toEqual({ artifact, number: 1 });
    expect((await alone.versions('packer')).map(({ number }) => number)).toEqual([1, 2]);
    expect((await alone.resolve('packer', 'v2')).number).toBe(2);
    expect((await alone.active('packer'))?.hash).toBe(artifact.hash);
    await expect(alone.put(versionOf(3))).rejects.toBe(AWAY);
    await expect(alone.gc({})).rejects.toBe(AWAY);
  });

  test('what is missing here says that the database is AWAY; what is damaged here is refused', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf(1));
    bench.durable.away = AWAY;
    const [first = '', ...others] = await bench.filesOf(artifact.hash);
    await writeFile(first, 'x');
    await expect(store.load('packer', artifact.hash)).rejects.toMatchObject({ code: 'artifact_corrupt' });
    await Promise.all([first, ...others].map((path) => rm(path)));
    await expect(store.load('packer', artifact.hash)).rejects.toBe(AWAY);
  });
});

describe('start', () => {
  test('an empty disk is filled again as it is needed, and by verify', async () => {
    const store = await bench.open();
    const versions = await Promise.all([1, 2, 3].map((content) => store.put(versionOf(content))));
    await rm(bench.root, { recursive: true });
    const fresh = await bench.open();
    expect(await fresh.cached('packer')).toEqual(new Set());
    const [first] = versions;
    expect((await fresh.load('packer', first?.artifact.hash ?? '')).artifact).toEqual(first?.artifact);
    expect(bench.damages).toEqual([]);
    expect((await fresh.verify()).findings.map(({ problem, repaired }) => [problem, repaired])).toEqual([
      ['it is missing', false],
      ['it is missing', false],
    ]);
    expect((await fresh.verify({ repair: true })).findings.every(({ repaired }) => repaired)).toBe(true);
    expect(await fresh.verify()).toEqual({ checked: 3, durable: true, findings: [] });
    bench.durable.away = AWAY;
    const alone = await bench.open();
    for (const { artifact, number } of versions) expect(await alone.load('packer', artifact.hash)).toEqual({ artifact, number });
  });

  test('removes what an interrupted writer left, and nothing of one that is alive', async () => {
    const store = await bench.open();
    await store.put(versionOf(1));
    const [folders, gone, alive] = [
      ['objects', 'active', join('versions', 'packer')],
      '.999999999-00000000-1.tmp',
      `.${process.ppid}-00000000-1.tmp`,
    ];
    for (const folder of folders) {
      await writeFile(join(bench.root, folder, gone), 'half');
      await writeFile(join(bench.root, folder, alive), 'half');
      await writeFile(join(bench.root, folder, `.${process.pid}-00000000-1.tmp`), 'of an earlier process with our id');
    }
    await bench.open();
    for (const folder of folders) {
      const names = await readdir(join(bench.root, folder));
      expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([alive]);
    }
    expect(await store.verify()).toEqual({ checked: 1, durable: true, findings: [] });
  });
});

test('after a rotation everything is signed again, and the old key can go', async () => {
  const store = await bench.open();
  const before = store.keys.keyId;
  const versions = await Promise.all([1, 2].map((content) => store.put(versionOf(content))));
  const { keyId, resigned } = await store.rotateKey('2026-01-02T00:00:00Z');
  expect(keyId).not.toBe(before);
  expect(resigned).toBe(2);
  const third = await store.put(versionOf(3));
  await store.keys.retire(before);
  const reopened = await bench.open();
  for (const { artifact, number } of [...versions, third])
    expect(await reopened.load('packer', artifact.hash)).toEqual({ artifact, number });
  expect((await bench.durable.get('packer', versions[0]?.artifact.hash ?? ''))?.signature.keyId).toBe(keyId);
  expect(bench.damages).toEqual([]);
});

test('a rotation without any time for the old key loses nothing, and can be run again after it was interrupted', async () => {
  const store = await bench.open();
  const before = store.keys.keyId;
  const { artifact } = await store.put(versionOf(1));
  // Interrupted between the keys and the signatures.
  await store.keys.rotate(null);
  const { resigned } = await store.rotateKey('2026-01-01T00:00:00Z');
  expect(resigned).toBe(1);
  expect((await store.load('packer', artifact.hash)).artifact).toEqual(artifact);
  expect(await store.verify()).toMatchObject({ findings: [] });
  expect(store.keys.accepted.find(({ keyId }) => keyId === before)?.until).toBeNull();
  await expect(store.rotateKey('soon')).rejects.toMatchObject({ code: 'invalid_input' });
});

test('an old key counts until its end, and its versions are then refused', async () => {
  const store = await bench.open();
  const { artifact } = await store.put(versionOf(1));
  await store.keys.rotate('2026-01-02T00:00:00Z');
  expect((await store.load('packer', artifact.hash)).artifact).toEqual(artifact);
  bench.nowMs = Date.parse('2026-01-02T00:00:00Z');
  await expect(store.load('packer', artifact.hash)).rejects.toMatchObject({
    code: 'artifact_corrupt',
    message: expect.stringContaining('no longer accepted'),
  });
});

test("files that are no records are nobody's business", async () => {
  const store = await bench.open();
  await store.put(versionOf(1));
  await mkdir(join(bench.root, 'versions', 'packer', 'x.json'));
  await writeFile(join(bench.root, 'objects', 'README'), '');
  bench.durable.away = AWAY;
  expect(await store.versions('packer')).toHaveLength(1);
});
