// The schema's history: one numbered sequence of .sql files, each with its way down, each in its own transaction,
// and a checksum that tells when a file that has been applied was changed.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { sha256 } from '#lib/canonical-json.ts';
import { SeedError } from '#lib/error.ts';
import { type Database, queriesOf, type Scope, type Tx } from './database.ts';

export interface Migration {
  /** `seed` for our own; a module's name for its. */
  module: string;
  number: number;
  /** Of the file, without number and ending: `streams`. */
  name: string;
  up: string;
  down: string;
  /** sha256 of the file. */
  checksum: string;
}

export interface MigrationStatus {
  module: string;
  number: number;
  name: string;
  state: 'applied' | 'pending';
  appliedAt: Date | null;
}

/** What a run did, or with `dryRun` would do. */
export interface MigrationPlan {
  applied: boolean;
  steps: readonly { number: number; name: string; direction: 'up' | 'down'; sql: string }[];
}

export interface MigrateOptions {
  /** Default: our own, from migrations/. */
  migrations?: readonly Migration[];
  /** Only the plan. Default false. */
  dryRun?: boolean;
}

interface Applied {
  module: string;
  number: number;
  name: string;
  checksum: string;
  applied_at: Date;
}

const OWN_FOLDER = path.join(import.meta.dirname, 'migrations');
const FILE = /^(\d{4})_([a-z0-9_]+)\.sql$/;
/** Any number, the same in every node: who migrates holds it. */
const LOCK = 7_307_211;

/** @throws SeedError `configuration` for a file that is misnamed, lacks a part, or has another's number */
export function readMigrations(folder: string = OWN_FOLDER, module = 'seed'): Migration[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted();
  return files.map((file, index) => {
    const [, number = '', name = ''] = FILE.exec(file) ?? [];
    if (number === '' || files[index - 1]?.startsWith(number) === true) {
      throw new SeedError('configuration', `${file} is not a migration`, { hint: 'NNNN_name.sql, each number once' });
    }
    const text = readFileSync(path.join(folder, file), 'utf8');
    const [before = '', up = '', down = ''] = text.split(/^-- (?:up|down)\n/m);
    if (!/^(?:--.*\n|\s)*$/.test(before) || up.trim() === '' || down.trim() === '') {
      throw new SeedError(
        'configuration',
        `${file} needs a line "-- up", with nothing but comments before it, and a line "-- down" before its way back`,
      );
    }
    return { module, number: Number(number), name, up: up.trim(), down: down.trim(), checksum: sha256(text) };
  });
}

/** Known and applied migrations, in order. */
export async function migrationStatus(scope: Scope, migrations: readonly Migration[] = readMigrations()): Promise<MigrationStatus[]> {
  const applied = verified(await readApplied(scope), migrations);
  return migrations.map(({ module, number, name }) => {
    const appliedAt = applied.get(number)?.applied_at ?? null;
    return { module, number, name, state: appliedAt === null ? 'pending' : 'applied', appliedAt };
  });
}

/**
 * Apply what is pending, in order, each in its own transaction: a failure leaves the ones before it applied.
 * @throws SeedError `configuration` when an applied file was changed, or the database is newer than the program
 */
export async function migrate(database: Database, options: MigrateOptions = {}): Promise<MigrationPlan> {
  const { migrations = readMigrations(), dryRun = false } = options;
  const applied = verified(await readApplied(database), migrations);
  const pending = migrations.filter(({ number }) => !applied.has(number));
  if (!dryRun) {
    for (const migration of pending)
      await inTurn(database, migration, (tx, isApplied) => (isApplied ? undefined : goUp(database, tx, migration)));
  }
  return plan(pending, 'up', !dryRun);
}

/**
 * Take back the last `steps` migrations, newest first. Data in what they made is lost.
 * @throws SeedError `invalid_input` when fewer are applied
 */
