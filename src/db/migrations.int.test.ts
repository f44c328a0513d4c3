import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from './database.ts';
import { openPglite } from './databases/pglite.ts';
import { migrate, migrationStatus, readMigrations, rollback } from './migrations.ts';
import { readSchema } from './schema.ts';

let database: Database;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'seed-migrations-'));
  database = await openPglite({
    folder: null,
    onError: (error) => {
      throw error;
    },
  });
});
afterEach(async () => {
  const { rows } = await sql<{ name: string }>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`.execute(database.db);
  for (const { name } of rows) await sql`DROP TABLE ${sql.table(name)} CASCADE`.execute(database.db);
  const functions = await sql<{ name: string }>`
    SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')`.execute(database.db);
  for (const { name } of functions.rows) await sql.raw(`DROP FUNCTION ${name} CASCADE`).execute(database.db);
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => database.close());

/** Tables, columns, indexes, constraints, triggers and functions, as text. */
async function wholeSchema(): Promise<unknown> {
  const { rows } = await sql<{ line: string }>`
    SELECT format('index %s', indexdef) AS line FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
    UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND conrelid <> 'schema_migrations'::regclass
    UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('function %s', p.oid::regprocedure) FROM pg_proc AS p WHERE pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
    ORDER BY 1`.execute(database.db);
  return { lines: rows.map(({ line }) => line), tables: (await readSchema(database)).filter(({ name }) => name !== 'schema_migrations') };
}

function write(files: Record<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  cpSync(path.join(import.meta.dirname, 'migrations'), folder, { recursive: true, filter: (source) => !source.endsWith('.sql') });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
}

const first = '-- up\nCREATE TABLE one (id int);\nINSERT INTO one VALUES (1), (2);\n\n-- down\nDROP TABLE one;\n';
const second = '-- Why.\n-- up\nALTER TABLE one ADD COLUMN two text;\n-- down\nALTER TABLE one DROP COLUMN two;\n';

describe('our own migrations', () => {
  const own = readMigrations();

  test('are numbered without gaps', () => {
    expect(own.map(({ number }) => number)).toEqual(own.map((_, index) => index + 1));
  });

  test('each go up, down and up again to the same schema', async () => {
    await migrate(database, { migrations: own.slice(0, 1) });
    await rollback(database, { migrations: own, steps: 1 });
    const schemas = [await wholeSchema()];
    for (const migration of own) {
      await migrate(database, { migrations: own.slice(0, own.indexOf(migration) + 1) });
      schemas.push(await wholeSchema());
    }
    for (const migration of own.toReversed()) {
      expect(await wholeSchema()).toEqual(schemas[own.indexOf(migration) + 1]);
      await rollback(database, { migrations: own, steps: 1 });
      expect(await wholeSchema()).toEqual(schemas[own.indexOf(migration)]);
    }
    await migrate(database, { migrations: own });
    expect(await wholeSchema()).toEqual(schemas.at(-1));
  });
});

describe('migrating', () => {
  test('applies what is pending, once, and tells what it did', async () => {
    write({ '0001_one.sql': first });
    const one = readMigrations(folder);
    expect(await migrate(database, { migrations: one })).toMatchObject({
      applied: true,
      steps: [{ number: 1, name: 'one', direction: 'up' }],
    });
    write({ '0001_one.sql': first, '0002_two.sql': second });
    const both = readMigrations(folder);
    expect((await migrationStatus(database, both)).map(({ name, state }) => [name, state])).toEqual([
      ['one', 'applied'],
      ['two', 'pending'],
    ]);
    expect((await migrate(database, { migrations: both })).steps.map(({ name }) => name)).toEqual(['two']);
    expect((await migrate(database, { migrations: both })).steps).toEqual([]);
    expect((await sql`SELECT * FROM one ORDER BY id`.execute(database.db)).rows).toEqual([
      { id: 1, two: null },
      { id: 2, two: null },
    ]);
  });

  test('of several at the same time applies each once', async () => {
    write({ '0001_one.sql': first, '0002_two.sql': second });
    const migrations = readMigrations(folder);
    await Promise.all(Array.from({ length: 4 }, () => migrate(database, { migrations })));
    expect((await migrationStatus(database, migrations)).every(({ state }) => state === 'applied')).toBe(true);
  });

  test('with dryRun only tells', async () => {
    write({ '0001_one.sql': first });
    const migrations = readMigrations(folder);
    expect(await migrate(database, { migrations, dryRun: true })).toEqual({
      applied: false,
      steps: [{ number: 1, name: 'one', direction: 'up', sql: expect.stringContaining('CREATE TABLE one') }],
    });
    expect((await migrationStatus(database, migrations))[0]?.state).toBe('pending');
    await migrate(database, { migrations });
    expect(await rollback(database, { migrations, steps: 1, dryRun: true })).toMatchObject({
      applied: false,
      steps: [{ direction: 'down', sql: 'DROP TABLE one;' }],
    });
    expect((await migrationStatus(database, migrations))[0]?.state).toBe('applied');
  });

  test('that fails leaves nothing of itself, and what was before', async () => {
    write({ '0001_one.sql': first, '0002_bad.sql': '-- up\nCREATE TABLE half (id int);\nSELECT nonsense;\n-- down\nDROP TABLE half;\n' });
    const migrations = readMigrations(folder);
    await expect(migrate(database, { migrations })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(/migration 2 \(bad\).*nonsense/),
    });
    expect((await migrationStatus(database, migrations)).map(({ state }) => state)).toEqual(['applied', 'pending']);
    expect((await readSchema(database)).map(({ name }) => name)).toEqual(['one', 'schema_migrations']);
  });

  test('refuses a file that was changed after it had been applied', async () => {
    write({ '0001_one.sql': first });
    await migrate(database, { migrations: readMigrations(folder) });
    write({ '0001_one.sql': first.replace('id int', 'id bigint') });
    const changed = readMigrations(folder);
    for (const work of [
      migrate(database, { migrations: changed }),
      rollback(database, { migrations: changed, steps: 1 }),
      migrationStatus(database, changed),
    ]) {
      await expect(work).rejects.toMatchObject({ code: 'configuration', message: expect.stringContaining('was changed') });
    }
  });

  test('refuses a database that is newer than the program', async () => {
    write({ '0001_one.sql': first, '0002_two.sql': second });
    await migrate(database, { migrations: readMigrations(folder) });
    write({ '0001_one.sql': first });
    await expect(migrate(database, { migrations: readMigrations(folder) })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('2 (two)'),
    });
  });

  test.each([0, 2, 1.5])('rolls back %s of one applied: refused', async (steps) => {
    write({ '0001_one.sql': first });
    const migrations = readMigrations(folder);
    await migrate(database, { migrations });
    await expect(rollback(database, { migrations, steps })).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

describe('a migration file', () => {
  test.each([
    ['has a name we do not know', { 'first.sql': first }],
    ['has the number of another', { '0001_one.sql': first, '0001_two.sql': second }],
    ['has no way down', { '0001_one.sql': '-- up\nSELECT 1;\n' }],
    ['has an empty way down', { '0001_one.sql': '-- up\nSELECT 1;\n-- down\n' }],
    ['begins before its way up', { '0001_one.sql': `SELECT 1;\n${first}` }],
  ])('that %s is refused', (_, files) => {
    write(files);
    expect(() => readMigrations(folder)).toThrow(expect.objectContaining({ code: 'configuration' }));
  });

  test('is hashed as it is', () => {
    write({ '0001_one.sql': first });
    const [migration] = readMigrations(folder);
    expect(migration?.checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(path.join(folder, '0001_one.sql'), 'utf8')).toBe(first);
  });
});
