// database:* — the database under everything.
import { z } from 'zod';
import { operation } from '../operation.ts';

const moduleName = z.string().max(64).optional().describe('only migrations of this module; default: all');
const migrationItem = z.object({ number: z.int(), name: z.string(), module: z.string() });

export const status = operation({
  name: 'database:status',
  summary: 'engine, version, size, migrations',
  kind: 'read',
  permission: { resource: 'database', action: 'read' },
  input: z.object({}),
  output: z.object({
    engine: z.string(),
    version: z.string(),
    state: z.string(),
    location: z.string(),
    sizeBytes: z.int(),
    extensions: z.array(z.object({ name: z.string(), version: z.string() })),
    powerSafe: z.boolean().describe('false: a power cut may take what was written last (the embedded engine never fsyncs)'),
    migration: z.int().describe('number of the newest applied migration'),
    pending: z.int(),
  }),
  http: { method: 'GET', path: '/api/database/status' },
  examples: [{ summary: 'which engine, how large', input: {} }],
  handler: () => import('./migration.ts').then((m) => m.status),
});

export const migrate = operation({
  name: 'database:migrate',
  dryRun: true,
  summary: 'run pending migrations',
  kind: 'dangerous',
  permission: { resource: 'database', action: 'migrate' },
  input: z.object({ module: moduleName }),
  output: z.object({ migrations: z.array(migrationItem), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/database/migrate' },
  examples: [{ summary: 'bring it up to date', input: {} }],
  handler: () => import('./migration.ts').then((m) => m.migrate),
});

export const rollback = operation({
  name: 'database:rollback',
  dryRun: true,
  summary: 'roll back the newest migrations',
  description:
    'What the migrations created is dropped with everything in it. The node restarts its services only after the next migrate; use it on a copy first.',
  kind: 'dangerous',
  permission: { resource: 'database', action: 'migrate' },
  input: z.object({
    steps: z.int().min(1).max(100).default(1),
    module: moduleName,
    force: z.boolean().default(false).describe('also when the tables that would be dropped hold rows'),
  }),
  output: z.object({ migrations: z.array(migrationItem), rows: z.int().describe('in the tables that are dropped'), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/database/rollback' },
  examples: [{ summary: 'what the last one would drop; add --dry-run', input: { steps: 1 } }],
  handler: () => import('./migration.ts').then((m) => m.rollback),
});

export const schema = operation({
  name: 'database:schema',
  summary: 'tables and columns, or whether they are what the program expects',
  kind: 'read',
  permission: { resource: 'database', action: 'read' },
  input: z.object({
    action: z.enum(['list', 'validate']).default('list'),
    module: moduleName,
    force: z.boolean().default(false).describe('with validate: fail when something is not as expected, instead of only saying so'),
  }),
  output: z.object({
    ok: z.boolean(),
    problems: z.array(z.string()),
    tables: z.array(
      z.object({
        name: z.string(),
        rows: z.int(),
        columns: z.array(z.object({ name: z.string(), type: z.string(), nullable: z.boolean() })),
      }),
    ),
  }),
  http: { method: 'GET', path: '/api/database/schema' },
  examples: [
    { summary: 'all tables', input: {} },
    { summary: 'is it what the program expects?', input: { action: 'validate' } },
  ],
  handler: () => import('./schema.ts').then((m) => m.schema),
});

export const query = operation({
  name: 'database:query',
  summary: 'run one SQL statement, read-only unless told otherwise',
  kind: 'dangerous',
  permission: { resource: 'database', action: 'query' },
  input: z.object({
    sql: z.string().min(1).max(65_536).optional(),
    file: z.string().min(1).max(65_536).optional().describe('file with the statement'),
    readonly: z.boolean().default(true).describe('refused by the database itself when it would change anything'),
    maxRows: z.int().min(1).max(10_000).default(1_000),
    timeout: z.string().max(20).default('5s').describe('from 100ms to 60s'),
  }),
  output: z.object({
    command: z.string(),
    columns: z.array(z.string()),
    rows: z.array(z.record(z.string(), z.unknown())).describe('by column, as the database names it'),
    rowCount: z.int().describe('in the answer, or changed'),
    truncated: z.boolean().describe('there were more than max_rows, or more than 4 MiB'),
    durationMs: z.number(),
  }),
  http: { method: 'POST', path: '/api/database/query' },
  cli: { positionals: ['sql'], upload: { file: 'file' } },
  examples: [{ summary: 'how many calls were recorded', input: { sql: 'select agent, count(*) from calls group by agent' } }],
  handler: () => import('./statement.ts').then((m) => m.query),
});
