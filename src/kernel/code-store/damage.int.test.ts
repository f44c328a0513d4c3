import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { versionOf } from './artifact-store.fixture.ts';
import type { VersionRecord } from './artifact-store.ts';
import { AWAY, StoreBench } from './code-store.fixture.ts';
import { damageFiles } from './damaged-files.fixture.ts';
import type { Version } from './code-store.ts';

let bench: StoreBench;
beforeEach(async () => {
  bench = await StoreBench.make();
});
afterEach(() => bench[Symbol.asyncDispose]());

/** Damages each file of a version in turn. @returns how many files that were */
async function damaged(change: (text: Buffer) => Buffer): Promise<number> {
  const store = await bench.open();
  const { artifact } = await store.put(versionOf('to be damaged'));
  const alone = await bench.openAlone();
  let cases = 0;
  for (const path of await bench.filesOf(artifact.hash)) {
    const whole = await readFile(path);
    cases += 1;
    await writeFile(path, change(whole));
    await expect(alone.load('packer', artifact.hash)).rejects.toMatchObject({ code: 'artifact_corrupt' });
    bench.damages.length = 0;
    expect((await store.load('packer', artifact.hash)).artifact).toEqual(artifact);
    expect(bench.damages).toEqual([expect.objectContaining({ agent: 'packer', hash: artifact.hash, repaired: true })]);
    expect(await readFile(path)).toEqual(whole);
  }
  return cases;
}

test.each(['cut', 'flip'] as const)('every file: %s anywhere, it is refused, never a third state, and repaired', async (kind) => {
  const files = await damageFiles({ kind, offsets: 12 });
  expect(files.map(({ file }) => file).toSorted()).toEqual(
    ['.eval.js', '.js', '.json', '.map', '.sources.json', 'pointer', 'pointer before', 'record'].toSorted(),
  );
  for (const file of files) expect(file).toMatchObject({ cases: 12, torn: 0, third: 0, unrepaired: 0 });
});

test('a file that is empty, cut, longer, or gone: refused, and repaired', async () => {
  expect(await damaged(() => Buffer.alloc(0))).toBe(5);
  expect(await damaged((text) => text.subarray(0, -1))).toBe(5);
  expect(await damaged((text) => Buffer.concat([text, Buffer.from(' ')]))).toBe(5);
});

test('every bit of the manifest and of its signature counts', async () => {
  const store = await bench.open();
  const { artifact } = await store.put(versionOf('every bit'));
  const alone = await bench.openAlone();
  const path = join(bench.root, 'objects', `${artifact.hash}.json`);
  const whole = await readFile(path);
  for (let index = 0; index < whole.length; index += 1) {
    const flipped = Buffer.from(whole);
    flipped[index] = (flipped[index] ?? 0) ^ (1 << (index % 8));
    await writeFile(path, flipped);
    await expect(alone.load('packer', artifact.hash)).rejects.toMatchObject({ code: 'artifact_corrupt' });
  }
});

test('a pointer that is cut at any byte, or has any bit flipped, is the one before or the one after, never a third', async () => {
  const store = await bench.open();
  const [one, two, three] = [await store.put(versionOf(1)), await store.put(versionOf(2)), await store.put(versionOf(3))];
  const path = join(bench.root, 'active', 'packer');
  const damagedPointers = (whole: Buffer): Buffer[] => [
    ...Array.from(whole, (_, length) => whole.subarray(0, length)),
    ...Array.from(whole, (byte, index) => Buffer.from(whole).fill(byte ^ (1 << (index % 8)), index, index + 1)),
  ];
  await store.activate('packer', one.artifact.hash);
  for (const bytes of damagedPointers(await readFile(path))) {
    await writeFile(path, bytes);
    expect(await store.active('packer')).toBeNull();
  }
  await store.activate('packer', one.artifact.hash);
  const first = await store.active('packer');
  const second = await store.activate('packer', two.artifact.hash);
  const whole = await readFile(path);
  for (const bytes of damagedPointers(whole)) {
    await writeFile(path, bytes);
    expect(await store.active('packer')).toEqual(first);
  }
  await writeFile(path, whole);
  expect(await store.active('packer')).toEqual(second);
  await rm(path);
  expect(await store.active('packer')).toEqual(first);
  // The next activation goes on from what counted.
  expect((await store.activate('packer', three.artifact.hash)).previous).toBe(one.artifact.hash);
  await writeFile(path, 'x');
  await writeFile(`${path}.before`, 'x');
  await expect(store.active('packer')).rejects.toMatchObject({ code: 'artifact_corrupt' });
});

