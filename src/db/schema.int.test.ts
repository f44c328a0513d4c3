import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { Insertable, Selectable } from 'kysely';
import type { Database } from './database.ts';
import { readSchema, schemaDrift } from './schema.ts';
import { type Tables, TABLES } from './tables.ts';
import type { JsonText } from './columns.ts';
import { testDatabase } from './testing.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

describe('the description of the tables', () => {
  test('is what the migrations make', async () => {
    expect(schemaDrift(await readSchema(database))).toEqual([]);
  });

  test.each([
    ['a column more', 'ALTER TABLE jobs ADD COLUMN extra text', 'jobs.extra: in the database, but not described'],
    ['a column less', 'ALTER TABLE jobs DROP COLUMN error', 'jobs.error: described, but not in the database'],
    ['another type', 'ALTER TABLE jobs ALTER COLUMN priority TYPE bigint', 'jobs.priority: type is int8, described as int4'],
    [
      'another nullability',
      'ALTER TABLE jobs ALTER COLUMN serial_key SET NOT NULL',
      'jobs.serial_key: nullable is false, described as true',
    ],
    ['a default less', 'ALTER TABLE jobs ALTER COLUMN priority DROP DEFAULT', 'jobs.priority: filled is insert, described as default'],
    ['a table more', 'CREATE TABLE extra (id int)', 'extra: in the database, but not described'],
    ['a table less', 'DROP TABLE outbox', 'outbox: described, but not in the database'],
  ])('is told apart from %s', async (_, change, drift) => {
    const rolledBack = new Error('rolled back');
    const work = database.transaction(async (tx) => {
      await database.script(tx, change);
      expect(schemaDrift(await readSchema(tx))).toEqual([drift]);
      throw rolledBack;
    });
    await expect(work).rejects.toBe(rolledBack);
  });

  test('leaves out what an extension brings', async () => {
    expect((await readSchema(database)).map(({ name }) => name).toSorted()).toEqual(Object.keys(TABLES).toSorted());
  });

  test('gives the types of the rows', () => {
    type Job = Selectable<Tables['jobs']>;
    expectTypeOf<Job['lease_until']>().toEqualTypeOf<Date | null>();
    expectTypeOf<Job['fence']>().toEqualTypeOf<number>();
    expectTypeOf<Job['state']>().extract<'retryable'>().toEqualTypeOf<'retryable'>();
    type NewJob = Insertable<Tables['jobs']>;
    expectTypeOf<NewJob['args']>().toEqualTypeOf<JsonText>();
    expectTypeOf<NewJob['priority']>().toEqualTypeOf<number | undefined>();
    // @ts-expect-error an identity that is always generated can not be inserted
    expectTypeOf<Insertable<Tables['events']>['position']>().toEqualTypeOf<number>();
  });
});