export async function rollback(database: Database, options: MigrateOptions & { steps: number }): Promise<MigrationPlan> {
  const { migrations = readMigrations(), dryRun = false, steps } = options;
  const applied = verified(await readApplied(database), migrations);
  if (!Number.isInteger(steps) || steps < 1 || steps > applied.size) {
    throw new SeedError('invalid_input', `${steps} migrations can not be rolled back`, { hint: `${applied.size} are applied` });
  }
  const last = migrations
    .filter(({ number }) => applied.has(number))
    .toReversed()
    .slice(0, steps);
  if (!dryRun) {
    for (const migration of last)
      await inTurn(database, migration, (tx, isApplied) => (isApplied ? goDown(database, tx, migration) : undefined));
  }
  return plan(last, 'down', !dryRun);
}

async function goUp(database: Database, tx: Tx, { module, number, name, up, checksum }: Migration): Promise<void> {
  const started = performance.now();
  await database.script(tx, up);
  const row = { module, number, name, checksum, duration_ms: Math.round(performance.now() - started) };
  await tx.insertInto('schema_migrations').values(row).execute();
}

async function goDown(database: Database, tx: Tx, { module, number, down }: Migration): Promise<void> {
  await database.script(tx, down);
  await tx.deleteFrom('schema_migrations').where('module', '=', module).where('number', '=', number).execute();
}

/** Under a lock: nodes that start together migrate once. */
async function inTurn(
  database: Database,
  migration: Migration,
  work: (tx: Tx, isApplied: boolean) => Promise<void> | undefined,
): Promise<void> {
  const { module, number, name } = migration;
  try {
    await database.transaction(async (tx) => {
      await sql`SELECT pg_advisory_xact_lock(${LOCK}::bigint)`.execute(tx);
      await database.script(tx, CREATE_TABLE);
      const row = await tx
        .selectFrom('schema_migrations')
        .select('number')
        .where('module', '=', module)
        .where('number', '=', number)
        .executeTakeFirst();
      await work(tx, row !== undefined);
    });
  } catch (error) {
    if (error instanceof SeedError) throw error;
    throw new SeedError(
      'configuration',
      `migration ${number} (${name}) failed: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (
  module      text NOT NULL,
  number      integer NOT NULL,
  name        text NOT NULL,
  checksum    text NOT NULL,
  applied_at  timestamptz NOT NULL DEFAULT now(),
  duration_ms integer NOT NULL,
  PRIMARY KEY (module, number)
)`;

async function readApplied(scope: Scope): Promise<Applied[]> {
  const db = queriesOf(scope);
  const { rows } = await sql<{ found: boolean }>`SELECT to_regclass('schema_migrations') IS NOT NULL AS found`.execute(db);
  if (rows[0]?.found !== true) return [];
  return db.selectFrom('schema_migrations').select(['module', 'number', 'name', 'checksum', 'applied_at']).orderBy('number').execute();
}

/** By number. @throws when what is applied is not what the files say */
function verified(rows: readonly Applied[], migrations: readonly Migration[]): Map<number, Applied> {
  const module = migrations[0]?.module ?? 'seed';
  const applied = new Map(rows.filter((row) => row.module === module).map((row) => [row.number, row]));
  for (const row of applied.values()) {
    const known = migrations.find(({ number }) => number === row.number);
    if (known === undefined) {
      throw new SeedError('configuration', `the database has migration ${row.number} (${row.name}), which this program does not know`, {
        hint: 'start the newer program, or roll the migration back with it first',
      });
    }
    if (known.checksum !== row.checksum) {
      throw new SeedError('configuration', `migration ${row.number} (${row.name}) was changed after it had been applied`, {
        details: { applied: row.checksum, file: known.checksum },
        hint: 'restore the file, and put the change into a new migration',
      });
    }
  }
  return applied;
}

function plan(migrations: readonly Migration[], direction: 'up' | 'down', applied: boolean): MigrationPlan {
  return {
    applied,
    steps: migrations.map(({ number, name, up, down }) => ({ number, name, direction, sql: direction === 'up' ? up : down })),
  };
}
