// Handlers of database:status, database:migrate and database:rollback.
import { migrate as runMigrations, migrationStatus, readMigrations, rollback as rollBack, type MigrationPlan } from '#db/migrations.ts';
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { countRows, tablesCreatedBy } from './store.ts';

type Context = OperationContext<NodePorts>;

const OWN_MODULE = 'seed';

export async function status(_input: object, { ports }: Context) {
  const [info, migrations] = await Promise.all([ports.database.info(), migrationStatus(ports.database)]);
  const applied = migrations.filter((migration) => migration.state === 'applied');
  return {
    engine: info.engine,
    version: info.version,
    state: ports.database.state(),
    location: info.location,
    sizeBytes: info.sizeBytes,
    extensions: info.extensions,
    powerSafe: info.powerSafe,
    migration: applied.at(-1)?.number ?? 0,
    pending: migrations.length - applied.length,
  };
}

function items(plan: MigrationPlan) {
  return plan.steps.map((step) => ({ number: step.number, name: step.name, module: OWN_MODULE }));
}

/** Only the program itself has migrations so far; modules bring their own later. */
function checkModule(name: string | undefined): void {
  if (name === undefined || name === OWN_MODULE) return;
  throw new SeedError('not_found', `there is no module ${JSON.stringify(name)} with migrations`, {
    hint: `leave it out, or say ${OWN_MODULE}`,
  });
}

export async function migrate(input: { module?: string }, { ports, dryRun }: Context) {
  checkModule(input.module);
  const plan = await runMigrations(ports.database, { dryRun });
  return { migrations: items(plan), applied: plan.applied };
}

export async function rollback(input: { steps: number; module?: string; force: boolean }, { ports, dryRun }: Context) {
  checkModule(input.module);
  const plan = await rollBack(ports.database, { steps: input.steps, dryRun: true });
  const numbers = new Set(plan.steps.map((step) => step.number));
  const tables = readMigrations()
    .filter((migration) => numbers.has(migration.number))
    .flatMap((migration) => tablesCreatedBy(migration.up));
  const rows = await countRows(ports.database, tables);
  if (dryRun) return { migrations: items(plan), rows, applied: false };
  if (rows > 0 && !input.force) {
    throw new SeedError('invalid_state', `${rows} rows in ${tables.join(', ')} would be lost`, {
      hint: 'add --force to drop them all the same',
    });
  }
  const done = await rollBack(ports.database, { steps: input.steps });
  return { migrations: items(done), rows, applied: done.applied };
}
