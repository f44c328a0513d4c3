import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { uuidv7 } from '#lib/id.ts';
import type { IdempotentAnswer, StateWrite } from '#kernel/runtime/state-store.ts';
import { stateStore } from './state-store.ts';
import { insertAgent } from './store.ts';

let database: Database;
let agent: string;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  agent = `a-${uuidv7().slice(-12)}`;
  await insertAgent(database, { name: agent, type: 'worker', summary: '', source: 'upload', owner: { kind: 'node', id: 'n' } });
});

const answer = (over: Partial<IdempotentAnswer> = {}): IdempotentAnswer => ({
  callId: uuidv7(),
  inputHash: 'h',
  exportName: 'handle',
  version: 1,
  hash: 'v',
  outputJson: '{"n":1}',
  streamed: false,
  durationUs: 12.7,
  ...over,
});

const write = (fence: number, over: Partial<StateWrite> = {}): StateWrite => ({
  key: 'k',
  fence,
  stateJson: '1',
  stateHash: 'v',
  stateVersion: 1,
  written: true,
  replacesVersion: false,
  ...over,
});

describe('a claim', () => {
  test('gives a new instance the first fence and no state', async () => {
    expect(await stateStore(database, 'n1').claim(agent, 'k', 10_000)).toEqual({
      fence: 1,
      revision: 0,
      stateJson: null,
      stateHash: null,
      stateVersion: 1,
      migrations: 0,
      frozenHash: null,
    });
  });

  test('keeps others out while its lease runs, and not after', async () => {
    await stateStore(database, 'n1').claim(agent, 'k', 60_000);
    await expect(stateStore(database, 'n2').claim(agent, 'k', 60_000)).rejects.toMatchObject({ code: 'conflict' });
    await stateStore(database, 'n1').claim(agent, 'k', -1);
    expect((await stateStore(database, 'n2').claim(agent, 'k', 60_000)).fence).toBe(3);
  });

  test('is given back by a release with its own fence only', async () => {
    const { fence } = await stateStore(database, 'n1').claim(agent, 'k', 60_000);
    await stateStore(database, 'n1').release(agent, 'k', fence - 1);
    await expect(stateStore(database, 'n2').claim(agent, 'k', 60_000)).rejects.toMatchObject({ code: 'conflict' });
    await stateStore(database, 'n1').release(agent, 'k', fence);
    expect((await stateStore(database, 'n2').claim(agent, 'k', 60_000)).fence).toBe(2);
  });

  test('is renewed by its own fence only', async () => {
    const store = stateStore(database, 'n1');
    const { fence } = await store.claim(agent, 'k', -1);
    expect(await store.renew({ agent, key: 'k', fence }, 60_000)).toBe(true);
    await expect(stateStore(database, 'n2').claim(agent, 'k', 60_000)).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.renew({ agent, key: 'k', fence: fence - 1 }, 60_000)).toBe(false);
  });

  test('of many at once one wins', async () => {
    const claims = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => stateStore(database, `n${index}`).claim(agent, 'k', 60_000)),
    );
    expect(claims.filter((claim) => claim.status === 'fulfilled')).toHaveLength(1);
  });
});

describe('a commit', () => {
  test('writes state and answer together, and they are read as they were written', async () => {
    const store = stateStore(database, 'n1');
    const { fence } = await store.claim(agent, 'k', 60_000);
    const given = answer();
    const instance = write(fence, { stateJson: '{"bins":[1,2.5],"text":"ü"}' });
    await store.commit({ agent, instance, idempotency: { key: 'i', answer: given } }, 60_000);
    const claim = await store.claim(agent, 'k', 60_000);
    expect(JSON.parse(claim.stateJson ?? '')).toEqual({ bins: [1, 2.5], text: 'ü' });
    expect(claim).toMatchObject({ revision: 1, stateHash: 'v' });
    const found = await store.findAnswer(agent, 'i');
    expect(found).toMatchObject({ callId: given.callId, inputHash: 'h', version: 1, durationUs: 13 });
    expect(JSON.parse(found?.outputJson ?? '')).toEqual({ n: 1 });
  });

  test('with an older fence changes nothing, its answer included', async () => {
    const store = stateStore(database, 'n1');
    const { fence } = await store.claim(agent, 'k', -1);
    await stateStore(database, 'n2').claim(agent, 'k', 60_000);
    const late = store.commit({ agent, instance: write(fence), idempotency: { key: 'i', answer: answer() } }, 60_000);
    await expect(late).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.findAnswer(agent, 'i')).toBeNull();
  });

  test('under a key that was answered meanwhile changes nothing, its state included', async () => {
    const store = stateStore(database, 'n1');
    await store.commit({ agent, instance: null, idempotency: { key: 'i', answer: answer({ outputJson: '"first"' }) } }, 0);
    const { fence } = await store.claim(agent, 'k', 60_000);
    const second = store.commit({ agent, instance: write(fence), idempotency: { key: 'i', answer: answer() } }, 60_000);
    await expect(second).rejects.toMatchObject({ code: 'conflict' });
    expect((await store.claim(agent, 'k', 60_000)).revision).toBe(0);
    expect((await store.findAnswer(agent, 'i'))?.outputJson).toBe('"first"');
  });
});