test('a durable copy that is damaged repairs nothing', async () => {
  const store = await bench.open();
  const { artifact } = await store.put(versionOf('both'));
  const changes: ((version: Version['artifact']) => Partial<Version['artifact']>)[] = [
    () => ({ js: 'var other;' }),
    () => ({ map: '{}' }),
    () => ({ evaluationJs: null }),
    ({ sources }) => ({ sources: { ...sources, 'more.ts': '' } }),
    ({ sources }) => ({ sources: { ...sources, 'agent.ts': 'changed' } }),
    ({ manifest }) => ({ manifest: { ...manifest, proposer: 'somebody else' } }),
  ];
  for (const change of changes) {
    const before = await bench.durable.get('packer', artifact.hash);
    await bench.durable.change(artifact.hash, (signed) => ({ ...signed, artifact: { ...signed.artifact, ...change(signed.artifact) } }));
    await Promise.all((await bench.filesOf(artifact.hash)).map((path) => rm(path)));
    await expect(store.load('packer', artifact.hash)).rejects.toMatchObject({
      code: 'artifact_corrupt',
      message: expect.stringContaining('in the durable copy'),
    });
    expect(await bench.filesOf(artifact.hash)).toEqual([]);
    if (before !== null) await bench.durable.change(artifact.hash, () => ({ artifact: before.artifact, signature: before.signature }));
  }
  expect((await store.load('packer', artifact.hash)).artifact).toEqual(artifact);
});

test('what a stranger signed is refused, on the disk and from the durable copy', async () => {
  const stranger = await bench.open(join(bench.base, 'stranger'));
  const { artifact } = await stranger.put(versionOf('strange'));
  const store = await bench.open();
  await expect(store.load('packer', artifact.hash)).rejects.toMatchObject({
    code: 'artifact_corrupt',
    message: expect.stringContaining('signed by a key that is not accepted'),
  });
  const publicKey = stranger.keys.accepted[0]?.publicKey ?? '';
  await store.keys.accept(publicKey);
  expect((await store.load('packer', artifact.hash)).artifact).toEqual(artifact);
});

describe('verify', () => {
  test('finds what is wrong, changes nothing, and repairs what it is told to', async () => {
    const store = await bench.open();
    const versions: Version[] = [];
    for (const content of [1, 2, 3, 4]) versions.push(await store.put(versionOf(content)));
    const hashes = versions.map(({ artifact }) => artifact.hash);
    await store.activate('packer', hashes[0] ?? '');
    await store.activate('packer', hashes[1] ?? '');
    await writeFile(join(bench.root, 'objects', `${hashes[1]}.js`), 'changed');
    await rm(join(bench.root, 'objects', `${hashes[2]}.map`));
    await writeFile(join(bench.root, 'versions', 'packer', '4.json'), 'x');
    await writeFile(join(bench.root, 'active', 'packer'), 'x');
    const problems = [
      { what: 'v2', where: 'disk', hash: hashes[1], problem: 'the script is not the one that was signed' },
      { what: 'v3', where: 'disk', hash: hashes[2], problem: 'a file of it is missing' },
      { what: 'v4', where: 'disk', hash: hashes[3], problem: 'its record is damaged' },
      { what: 'active', where: 'disk', hash: null, problem: 'the pointer is damaged' },
    ];
    expect(await store.verify()).toEqual({
      checked: 4,
      durable: true,
      findings: problems.map((problem) => ({ agent: 'packer', ...problem, repaired: false })),
    });
    expect(await store.verify({ repair: true })).toEqual({
      checked: 4,
      durable: true,
      findings: problems.map((problem) => ({ agent: 'packer', ...problem, repaired: true })),
    });
    expect(await store.verify()).toEqual({ checked: 4, durable: true, findings: [] });
    expect((await store.active('packer'))?.hash).toBe(hashes[0]);
  });

  test('a record that was given another version is found', async () => {
    const store = await bench.open();
    await store.put(versionOf(1));
    await store.put(versionOf(2));
    await writeFile(join(bench.root, 'versions', 'packer', '1.json'), await readFile(join(bench.root, 'versions', 'packer', '2.json')));
    expect((await store.verify({ repair: true })).findings).toEqual([
      expect.objectContaining({ what: 'v1', problem: 'its record is of another version', repaired: true }),
    ]);
  });

  test('without a durable copy it still says what is wrong', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf(1));
    await writeFile(join(bench.root, 'objects', `${artifact.hash}.js`), 'changed');
    bench.durable.away = AWAY;
    expect((await store.verify({ repair: true })).findings).toEqual([
      expect.objectContaining({ what: 'v1', problem: expect.stringContaining('the durable copy can not be reached'), repaired: false }),
    ]);
  });

  test('a durable copy that is damaged is repaired from this disk, and only from what was signed', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf(1));
    const other = await store.put(versionOf(2));
    const whole = await bench.durable.get('packer', artifact.hash);
    const damage = (hash: string): Promise<void> =>
      bench.durable.change(hash, (signed) => ({ ...signed, artifact: { ...signed.artifact, js: 'var other;' } }));
    await damage(artifact.hash);
    await damage(other.artifact.hash);
    await writeFile(join(bench.root, 'objects', `${other.artifact.hash}.map`), 'changed');
    const found = {
      agent: 'packer',
      what: 'v1',
      where: 'durable',
      hash: artifact.hash,
      problem: 'the script is not the one that was signed',
    };
    expect((await store.verify()).findings).toContainEqual({ ...found, repaired: false });
    const { findings } = await store.verify({ repair: true });
    expect(findings).toContainEqual({ ...found, repaired: true });
    expect(await bench.durable.get('packer', artifact.hash)).toEqual(whole);
    // Damaged here and there: nobody vouches for anything.
    expect(findings.filter(({ what }) => what === 'v2').map(({ where, repaired }) => [where, repaired])).toEqual([
      ['durable', false],
      ['disk', false],
    ]);
  });

  test('a version that the durable copy has lost is found', async () => {
    const store = await bench.open();
    const { artifact } = await store.put(versionOf(1));
    bench.durable.lose(artifact.hash);
    expect((await store.verify({ repair: true })).findings).toEqual([
      { agent: 'packer', what: 'v1', where: 'durable', hash: artifact.hash, problem: 'it is missing', repaired: false },
    ]);
  });
});

