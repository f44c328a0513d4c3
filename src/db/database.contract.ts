// What every adapter of the database port must do. `open` gives a migrated, empty database.
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { toJson } from './columns.ts';
import type { Database, Tx } from './database.ts';
import { isUniqueViolation } from './database-error.ts';
import { afterCommit, notify } from './transactions.ts';

export function databaseContract(name: string, open: (options: { onError: (error: unknown) => void }) => Promise<Database>): void {
  describe(`the database port: ${name}`, () => {
    const errors: unknown[] = [];
    let database: Database;
    beforeAll(async () => {
      database = await open({ onError: (error) => errors.push(error) });
    });
    afterEach(() => {
      if (errors.length > 0) throw new AggregateError(errors.splice(0));
    });
    afterAll(() => database.close());

    test('tells what it is', async () => {
      const info = await database.info();
      expect(info).toMatchObject({ engine: database.engine, version: expect.stringMatching(/^\d+\.\d+/) });
      expect(info.location).not.toBe('');
      expect(info.sizeBytes).toBeGreaterThan(1e6);
      expect(info.extensions.map((extension) => extension.name)).toEqual(
        expect.arrayContaining(['btree_gin', 'citext', 'pg_trgm', 'vector']),
      );
      expect(database.state()).toBe('ready');
    });

    test('gives values of each type as they were written', async () => {
      const at = new Date('2026-02-03T04:05:06.789Z');
      const row = await one(
        database,
        sql<
          Record<string, unknown>
        >`SELECT ${2 ** 53 - 1}::bigint AS big, ${at}::timestamptz AS at, ${Buffer.from([0, 255])}::bytea AS bytes, ${['a', 'b,"c']}::text[] AS texts,
        ${toJson('a "string"')}::jsonb AS text, ${toJson([1, { b: null }])}::jsonb AS list, ${'Ada'}::citext = 'ADA' AS same, ${null}::text AS nothing, '[1,2]'::vector <-> '[1,4]' AS distance`,
      );
      expect(row).toMatchObject({
        big: 2 ** 53 - 1,
        at,
        texts: ['a', 'b,"c'],
        text: 'a "string"',
        list: [1, { b: null }],
        same: true,
        nothing: null,
        distance: 2,
      });
      expect(Buffer.from(row?.bytes as Uint8Array)).toEqual(Buffer.from([0, 255]));
    });

    test('gives constraint violations as they are, and data that no column can hold as bad input', async () => {
      const insert = () => sql`INSERT INTO streams (stream, version) VALUES ('twice', 1)`.execute(database.db);
      await insert();
      const refused: unknown = await insert().catch((error: unknown) => error);
      expect([undefined, 'streams_pkey', 'another'].map((constraint) => isUniqueViolation(refused, constraint))).toEqual([
        true,
        true,
        false,
      ]);
      await expect(database.db.selectFrom('jobs').select('id').where('id', '=', 'no uuid').execute()).rejects.toMatchObject({
        code: 'invalid_input',
      });
    });

    describe('in a transaction', () => {
      test('commits all or nothing', async () => {
        const insert = (tx: Tx, stream: string) => tx.insertInto('streams').values({ stream, version: 1 }).execute();
        await database.transaction((tx) => insert(tx, 'kept'));
        const work = database.transaction(async (tx) => {
          await insert(tx, 'gone');
          await insert(tx, 'kept');
        });
        await expect(work).rejects.toMatchObject({ code: '23505' });
        expect(await database.db.selectFrom('streams').select('stream').where('stream', 'in', ['kept', 'gone']).execute()).toEqual([
          { stream: 'kept' },
        ]);
      });

      test('refuses a statement or a second transaction beside its handle instead of waiting for ever', async () => {
        await database.transaction(async (tx) => {
          await expect(sql`SELECT 1`.execute(database.db)).rejects.toMatchObject({
            code: 'internal',
            message: expect.stringContaining('beside'),
          });
          await expect(database.transaction(async () => {})).rejects.toMatchObject({ code: 'internal' });
          await expect(Promise.resolve().then(() => database.info())).rejects.toMatchObject({ code: 'internal' });
          expect((await sql`SELECT 1 AS fine`.execute(tx)).rows).toEqual([{ fine: 1 }]);
        });
        expect((await sql`SELECT 1 AS fine`.execute(database.db)).rows).toEqual([{ fine: 1 }]);
      });

      test('lets others wait for its end', async () => {
        const order: string[] = [];
        const entered = Promise.withResolvers<void>();
        const leave = Promise.withResolvers<void>();
        const transaction = database.transaction(async (tx) => {
          entered.resolve();
          await leave.promise;
          await sql`SELECT 1`.execute(tx);
          order.push('transaction');
        });
        await entered.promise;
        const other = sql`SELECT 1`.execute(database.db).then(() => order.push('other'));
        leave.resolve();
        await Promise.all([transaction, other]);
        expect(order).toEqual(['transaction', 'other']);
      });

      test('has a handle that is dead afterwards', async () => {
        let kept: Tx | undefined;
        await database.transaction(async (tx) => {
          kept = tx;
        });
        await expect(sql`SELECT 1`.execute(kept as Tx)).rejects.toThrow(/already committed/);
        expect(() => notify(kept as Tx, 'any')).toThrow(/ended/);
      });

      test('does not report a commit that was none', async () => {
        const work = database.transaction(async (tx) => {
          await tx.insertInto('streams').values({ stream: 'swallowed', version: 1 }).execute();
          await expect(sql`SELECT 1 / 0`.execute(tx)).rejects.toThrow(/division by zero/);
        });
        await expect(work).rejects.toThrow(/rolled back instead of committed/);
        expect(await one(database, sql`SELECT 1 FROM streams WHERE stream = 'swallowed'`)).toBeUndefined();
      });

      test('is read-only, or sees one snapshot, when asked for', async () => {
        const write = (tx: Tx) => tx.insertInto('streams').values({ stream: 'never', version: 1 }).execute();
        await expect(database.transaction(write, { readOnly: true })).rejects.toMatchObject({ code: '25006' });
        const level = await database.transaction((tx) => one({ db: tx }, sql`SHOW transaction_isolation`), { isolation: 'serializable' });
        expect(level).toEqual({ transaction_isolation: 'serializable' });
      });

      test('runs what comes after the commit then, in order, and not after a rollback', async () => {
        const seen: string[] = [];
        const stop = database.listen('channel', (payload) => seen.push(`told ${payload}`));
        await database.transaction(async (tx) => {
          afterCommit(tx, () => seen.push('hook'));
          afterCommit(tx, () => {
            throw new Error('broken hook');
          });
          notify(tx, 'channel', 'once');
          expect(seen).toEqual([]);
        });
        const failed = new Error('rolled back');
        const work = database.transaction(async (tx) => {
          notify(tx, 'channel', 'never');
          throw failed;
        });
        await expect(work).rejects.toBe(failed);
        expect(seen).toEqual(['hook', 'told once']);
        expect(errors.splice(0)).toEqual([new Error('broken hook')]);
        stop();
        notify(database, 'channel', 'to nobody');
        expect(seen).toHaveLength(2);
      });

      test('does not leak into those whom it wakes', async () => {
        const answers: unknown[] = [];
        const stop = database.listen('woken', () => void sql`SELECT 1 AS fine`.execute(database.db).then(({ rows }) => answers.push(rows)));
        await database.transaction(async () => database.notify('woken'));
        await vi.waitFor(() => expect(answers).toEqual([[{ fine: 1 }]]));
        stop();
      });
    });
  });
}

async function one<T>(scope: Pick<Database, 'db'> | { db: Tx }, text: ReturnType<typeof sql<T>>): Promise<T | undefined> {
  return (await text.execute(scope.db)).rows[0];
}
