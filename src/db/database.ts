// The database port: one SQL dialect (Postgres), whichever engine runs it. Adapters are in databases/.
import type { Kysely, Transaction } from 'kysely';
import type { SeedError } from '#lib/error.ts';
import type { Tables } from './tables.ts';

/** The query builder outside any transaction: each statement stands for itself. Transactions are begun with `Database.transaction`. */
export type Queries = Omit<Kysely<Tables>, 'transaction' | 'startTransaction' | 'connection' | 'destroy'>;

/** An open transaction; dead once the function it was given to has ended. */
export type Tx = Transaction<Tables>;

/** Where a function works: in a transaction of the caller, or in its own. */
export type Scope = Database | Tx;

export type DatabaseState = 'ready' | 'failed' | 'closed';

export interface TransactionOptions {
  /** Default false. */
  readOnly?: boolean;
  /** Default `read committed`. */
  isolation?: 'read committed' | 'repeatable read' | 'serializable';
}

export interface StatementOptions {
  parameters?: readonly unknown[];
  /** Refused by the database itself when it would change anything. Default true. */
  readOnly?: boolean;
  /** Default 5,000. Nothing in PGlite can be interrupted: there the engine ends with the statement, and is back within a second. */
  timeoutMs?: number;
  /** Rows beyond are not fetched. Default 1,000. */
  maxRows?: number;
}

export interface StatementAnswer {
  /** `SELECT`, `UPDATE`, … */
  command: string;
  columns: readonly string[];
  rows: readonly Record<string, unknown>[];
  /** Of the answer, or rows changed. */
  rowCount: number;
  /** There were more than `maxRows`. */
  truncated: boolean;
  durationMs: number;
}

export interface DatabaseInfo {
  engine: 'pglite' | 'postgres';
  /** For example `18.6`. */
  version: string;
  sizeBytes: number;
  extensions: readonly { name: string; version: string }[];
  /** PGlite: the folder; Postgres: host and database, without credentials. */
  location: string;
  /** False: a power cut may take what was written last, or more (PGlite never fsyncs). A crash of the process takes nothing. */
  powerSafe: boolean;
}

export interface Database extends AsyncDisposable {
  readonly engine: 'pglite' | 'postgres';
  readonly db: Queries;
  /**
   * Run `fn` in one transaction: committed when it fulfils, rolled back when it throws. Inside, only `tx` may be used: a statement through
   * `db` (or a second `transaction`) would wait for the end of the first, and is refused with `internal`.
   * @throws SeedError `database_unavailable`, `storage_full`; constraint violations as the engine's own error (see database-error.ts)
   */
  transaction<T>(fn: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** One statement that a person typed. @throws SeedError `invalid_input` for bad SQL or a write in read-only mode, `deadline` */
  statement(text: string, options?: StatementOptions): Promise<StatementAnswer>;
  /** Several statements in one go, without parameters: for migrations. */
  script(tx: Tx, sql: string): Promise<void>;
  /**
   * Wake whoever listens to `channel` in this process. A hint, never the truth: it may be lost with the process, so whoever listens
   * also looks by itself from time to time. From inside a transaction use `notify(scope, …)` of transactions.ts.
   */
  notify(channel: string, payload?: string): void;
  /** Called in the async context of this call, not of the notifier. @returns the way to stop */
  listen(channel: string, listener: (payload: string) => void): () => void;
  state(): DatabaseState;
  /** Fulfils, never rejects, when the engine is beyond use; then every call throws `database_unavailable`, and only a restart helps. */
  readonly failed: Promise<SeedError>;
  info(): Promise<DatabaseInfo>;
  /** A consistent copy as one compressed file, written beside `file` and renamed. PGlite: a tar.gz of its folder. */
  dump(file: string): Promise<{ sizeBytes: number }>;
  /** Waits for running statements, then gives the folder back. Idempotent. */
  close(): Promise<void>;
}

/** The query builder of a scope. */
export function queriesOf(scope: Scope): Queries {
  return isDatabase(scope) ? scope.db : scope;
}

/** In the caller's transaction, or in one of its own. */
export function inTransaction<T>(scope: Scope, fn: (tx: Tx) => Promise<T>): Promise<T> {
  return isDatabase(scope) ? scope.transaction(fn) : fn(scope);
}

export function isDatabase(scope: Scope): scope is Database {
  return 'engine' in scope;
}
