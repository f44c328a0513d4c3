// What every artifact store must do. Its adapters run this; see artifact-store.test.ts.
import { expect, test } from 'vitest';
import { signedVersion } from './artifact-store.fixture.ts';
import type { ArtifactStore } from './artifact-store.ts';

const ORIGIN = { note: 'n', principal: { kind: 'user', id: 'me' } };

/** @param open gives an empty store */
export function artifactStoreSuite(open: () => Promise<ArtifactStore>): void {
  test('numbers are dense for each agent, whoever puts at the same time', async () => {
    const store = await open();
    const puts = Array.from({ length: 20 }, (_, index) =>
      store.put(signedVersion(index, { agent: index % 2 === 0 ? 'packer' : 'extract' }), ORIGIN),
    );
    const numbers = await Promise.all(puts);
    const sorted = (parity: number): number[] => numbers.filter((_, index) => index % 2 === parity).toSorted((a, b) => a - b);
    expect(sorted(0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(sorted(1)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect((await store.agents()).toSorted()).toEqual(['extract', 'packer']);
  });

  test('the same hash again has the number it has', async () => {
    const store = await open();
    const signed = signedVersion('same');
    expect(await store.put(signed, ORIGIN)).toBe(1);
    expect(await store.put(signedVersion('other'), ORIGIN)).toBe(2);
    expect(await Promise.all([store.put(signed, ORIGIN), store.put(signed, ORIGIN)])).toEqual([1, 1]);
    expect(await store.list('packer')).toHaveLength(2);
  });

  test('what was put is given back to the byte', async () => {
    const store = await open();
    const signed = signedVersion('ü \u2028 " \\ 😀', {
      parent: 'a'.repeat(64),
      proposer: 'genetic',
      evaluationJs: null,
      sources: { 'z.ts': 'last', 'agent.ts': 'é\n', 'a.ts': '' },
      reports: { z: 1, a: { nested: [1.5, null, 'x'] } },
    });
    await store.put(signed, ORIGIN);
    const { hash, manifest } = signed.artifact;
    expect(await store.get('packer', hash)).toEqual({ ...signed, number: 1 });
    expect(await store.list('packer')).toEqual([
      { agent: 'packer', number: 1, hash, parent: manifest.parent, proposer: 'genetic', createdAt: manifest.createdAt },
    ]);
  });

  test('what nobody put is not there', async () => {
    const store = await open();
    await store.put(signedVersion(1), ORIGIN);
    expect(await store.get('packer', 'f'.repeat(64))).toBeNull();
    expect(await store.get('extract', signedVersion(1).artifact.hash)).toBeNull();
    expect(await store.list('nobody')).toEqual([]);
  });

  test('another signature takes the place of the old one', async () => {
    const store = await open();
    const { artifact } = signedVersion(1);
    await store.put(signedVersion(1), ORIGIN);
    await store.put(signedVersion(2), ORIGIN);
    const signature = { keyId: '1'.repeat(32), value: '2'.repeat(128) };
    await store.resign(artifact.hash, signature);
    expect((await store.get('packer', artifact.hash))?.signature).toEqual(signature);
    expect((await store.get('packer', signedVersion(2).artifact.hash))?.signature).toEqual(signedVersion(2).signature);
  });

  test('what was signed takes the place of what is kept', async () => {
    const store = await open();
    const whole = signedVersion(1, { evaluationJs: null });
    const { artifact, signature } = whole;
    await store.put({ artifact: { ...artifact, js: 'x', map: 'x', sources: {}, evaluationJs: 'x' }, signature }, ORIGIN);
    await store.repair(whole);
    expect(await store.get('packer', artifact.hash)).toEqual({ ...whole, number: 1 });
    await store.repair(signedVersion(2));
    expect(await store.list('packer')).toHaveLength(1);
  });

  test('a version that was removed is gone, and its number is not given again', async () => {
    const store = await open();
    for (const content of [1, 2, 3]) await store.put(signedVersion(content), ORIGIN);
    await store.remove('packer', signedVersion(3).artifact.hash);
    await store.remove('packer', signedVersion(3).artifact.hash);
    expect(await store.get('packer', signedVersion(3).artifact.hash)).toBeNull();
    expect(await store.put(signedVersion(4), ORIGIN)).toBe(4);
    expect((await store.list('packer')).map(({ number }) => number)).toEqual([1, 2, 4]);
  });
}