describe('what was signed once is no use elsewhere', () => {
  test('an older version under the name of a newer one', async () => {
    const store = await bench.open();
    const [one, two] = [await store.put(versionOf(1)), await store.put(versionOf(2))];
    for (const path of await bench.filesOf(one.artifact.hash)) await copyFile(path, path.replace(one.artifact.hash, two.artifact.hash));
    await expect((await bench.openAlone()).load('packer', two.artifact.hash)).rejects.toMatchObject({
      code: 'artifact_corrupt',
      message: expect.stringContaining('the manifest does not have the hash of its name'),
    });
    expect((await store.load('packer', two.artifact.hash)).artifact).toEqual(two.artifact);
  });

  test("another agent's version, in the files and in the durable copy", async () => {
    const store = await bench.open();
    const mine = await store.put(versionOf(1));
    const theirs = await store.put(versionOf(2, { agent: 'extract' }));
    const record = { ...(await store.versions('extract'))[0], agent: 'packer', number: 2 };
    // As if somebody had written it into the database.
    bench.durable.adopt('packer', record as VersionRecord);
    const fresh = await bench.open();
    await expect(fresh.load('packer', theirs.artifact.hash)).rejects.toMatchObject({ code: 'not_found' });
    expect((await fresh.verify({ agents: ['packer'], repair: true })).findings).toEqual([
      expect.objectContaining({ what: 'v2', where: 'durable', problem: 'it is a version of extract', repaired: false }),
      expect.objectContaining({ what: 'v2', where: 'disk', problem: 'it is a version of extract', repaired: false }),
    ]);
    expect((await fresh.load('packer', mine.artifact.hash)).number).toBe(1);
  });

  test("another agent's pointer and record", async () => {
    const store = await bench.open();
    const mine = await store.put(versionOf(1));
    const theirs = await store.put(versionOf(2, { agent: 'extract' }));
    await store.activate('packer', mine.artifact.hash);
    await store.activate('extract', theirs.artifact.hash);
    await copyFile(join(bench.root, 'active', 'extract'), join(bench.root, 'active', 'packer'));
    await copyFile(join(bench.root, 'versions', 'extract', '1.json'), join(bench.root, 'versions', 'packer', '2.json'));
    expect(await store.active('packer')).toBeNull();
    bench.durable.away = AWAY;
    expect((await store.versions('packer')).map(({ hash }) => hash)).toEqual([mine.artifact.hash]);
  });
});

test('folders and files in the place of ours are set aside or replaced, and everything is there again', async () => {
  const store = await bench.open();
  const { artifact } = await store.put(versionOf(1));
  await store.activate('packer', artifact.hash);
  await rm(join(bench.root, 'active'), { recursive: true });
  await writeFile(join(bench.root, 'active'), 'a file');
  for (const path of await bench.filesOf(artifact.hash)) {
    await rm(path);
    await mkdir(join(path, 'with', 'more'), { recursive: true });
  }
  const fresh = await bench.open();
  expect(await readFile(join(bench.root, 'active.set-aside'), 'utf8')).toBe('a file');
  expect((await fresh.load('packer', artifact.hash)).artifact).toEqual(artifact);
  await fresh.activate('packer', artifact.hash);
  expect(await fresh.verify()).toEqual({ checked: 1, durable: true, findings: [] });
});

test('a store whose folder is removed under it makes it again', async () => {
  const store = await bench.open();
  const { artifact } = await store.put(versionOf(1));
  await store.probe();
  await rm(bench.root, { recursive: true });
  await expect(store.probe()).rejects.toMatchObject({ code: 'storage_full', message: expect.stringContaining('is not there') });
  expect(await store.cached('packer')).toEqual(new Set());
  expect((await store.load('packer', artifact.hash)).artifact).toEqual(artifact);
  expect((await store.put(versionOf(2))).number).toBe(2);
  await store.probe();
});
