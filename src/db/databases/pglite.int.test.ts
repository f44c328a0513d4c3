import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { databaseContract } from '../database.contract.ts';
import type { Database } from '../database.ts';
import { testDatabase, testTemplate } from '../testing.ts';
import { openPglite } from './pglite.ts';
import { upkeepDue } from './pglite-upkeep.ts';

const errors: unknown[] = [];
const onError = (error: unknown): void => void errors.push(error);
/** What went wrong behind the test's back. */
function throwErrors(): void {
  if (errors.length > 0) throw new AggregateError(errors.splice(0));
}

const EVERYTHING = 'SELECT count(*) FROM generate_series(1, 1000000000000)';

databaseContract('PGlite', testDatabase);

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

  test('takes no harm from statements that have to be ended again and again', async () => {
    await insert('kept');
    for (let ended = 0; ended < 5; ended += 1) {
      await expect(database.statement(EVERYTHING, { timeoutMs: 10 })).rejects.toMatchObject({ code: 'deadline' });
    }
    expect(await streams()).toEqual(['kept']);
    expect(database.state()).toBe('ready');
    expect(errors.splice(0)).toHaveLength(5);
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
    const vacuumed = sql<{
      vacuumed: boolean;
    }>`SELECT last_vacuum IS NOT NULL AS vacuumed FROM pg_stat_user_tables WHERE relname = 'churned'`;
    await vi.waitFor(async () => expect((await vacuumed.execute(database.db)).rows).toEqual([{ vacuumed: true }]), {
      timeout: 10_000,
      interval: 100,
    });
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
  // Whoever asks before it is known waits as long as anybody may; whoever asks after it is told at once.
  await expect(database.info()).rejects.toMatchObject({ code: expect.stringMatching(/^(?:deadline|database_unavailable)$/) as string });
  expect(database.state()).toBe('failed');
  await database.close();
  expect(errors.splice(0).length).toBeGreaterThan(0);
});
