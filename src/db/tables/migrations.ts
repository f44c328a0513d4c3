// What has been applied, and how it read when it was.
import { defaulted, integer, text, timestamp } from '../columns.ts';

export const migrationTables = {
  schema_migrations: {
    module: text(),
    number: integer(),
    name: text(),
    /** sha256 of the file. */
    checksum: text(),
    applied_at: defaulted(timestamp()),
    duration_ms: integer(),
  },
} as const;
