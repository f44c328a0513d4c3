// What an engine throws, in our codes. Constraint violations stay the engine's own errors, so that a store can tell them apart.
import { SeedError } from '#lib/error.ts';

const STORAGE_FULL = new Set(['ENOSPC', 'EDQUOT', '53100']);
const UNAVAILABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  '53200',
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
]);

/** After a rollback of migrations, as a rule. */
export const UNDEFINED_TABLE = '42P01';

/** SQLSTATE, or Node's error code; the empty string for anything else. */
export function sqlState(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Whether a unique constraint or index (that one, when named) refused the row. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return sqlState(error) === '23505' && (constraint === undefined || (error as { constraint?: unknown }).constraint === constraint);
}

/** Whether the row refers to one that is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  return sqlState(error) === '23503';
}

/**
 * - full disk → `storage_full`
 * - connection lost, server going down → `database_unavailable`
 * - a value no column can hold (NUL in a text, a malformed uuid) → `invalid_input`
 * - a table that is not there → `database_unavailable`
 * - statement timeout → `deadline`; deadlock or serialisation failure → `conflict`
 * - everything else, constraint violations above all, as it is
 */
export function databaseError(error: unknown): unknown {
  if (error instanceof SeedError) return error;
  const code = sqlState(error);
  const message = error instanceof Error ? error.message : String(error);
  if (STORAGE_FULL.has(code) || /No space left on device/i.test(message)) return storageFull(error);
  if (UNAVAILABLE.has(code) || code.startsWith('08')) {
    return new SeedError('database_unavailable', `the database does not answer: ${message}`, { cause: error, retryAfterMs: 1000 });
  }
  if (code.startsWith('22')) return new SeedError('invalid_input', `the database can not hold a value: ${message}`, { cause: error });
  if (code === '57014') return new SeedError('deadline', `the statement ran too long: ${message}`, { cause: error });
  if (code === UNDEFINED_TABLE) {
    return new SeedError('database_unavailable', `a table of this program is not there: ${message}`, {
      cause: error,
      hint: 'seed database:status shows what is pending; seed database:migrate --confirm brings it up to date',
    });
  }
  if (code === '40001' || code === '40P01') return new SeedError('conflict', `another transaction was first: ${message}`, { cause: error });
  return error;
}

export function storageFull(cause?: unknown): SeedError {
  return new SeedError('storage_full', 'the disk that holds the database is full', {
    cause,
    hint: 'free space on the disk of the data folder; what is stored stays readable',
    retryAfterMs: 10_000,
  });
}
