import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { uuidv7 } from '#lib/id.ts';
import type { Database } from './database.ts';
import type { RecordedEvent } from './events.ts';
import { endFormerLife } from './former-life.ts';
import { Processor, readAll } from './processors.ts';
import { appendToStream } from './streams.ts';
import { testDatabase } from './testing.ts';

let database: Database;
const errors: unknown[] = [];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const principal = { kind: 'user', id: 'ada' };
const newName = (): string => `test-${uuidv7()}`;
const onError = (error: unknown): void => void errors.push(error);

async function append(stream: string, ...data: unknown[]) {
  return appendToStream(database, stream, {
    events: data.map((value) => ({ type: 'said', data: value })),
    expectedVersion: 'any',
    principal,
  });
}

async function lastPosition(): Promise<number> {
  const { rows } = await sql<{ position: number | null }>`SELECT max(position) AS position FROM events`.execute(database.db);
  return rows[0]?.position ?? 0;
}

/** A checkpoint at the end, so that a test sees its own events alone. */
async function newProcessorName(): Promise<string> {
  const name = newName();
  await database.db
    .insertInto('checkpoints')
    .values({ processor: `processor:${name}`, position: await lastPosition() })
    .execute();
  return name;
}

describe('readAll', () => {
  test('reads all streams in the order of their positions, in pages', async () => {
    const after = await lastPosition();
    await append('a-1', 1, 2);
    await append('b-1', 3);
    await append('a-1', 4);
    const first = await readAll(database, { after, max: 3 });
    const rest = await readAll(database, { after: first.at(-1)?.position ?? 0 });
    expect([...first, ...rest].map(({ data }) => data)).toEqual([1, 2, 3, 4]);
  });

  test('does not read what a running transaction has written, nor what it could still precede', async () => {
    const after = await lastPosition();
    await database.transaction(async (tx) => {
      await appendToStream(tx, newName(), { events: [{ type: 'said', data: 'uncommitted' }], expectedVersion: 'any', principal });
      expect(await readAll(tx, { after })).toEqual([]);
      // On the one session of PGlite the horizon is this transaction itself; the same comparison holds back the others' on Postgres.
      const { rows } = await sql<{ held: boolean }>`
        SELECT bool_and(transaction_id >= pg_snapshot_xmin(pg_current_snapshot())) AS held FROM events WHERE position > ${after}`.execute(
        tx,
      );
      expect(rows).toEqual([{ held: true }]);
    });
    expect((await readAll(database, { after })).map(({ data }) => data)).toEqual(['uncommitted']);
  });

  test('an append has its transaction id before its first position', async () => {
    // A trigger on what the append does first sees how far the positions have been drawn.
    const rolledBack = new Error('rolled back');
    const work = database.transaction(async (tx) => {
      const sequence = sql<{ value: number }>`SELECT last_value AS value FROM events_position_seq`;
      const before = (await sequence.execute(tx)).rows[0]?.value;
      await database.script(
        tx,
        `CREATE TABLE seen (value bigint);
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN INSERT INTO seen SELECT last_value FROM events_position_seq; RETURN NEW; END $$;
        CREATE TRIGGER see BEFORE INSERT ON streams FOR EACH ROW EXECUTE FUNCTION see();`,
      );
      await appendToStream(tx, newName(), { events: [{ type: 'said', data: 1 }], expectedVersion: 'any', principal });
      expect((await sql`SELECT value FROM seen`.execute(tx)).rows).toEqual([{ value: before }]);
      expect((await sequence.execute(tx)).rows[0]?.value).toBe((before ?? 0) + 1);
      throw rolledBack;
    });
    await expect(work).rejects.toBe(rolledBack);
  });
});

