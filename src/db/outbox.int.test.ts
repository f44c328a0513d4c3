import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { uuidv7 } from '#lib/id.ts';
import type { Database } from './database.ts';
import { announce, Outbox, type OutboxMessage } from './outbox.ts';
import { appendToStream } from './streams.ts';
import { testDatabase } from './testing.ts';

let database: Database;
const errors: unknown[] = [];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const principal = { kind: 'user', id: 'ada' };
const onError = (error: unknown): void => void errors.push(error);
const newKey = (): string => `test-${uuidv7()}`;
const count = async (): Promise<number> => (await database.db.selectFrom('outbox').select('position').execute()).length;

async function append(stream: string, ...data: unknown[]) {
  return appendToStream(database, stream, {
    events: data.map((value) => ({ type: 'said', data: value })),
    expectedVersion: 'any',
    principal,
  });
}

describe('the outbox', () => {
  test('publishes what was left and what comes, in order, and keeps nothing', async () => {
    const stream = newKey();
    await append(stream, 1, 2);
    await announce(database, { topic: 'status', key: 'k', payload: { any: ['json'] } });
    const seen: OutboxMessage[] = [];
    const outbox = new Outbox({ database, onError, publish: (message) => void seen.push(message) });
    await vi.waitFor(() => expect(seen).toHaveLength(3));
    await append(stream, 3);
    await vi.waitFor(() => expect(seen).toHaveLength(4));
    expect(seen.map(({ topic, key, event, payload }) => ({ topic, key, data: event?.data, payload }))).toEqual([
      { topic: 'stream', key: stream, data: 1, payload: null },
      { topic: 'stream', key: stream, data: 2, payload: null },
      { topic: 'status', key: 'k', data: undefined, payload: { any: ['json'] } },
      { topic: 'stream', key: stream, data: 3, payload: null },
    ]);
    expect(seen[3]?.event).toMatchObject({ stream, version: 3, meta: { actor: principal } });
    await vi.waitFor(async () => expect(await count()).toBe(0));
    await outbox.close();
  });

  test('tells nothing of what was rolled back', async () => {
    const rolledBack = new Error('rolled back');
    const work = database.transaction(async (tx) => {
      await appendToStream(tx, newKey(), { events: [{ type: 'said', data: 'never' }], expectedVersion: 'any', principal });
      await announce(tx, { topic: 'never', key: 'k', payload: 1 });
      throw rolledBack;
    });
    await expect(work).rejects.toBe(rolledBack);
    expect(await count()).toBe(0);
  });

  test('publishes again what could not be published, and what comes after it only then', async () => {
    const stream = newKey();
    const seen: unknown[] = [];
    let failures = 2;
    await append(stream, 'a', 'b', 'c');
    const outbox = new Outbox({
      database,
      onError,
      publish: ({ event }) => {
        if (event?.data === 'b' && (failures -= 1) >= 0) throw new Error('nobody listens');
        seen.push(event?.data);
      },
    });
    await vi.waitFor(() => expect(seen).toEqual(['a', 'b', 'c']));
    expect(errors.splice(0)).toEqual([new Error('nobody listens'), new Error('nobody listens')]);
    await outbox.close();
  });

  test('publishes again what was published, but not yet deleted, when it ended', async () => {
    const stream = newKey();
    await append(stream, 1);
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const seen: unknown[] = [];
    const first = new Outbox({
      database,
      onError,
      publish: async ({ event }) => {
        seen.push(['first', event?.data]);
        reached.resolve();
        await goOn.promise;
        throw new Error('the receiver took it and went away');
      },
    });
    await reached.promise;
    goOn.resolve();
    await first.close();
    errors.splice(0);
    const second = new Outbox({ database, onError, publish: ({ event }) => void seen.push(['second', event?.data]) });
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(['second', 1]));
    await second.close();
    expect(seen[0]).toEqual(['first', 1]);
  });
});
