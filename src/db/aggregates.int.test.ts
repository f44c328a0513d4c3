import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uuidv7 } from '#lib/id.ts';
import { type Aggregate, aggregateStream, handleCommand } from './aggregates.ts';
import type { Database } from './database.ts';
import type { Event } from './events.ts';
import { appendToStream, forkStream, readStream } from './streams.ts';
import { testDatabase } from './testing.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const principal = { kind: 'user', id: 'ada' };
const newStream = (): string => `account-${uuidv7()}`;

type AccountEvent = Event<'deposited', number> | Event<'renamed', string>;
interface Account {
  balance: number;
  name: string | null;
  history: string[];
}

const plain: Aggregate<Account, AccountEvent> = {
  initialState: () => ({ balance: 0, name: null, history: [] }),
  evolve: (state, event) => {
    const history = [...state.history, event.type];
    return event.type === 'deposited'
      ? { ...state, balance: state.balance + event.data, history }
      : { ...state, name: event.data, history };
  },
};
const snapshotted: Aggregate<Account, AccountEvent> = { ...plain, snapshots: { name: 'account', schemaVersion: 1, every: 3 } };

function append(stream: string, events: readonly AccountEvent[]) {
  return appendToStream(database, stream, { events, expectedVersion: 'any', principal });
}

async function snapshotsOf(stream: string) {
  return database.db.selectFrom('snapshots').select(['version', 'schema_version']).where('stream', '=', stream).execute();
}

const anyEvent = fc.oneof(
  fc.record({ type: fc.constant('deposited' as const), data: fc.integer({ min: -1000, max: 1000 }) }),
  // NUL can not be stored, nor can half a surrogate pair.
  fc.record({ type: fc.constant('renamed' as const), data: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')) }),
);

describe('a state', () => {
  test('of a stream that does not exist is the initial one', async () => {
    expect(await aggregateStream(database, newStream(), snapshotted)).toEqual({ exists: false, version: 0, state: plain.initialState() });
  });

  test('is the same with snapshots as without, at every version, forks included', async () => {
    const steps = fc.array(fc.record({ events: fc.array(anyEvent, { minLength: 1, maxLength: 5 }), fork: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (walk) => {
        let stream = newStream();
        for (const { events, fork } of walk) {
          const { version } = await append(stream, events);
          expect(await aggregateStream(database, stream, snapshotted)).toEqual(await aggregateStream(database, stream, plain));
          if (fork) {
            const child = newStream();
            await forkStream(database, child, { parent: stream, version: Math.ceil(version / 2) });
            stream = child;
          }
        }
        const { version } = await readStream(database, stream);
        for (let to = 1; to <= version; to += 1) {
          expect(await aggregateStream(database, stream, { ...snapshotted, to })).toEqual(
            await aggregateStream(database, stream, { ...plain, to }),
          );
        }
      }),
      { numRuns: 12 },
    );
  });

  test('is read from the snapshot on, which a new schema version forgets', async () => {
    const stream = newStream();
    await append(stream, [
      { type: 'deposited', data: 1 },
      { type: 'deposited', data: 2 },
      { type: 'deposited', data: 3 },
    ]);
    await aggregateStream(database, stream, snapshotted);
    expect(await snapshotsOf(stream)).toEqual([{ version: 3, schema_version: 1 }]);

    await append(stream, [{ type: 'deposited', data: 4 }]);
    const evolved: number[] = [];
    const counting: typeof snapshotted = {
      ...snapshotted,
      evolve: (state, event) => (evolved.push(event.version), plain.evolve(state, event)),
    };
    expect((await aggregateStream(database, stream, counting)).state.balance).toBe(10);
    expect(evolved).toEqual([4]);

    const renewed: typeof snapshotted = { ...snapshotted, snapshots: { name: 'account', schemaVersion: 2, every: 3 } };
    expect((await aggregateStream(database, stream, renewed)).state.balance).toBe(10);
    expect(await snapshotsOf(stream)).toEqual([{ version: 4, schema_version: 2 }]);
  });
});

describe('a command', () => {
  const deposit = (amount: number) => ({ aggregate: snapshotted, principal, decide: () => [{ type: 'deposited', data: amount } as const] });

  test('is decided on the state and answers the new one', async () => {
    const stream = newStream();
    await handleCommand(database, stream, deposit(5));
    const result = await handleCommand<Account, AccountEvent>(database, stream, {
      aggregate: plain,
      principal,
      decide: (state, version) => [{ type: 'renamed', data: `${state.balance} at ${version}` }],
    });
    expect(result).toMatchObject({ version: 2, state: { balance: 5, name: '5 at 1' } });
  });

  test('without events changes nothing', async () => {
    const stream = newStream();
    expect(await handleCommand<Account, AccountEvent>(database, stream, { aggregate: plain, principal, decide: () => [] })).toMatchObject({
      version: 0,
      events: [],
    });
    expect(await readStream(database, stream)).toMatchObject({ exists: false });
  });

  test('that collides is decided anew on what is there then', async () => {
    const stream = newStream();
    let decisions = 0;
    await handleCommand<Account, AccountEvent>(database, stream, {
      aggregate: plain,
      principal,
      decide: async (state) => {
        decisions += 1;
        if (decisions === 1) await append(stream, [{ type: 'deposited', data: 7 }]);
        return [{ type: 'renamed', data: `has ${state.balance}` }];
      },
    });
    expect(decisions).toBe(2);
    expect((await aggregateStream(database, stream, plain)).state).toMatchObject({ balance: 7, name: 'has 7' });
  });

  test('that collides every time is refused', async () => {
    const stream = newStream();
    let decisions = 0;
    const command = handleCommand<Account, AccountEvent>(database, stream, {
      aggregate: plain,
      principal,
      retries: 2,
      random: () => 0,
      decide: async () => {
        decisions += 1;
        await append(stream, [{ type: 'deposited', data: 1 }]);
        return [{ type: 'deposited', data: 100 }];
      },
    });
    await expect(command).rejects.toMatchObject({ code: 'expected_version' });
    expect(decisions).toBe(3);
    expect((await aggregateStream(database, stream, plain)).state.balance).toBe(3);
  });

  test('of many at once, each counts once', async () => {
    const stream = newStream();
    await Promise.all(Array.from({ length: 6 }, () => handleCommand(database, stream, { ...deposit(1), retries: 50 })));
    expect((await aggregateStream(database, stream, plain)).state.balance).toBe(6);
  });

  test('in a transaction goes back with it', async () => {
    const stream = newStream();
    const rolledBack = new Error('rolled back');
    const work = database.transaction(async (tx) => {
      await handleCommand(tx, stream, deposit(5));
      throw rolledBack;
    });
    await expect(work).rejects.toBe(rolledBack);
    expect(await readStream(database, stream)).toMatchObject({ exists: false });
  });
});
