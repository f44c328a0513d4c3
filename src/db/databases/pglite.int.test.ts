import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { toJson } from '../columns.ts';
import type { Database, Tx } from '../database.ts';
import { testDatabase, testTemplate } from '../testing.ts';
import { afterCommit, notify } from '../transactions.ts';
import { openPglite } from './pglite.ts';
import { upkeepDue } from './pglite-upkeep.ts';

const errors: unknown[] = [];
const onError = (error: unknown): void => void errors.push(error);
/** What went wrong behind the test's back. */
function throwErrors(): void {
  if (errors.length > 0) throw new AggregateError(errors.splice(0));
}

const EVERYTHING = 'SELECT count(*) FROM generate_series(1, 1000000000000)';

async function one<T>(scope: Pick<Database, 'db'> | { db: Tx }, text: ReturnType<typeof sql<T>>): Promise<T | undefined> {
  return (await text.execute(scope.db)).rows[0];
}

describe('an open database', () => {
  let database: Database;
  beforeAll(async () => {
    database = await testDatabase({ onError });
  });
  afterEach(throwErrors);
  afterAll(() => database.close());

  test('tells what it is', async () => {
    const info = await database.info();
    expect(info).toMatchObject({ engine: 'pglite', version: expect.stringMatching(/^18\./), powerSafe: false, location: 'memory' });
    expect(info.sizeBytes).toBeGreaterThan(1e6);
    expect(info.extensions.map(({ name }) => name)).toEqual(['btree_gin', 'citext', 'pg_trgm', 'vector']);
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
    await sql`INSERT INTO streams (stream, version) VALUES ('twice', 1)`.execute(database.db);
    await expect(sql`INSERT INTO streams (stream, version) VALUES ('twice', 1)`.execute(database.db)).rejects.toMatchObject({
      name: 'EngineError',
      code: '23505',
      constraint: 'streams_pkey',
    });
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

describe('a database in a folder', () => {
  let root: string;
  let folder: string;
  let database: Database;
  beforeEach(async () => {
    root = mkdtempSync(path.join(os.tmpdir(), 'seed-pglite-'));
    folder = path.join(root, 'data', 'database');
    database = await openPglite({ folder, template: await testTemplate(), onError, minFreeBytes: 0 });
  });
  afterEach(async () => {
    await database.close();
    rmSync(root, { recursive: true });
    throwErrors();
  });

  const insert = (stream: string) => database.db.insertInto('streams').values({ stream, version: 1 }).execute();
  const streams = async () =>
    (await database.db.selectFrom('streams').select('stream').orderBy('stream').execute()).map(({ stream }) => stream);

  test('is whole, owned while it is open, and opens again', async () => {
    expect(readdirSync(path.dirname(folder))).toEqual(['database', 'database.lock']);
    await expect(openPglite({ folder, onError })).rejects.toMatchObject({ code: 'configuration', details: { pid: process.pid } });
    await insert('kept');
    await database.close();
    await database.close();
    expect(database.state()).toBe('closed');
    expect(readdirSync(path.dirname(folder))).toEqual(['database']);
    await expect(streams()).rejects.toMatchObject({ code: 'database_unavailable' });
    database = await openPglite({ folder, onError });
    expect(await streams()).toEqual(['kept']);
  });

  test('waits with its end for what is under way', async () => {
    const work = database.transaction(async (tx) => {
      await sql`SELECT pg_sleep(0.05)`.execute(tx);
      await tx.insertInto('streams').values({ stream: 'last', version: 1 }).execute();
    });
    await Promise.all([work, database.close()]);
    database = await openPglite({ folder, onError });
    expect(await streams()).toEqual(['last']);
  });

  test('does not stop the event loop during a long statement, and is there again when one had to be ended', async () => {
    await insert('kept');
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    await expect(database.statement(EVERYTHING, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'deadline' });
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(20);
    expect(await streams()).toEqual(['kept']);
    expect(errors.splice(0)).toMatchObject([{ code: 'deadline' }]);
    expect(database.state()).toBe('ready');
  });

  test('gives up an engine that dies again and again', async () => {
    for (let death = 0; death < 4; death += 1) {
      await expect(database.statement(EVERYTHING, { timeoutMs: 10 })).rejects.toMatchObject({ code: 'deadline' });
    }
    await expect(streams()).rejects.toMatchObject({ code: 'deadline' });
    expect(database.state()).toBe('failed');
    expect(await database.failed).toMatchObject({ code: 'deadline' });
    errors.length = 0;
  });

  test('is dumped to one compressed file that holds everything', async () => {
    await insert('kept');
    const gzip = path.join(root, 'dump.tar.gz');
    const { sizeBytes } = await database.dump(gzip);
    expect(sizeBytes).toBeGreaterThan(100_000);
    const tar = path.join(root, 'dump.tar');
    expect((await database.dump(tar)).sizeBytes).toBeGreaterThan(sizeBytes * 3);
    expect(readdirSync(root).toSorted()).toEqual(['data', 'dump.tar', 'dump.tar.gz']);
    for (const template of [tar, gzip]) {
      const copy = await openPglite({ folder: null, template, onError });
      expect(await copy.db.selectFrom('streams').select('stream').execute()).toEqual([{ stream: 'kept' }]);
      await copy.close();
    }
    await expect(database.dump(path.join(root, 'missing', 'dump.tar'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await streams()).toEqual(['kept']);
  });

  test('has what a server would do in the background done', async () => {
    await sql`CREATE TABLE churned (id int, filler text)`.execute(database.db);
    const churn = sql`WITH gone AS (DELETE FROM churned) INSERT INTO churned SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 5000) AS n`;
    const limits = { checkpointBytes: 1e6, vacuumRows: 1000, freezeAge: 2e8 };
    for (let round = 0; round < 3; round += 1) await churn.execute(database.db);
    // The statistics are reported at most once a second.
    await vi.waitFor(async () => expect(await upkeepDue(database.db, limits)).toEqual(['VACUUM (ANALYZE) public.churned', 'CHECKPOINT']), {
      timeout: 5000,
      interval: 100,
    });
    await database.close();
    database = await openPglite({ folder, onError, upkeepEveryMs: 20, minFreeBytes: 0 });
    for (let round = 0; round < 3; round += 1) await churn.execute(database.db);
    const state = sql<{ vacuumed: boolean }>`SELECT last_vacuum IS NOT NULL AS vacuumed FROM pg_stat_user_tables WHERE relname = 'churned'`;
    await vi.waitFor(async () => expect(await one(database, state)).toEqual({ vacuumed: true }), { timeout: 10_000, interval: 100 });
    await vi.waitFor(async () => expect(await upkeepDue(database.db)).toEqual([]), { timeout: 5000, interval: 100 });
  });
});

describe('a folder', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'seed-pglite-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('that holds something else is left alone', async () => {
    const folder = path.join(root, 'photos');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'cat.jpg'), '');
    await expect(openPglite({ folder, onError })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(folder),
    });
    expect(readdirSync(root)).toEqual(['photos']);
  });

  test('that was being made when its process was killed is made anew', async () => {
    const folder = path.join(root, 'database');
    mkdirSync(`${folder}.new`);
    writeFileSync(path.join(`${folder}.new`, 'PG_VERSION'), '18');
    const database = await openPglite({ folder, onError });
    expect((await database.info()).location).toBe(folder);
    await database.close();
    expect(existsSync(`${folder}.new`)).toBe(false);
  });

  test('that is broken can not be opened, and is not kept locked', async () => {
    const folder = path.join(root, 'database');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'PG_VERSION'), '18');
    await expect(openPglite({ folder, onError })).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining(folder),
    });
    expect(readdirSync(root)).toEqual(['database']);
  });
});

test('a database in memory that loses its engine has failed', async () => {
  const database = await testDatabase({ onError });
  await expect(database.statement(EVERYTHING, { timeoutMs: 10 })).rejects.toMatchObject({ code: 'deadline' });
  await expect(database.info()).rejects.toMatchObject({ code: 'deadline' });
  expect(database.state()).toBe('failed');
  await database.close();
  expect(errors.splice(0).length).toBeGreaterThan(0);
});
