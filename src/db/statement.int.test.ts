import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from './database.ts';
import { testDatabase } from './testing.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test('a table of the program that is not there is told from a mistake of its own', async () => {
  await expect(sql`SELECT * FROM not_migrated`.execute(database.db)).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining('"not_migrated" does not exist'),
    hint: expect.stringContaining('database:migrate'),
  });
  await expect(database.statement('SELECT * FROM not_migrated')).rejects.toMatchObject({ code: 'invalid_input' });
});

describe('a statement that a person typed', () => {
  test('answers rows and columns, up to the limit', async () => {
    expect(
      await database.statement('-- a comment\n SELECT n, n * 2 AS double FROM generate_series(1, 3) AS n;', { maxRows: 2 }),
    ).toMatchObject({
      command: 'SELECT',
      columns: ['n', 'double'],
      rowCount: 2,
      truncated: true,
      rows: [
        { n: 1, double: 2 },
        { n: 2, double: 4 },
      ],
    });
    expect(await database.statement('SELECT 1 AS x WHERE false')).toMatchObject({
      columns: ['x'],
      rows: [],
      rowCount: 0,
      truncated: false,
    });
    expect(await database.statement('VALUES ($1::int)', { parameters: [7] })).toMatchObject({ rows: [{ column1: 7 }] });
    expect(await database.statement('SHOW server_encoding')).toMatchObject({ rows: [{ server_encoding: 'UTF8' }] });
  });

  test('makes no more rows than it shows', async () => {
    expect(
      await database.statement(
        'WITH RECURSIVE all_numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM all_numbers) SELECT n FROM all_numbers',
        { maxRows: 500 },
      ),
    ).toMatchObject({ rowCount: 500, truncated: true });
  });

  test.each([
    ['INSERT INTO streams (stream, version) VALUES (1, 1)', 'can not begin with "insert"'],
    ["/* SELECT */ COPY streams TO '/tmp/x'", 'can not begin with "copy"'],
    ['DO $$ BEGIN END $$', 'can not begin with "do"'],
    ['WITH gone AS (DELETE FROM jobs RETURNING 1) SELECT * FROM gone', 'data-modifying'],
    ["SELECT nextval('events_position_seq')", 'read-only mode'],
    ['EXPLAIN ANALYZE DELETE FROM jobs', 'read-only mode'],
    ['SELECT 1; DROP TABLE jobs', 'multiple commands'],
    ["SELECT set_config('transaction_read_only', 'off', false)", 'must be set before any query'],
    ['', 'can not begin with ""'],
  ])('is refused by the read-only mode: %s', async (text, message) => {
    await expect(database.statement(text)).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining(message) });
    expect(await database.db.selectFrom('jobs').select('id').execute()).toEqual([]);
  });

  test('leaves nothing behind in the session that the node goes on with', async () => {
    await database.statement("SELECT set_config('search_path', 'pg_temp', false), set_config('statement_timeout', '7', false)");
    expect(await database.db.selectFrom('jobs').select('id').execute()).toEqual([]);
    const { rows } = await database.statement('SHOW statement_timeout');
    expect(rows).toEqual([{ statement_timeout: '0' }]);
  });

  test.each(["SELECT pg_read_file('PG_VERSION')", "SELECT pg_ls_dir('.')", 'SELECT pg_stat_reset()', 'SELECT pg_switch_wal()'])(
    'may not use what only a superuser may: %s',
    async (text) => {
      await expect(database.statement(text)).rejects.toMatchObject({ code: 'invalid_input', details: { sql_state: '42501' } });
    },
  );

  test.each(['SET search_path = pg_temp', 'BEGIN', 'COMMIT', 'ROLLBACK', 'RESET ALL', 'DISCARD ALL', 'LISTEN x', 'PREPARE x AS SELECT 1'])(
    'does not steer the session, in the write mode neither: %s',
    async (text) => {
      await expect(database.statement(text, { readOnly: false })).rejects.toMatchObject({ code: 'invalid_input' });
      expect(await database.db.selectFrom('jobs').select('id').execute()).toEqual([]);
    },
  );

  test('tells where it is wrong', async () => {
    await expect(database.statement('SELECT nope FROM jobs')).rejects.toMatchObject({
      code: 'invalid_input',
      details: { sql_state: '42703', position: 8 },
    });
    await expect(database.statement('UPDATE nope SET x = 1', { readOnly: false })).rejects.toMatchObject({
      details: { sql_state: '42P01', position: 8 },
    });
  });

  test('writes when it is allowed to', async () => {
    const insert = "INSERT INTO streams (stream, version) VALUES ('typed', 3)";
    expect(await database.statement(`${insert} RETURNING version`, { readOnly: false })).toMatchObject({
      command: 'INSERT',
      rows: [{ version: 3 }],
      rowCount: 1,
    });
    expect(await database.statement("UPDATE streams SET version = 4 WHERE stream = 'typed'", { readOnly: false })).toMatchObject({
      command: 'UPDATE',
      rows: [],
      rowCount: 1,
    });
    await expect(database.statement(insert, { readOnly: false })).rejects.toMatchObject({
      code: 'conflict',
      details: { sql_state: '23505' },
    });
  });
});