describe('a processor', () => {
  test('reacts to what was there and to what comes, in order', async () => {
    const name = await newProcessorName();
    await append('p-1', 'before');
    const seen: unknown[] = [];
    const processor = new Processor({ database, name, onError, react: async ({ data }) => void seen.push(data) });
    await vi.waitFor(() => expect(seen).toEqual(['before']));
    await append('p-1', 'after', 'and after');
    await vi.waitFor(() => expect(seen).toEqual(['before', 'after', 'and after']));
    await processor.close();
  });

  test('goes on where it was, also in the middle of a batch', async () => {
    const name = await newProcessorName();
    await append('p-2', 1, 2, 3);
    const seen: unknown[] = [];
    let fails = true;
    const react = async ({ data }: RecordedEvent): Promise<void> => {
      if (data === 2 && fails) {
        fails = false;
        throw new Error('not yet');
      }
      seen.push(data);
    };
    const first = new Processor({ database, name, onError, react });
    await vi.waitFor(() => expect(seen).toEqual([1, 2, 3]));
    await first.close();
    expect(errors.splice(0)).toEqual([new Error('not yet')]);
    await append('p-2', 4);
    const second = new Processor({ database, name, onError, react });
    await vi.waitFor(() => expect(seen).toEqual([1, 2, 3, 4]));
    await second.close();
  });

  test('projects in the transaction of its checkpoint: an error takes back both', async () => {
    const name = await newProcessorName();
    const copy = newName();
    let fails = true;
    await append('p-3', 1, 2);
    const processor = new Processor({
      database,
      name,
      onError,
      project: async (tx, events) => {
        const copied = events.filter(({ stream }) => stream === 'p-3').map(({ data }) => ({ type: 'copied', data }));
        if (copied.length > 0) await appendToStream(tx, copy, { events: copied, expectedVersion: 'any', principal });
        if (fails) {
          fails = false;
          throw new Error('half way');
        }
      },
    });
    const copied = () => database.db.selectFrom('events').select('data').where('stream', '=', copy).execute();
    await vi.waitFor(async () => expect(await copied()).toEqual([{ data: 1 }, { data: 2 }]));
    await processor.close();
    expect(errors.splice(0)).toEqual([new Error('half way')]);
  });

  test('of one name runs once; the second takes over when the first ends', async () => {
    const name = await newProcessorName();
    const seen: string[] = [];
    const reader = (who: string) =>
      new Processor({ database, name, onError, pollMs: 20, react: async ({ data }) => void seen.push(`${who} ${String(data)}`) });
    const first = reader('first');
    await append('p-4', 1);
    await vi.waitFor(() => expect(seen).toEqual(['first 1']));
    const second = reader('second');
    await append('p-4', 2);
    await vi.waitFor(() => expect(seen).toEqual(['first 1', 'first 2']));
    await first.close();
    await append('p-4', 3);
    await vi.waitFor(() => expect(seen).toEqual(['first 1', 'first 2', 'second 3']));
    await second.close();
  });

  test('that another node has taken over from can save nothing any more', async () => {
    const name = await newProcessorName();
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const stale = new Processor({
      database,
      name,
      onError,
      react: async () => {
        reached.resolve();
        await goOn.promise;
      },
    });
    await append('p-5', 1);
    await reached.promise;
    const row = () =>
      database.db
        .selectFrom('checkpoints')
        .select(['position', 'owner'])
        .where('processor', '=', `processor:${name}`)
        .executeTakeFirstOrThrow();
    await sql`UPDATE checkpoints SET fence = fence + 1, owner = 'other', lease_until = now() + interval '1 hour' WHERE processor = ${`processor:${name}`}`.execute(
      database.db,
    );
    const before = await row();
    goOn.resolve();
    await vi.waitFor(() => expect(errors).toHaveLength(1));
    expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'conflict' })]);
    await stale.close();
    expect(await row()).toEqual(before);
  });

  test("is not held up by its former life's lease", async () => {
    const name = await newProcessorName();
    await database.db
      .updateTable('checkpoints')
      .set({ owner: 'killed', lease_until: new Date(Date.now() + 3_600_000) })
      .where('processor', '=', `processor:${name}`)
      .execute();
    await endFormerLife(database);
    const seen: unknown[] = [];
    const processor = new Processor({ database, name, onError, react: async ({ data }) => void seen.push(data) });
    await append('p-6', 'again');
    await vi.waitFor(() => expect(seen).toEqual(['again']));
    await processor.close();
  });
});
