// The live schema, and where it differs from what the program believes.
import { sql } from 'kysely';
import type { Columns, Filled } from './columns.ts';
import { queriesOf, type Scope } from './database.ts';
import { TABLES } from './tables.ts';

export interface LiveColumn {
  name: string;
  /** `udt_name`: `int8`, `timestamptz`, `_text`. */
  type: string;
  nullable: boolean;
  filled: Filled;
}

export interface LiveTable {
  name: string;
  columns: readonly LiveColumn[];
}

/** Tables of the schema `public`, by name; those that an extension brought are left out. */
export async function readSchema(scope: Scope): Promise<LiveTable[]> {
  const { rows } = await sql<{ table: string; name: string; type: string; nullable: boolean; filled: Filled }>`
    SELECT c.table_name AS table, c.column_name AS name, c.udt_name AS type, c.is_nullable = 'YES' AS nullable,
      CASE WHEN c.identity_generation = 'ALWAYS' OR c.is_generated = 'ALWAYS' THEN 'always'
        WHEN c.column_default IS NOT NULL OR c.identity_generation IS NOT NULL THEN 'default' ELSE 'insert' END AS filled
    FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
      AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass
        AND d.objid = format('%I.%I', c.table_schema, c.table_name)::regclass)
    ORDER BY c.table_name, c.ordinal_position`.execute(queriesOf(scope));
  const tables = Map.groupBy(rows, (row) => row.table);
  return [...tables].map(([name, columns]) => ({ name, columns: columns.map(({ table: _table, ...column }) => column) }));
}

/** One line per difference, in either direction; none: the types tell the truth. */
export function schemaDrift(live: readonly LiveTable[], described: Readonly<Record<string, Columns>> = TABLES): string[] {
  const liveTables = new Map(live.map((table) => [table.name, table.columns]));
  const names = new Set([...liveTables.keys(), ...Object.keys(described)]);
  return [...names].toSorted().flatMap((table) => {
    const columns = liveTables.get(table);
    const expected = described[table];
    if (columns === undefined) return [`${table}: described, but not in the database`];
    if (expected === undefined) return [`${table}: in the database, but not described`];
    return columnDrift(table, columns, expected);
  });
}

function columnDrift(table: string, live: readonly LiveColumn[], described: Columns): string[] {
  const liveColumns = new Map(live.map((column) => [column.name, column]));
  const names = new Set([...liveColumns.keys(), ...Object.keys(described)]);
  return [...names].flatMap((name) => {
    const found = liveColumns.get(name);
    const expected = described[name];
    if (found === undefined) return [`${table}.${name}: described, but not in the database`];
    if (expected === undefined) return [`${table}.${name}: in the database, but not described`];
    return (['type', 'nullable', 'filled'] as const)
      .filter((member) => found[member] !== expected[member])
      .map((member) => `${table}.${name}: ${member} is ${found[member]}, described as ${expected[member]}`);
  });
}
