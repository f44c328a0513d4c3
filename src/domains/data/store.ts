// How many rows there are, whatever the table.
import { sql } from 'kysely';
import type { Database } from '#db/database.ts';
import { readSchema } from '#db/schema.ts';

export function tablesCreatedBy(script: string): string[] {
  return [...script.matchAll(/^CREATE TABLE ([a-z_]+)/gim)].map(([, name]) => name ?? '');
}

/** Rows in tables that exist; the others have none. */
export async function countRows(database: Database, tables: readonly string[]): Promise<number> {
  const live = new Set((await readSchema(database)).map((table) => table.name));
  const counts = await Promise.all(tables.filter((name) => live.has(name)).map((name) => rowsOf(database, name)));
  return counts.reduce((sum, count) => sum + count, 0);
}

export async function rowsOf(database: Database, table: string): Promise<number> {
  const { count } = await database.db
    .selectNoFrom(sql<number>`(SELECT count(*)::int FROM ${sql.table(table)})`.as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
