// Every table of the database. An area adds its own file under tables/ and one line here;
// schema.int.test.ts compares the result with a migrated database.
import type { TableOf } from './columns.ts';
import { approvalTables } from './tables/approvals.ts';
import { configTables } from './tables/config.ts';
import { identityTables } from './tables/identity.ts';
import { improvementTables } from './tables/improvements.ts';
import { jobTables } from './tables/jobs.ts';
import { migrationTables } from './tables/migrations.ts';
import { runtimeTables } from './tables/runtime.ts';
import { streamTables } from './tables/streams.ts';

export const TABLES = {
  ...migrationTables,
  ...streamTables,
  ...jobTables,
  ...configTables,
  ...identityTables,
  ...runtimeTables,
  ...improvementTables,
  ...approvalTables,
} as const;

export type Tables = { [Name in keyof typeof TABLES]: TableOf<(typeof TABLES)[Name]> };
