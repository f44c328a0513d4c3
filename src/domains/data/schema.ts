// database:schema — what is there, and whether it is what the program expects.
import { readSchema, schemaDrift, type LiveTable } from '#db/schema.ts';
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { rowsOf } from './store.ts';

export async function schema(
  input: { action: 'list' | 'validate'; module?: string; force: boolean },
  { ports }: OperationContext<NodePorts>,
) {
  if (input.module !== undefined && input.module !== 'seed') {
    throw new SeedError('not_found', `there is no module ${JSON.stringify(input.module)} with tables`, {
      hint: 'leave it out, or say seed',
    });
  }
  const live = await readSchema(ports.database);
  const problems = input.action === 'validate' ? schemaDrift(live) : [];
  if (input.force && problems.length > 0) {
    throw new SeedError('invalid_state', `the database is not what this program expects: ${problems[0]}`, {
      details: problems,
      hint: 'seed database:status',
    });
  }
  return { ok: problems.length === 0, problems, tables: input.action === 'list' ? await withRows(live, ports) : [] };
}

function withRows(live: readonly LiveTable[], { database }: NodePorts) {
  return Promise.all(
    live.map(async ({ name, columns }) => ({
      name,
      rows: await rowsOf(database, name),
      columns: columns.map((column) => ({ name: column.name, type: column.type, nullable: column.nullable })),
    })),
  );
}
