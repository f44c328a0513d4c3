import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import type { SignedArtifact } from '#kernel/code-store/artifact-store.ts';
import { contractSchema } from '#kernel/compiler/contract.ts';
import { sha256 } from '#lib/canonical-json.ts';
import { artifactStore } from './artifact-store.ts';
import { insertAgent } from './store.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
  for (const name of ['one', 'two']) {
    await insertAgent(database, { name, type: 'worker', summary: '', source: 'upload', owner: { kind: 'node', id: 'n' } });
  }
});
afterAll(() => database.close());

const ORIGIN = { note: 'why', principal: { kind: 'user', id: 'u' } };

function signed(agent: string, js: string): SignedArtifact {
  const contract = contractSchema.parse({
    contract: 1,
    name: agent,
    summary: '',
    exports: [{ kind: 'call', name: 'handle', input: {}, output: {} }],
    limits: {},
  });
  const manifest = {
    manifest: 1 as const,
    agent,
    files: { 'agent.ts': sha256(js) },
    jsHash: sha256(js),
    mapHash: sha256('{}'),
    contract,
    contractHash: sha256('c'),
    evaluationHash: null,
    compiler: 'esbuild',
    parent: null,
    proposer: 'manual',
    promptHash: null,
    reports: { score: 0.1 },
    createdAt: '2026-11-21T00:00:00.000Z',
  };
  return {
    artifact: { hash: sha256(agent + js), manifest, js, map: '{}', evaluationJs: null, sources: { 'agent.ts': js } },
    signature: { keyId: 'k'.repeat(32), value: 'f'.repeat(128) },
  };
}

test('an artifact comes back to the byte, with its number', async () => {
  const store = artifactStore(database);
  const given = signed('one', 'let a = "ü\\u0000"; // \u2028');
  expect(await store.put(given, ORIGIN)).toBe(1);
  expect(await store.get('one', given.artifact.hash)).toEqual({ ...given, number: 1 });
  expect(await store.get('two', given.artifact.hash)).toBeNull();
});

test('the same artifact again has the number it has', async () => {
  const store = artifactStore(database);
  expect(await store.put(signed('one', 'let a = "ü\\u0000"; // \u2028'), ORIGIN)).toBe(1);
  expect(await store.put(signed('one', 'b'), ORIGIN)).toBe(2);
});

test('numbers have no holes, whoever asks at the same time, and are not given twice', async () => {
  const store = artifactStore(database);
  const numbers = await Promise.all(Array.from({ length: 8 }, (_, index) => store.put(signed('two', `v${index}`), ORIGIN)));
  expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const last = (await store.list('two')).at(-1);
  await store.remove('two', last?.hash ?? '');
  expect(await store.put(signed('two', 'after'), ORIGIN)).toBe(9);
  expect((await store.list('two')).map((version) => version.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 9]);
  expect(await store.agents()).toEqual(['one', 'two']);
});

test('a new signature takes the place of the old one', async () => {
  const store = artifactStore(database);
  const given = signed('one', 'b');
  await store.resign(given.artifact.hash, { keyId: 'n'.repeat(32), value: 'e'.repeat(128) });
  expect((await store.get('one', given.artifact.hash))?.signature).toEqual({ keyId: 'n'.repeat(32), value: 'e'.repeat(128) });
});

test('what was signed takes the place of what is kept, and what can not be read says so', async () => {
  const store = artifactStore(database);
  const given = signed('one', 'b');
  const { hash } = given.artifact;
  await database.db.updateTable('artifacts').set({ js: 'x', manifest: '{' }).where('hash', '=', hash).execute();
  await expect(store.get('one', hash)).rejects.toMatchObject({ code: 'artifact_corrupt' });
  await store.repair(given);
  expect(await store.get('one', hash)).toEqual({ ...given, number: 2 });
});
