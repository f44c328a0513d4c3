// kysely over the one session that PGlite has. kysely's own PGlite driver waits for ever when a statement is made beside an open
// transaction, and reports a COMMIT that rolled back as a success; this one refuses both.
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PGliteAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import { SeedError } from '#lib/error.ts';
import type { PgliteEngine } from './pglite-engine.ts';

/** What kysely's result carries beyond its own members. */
export interface EngineResult<R> extends QueryResult<R> {
  columns: readonly string[];
  command: string;
}

/** What the adapter decides for its driver. */
export interface SessionRules {
  /** Before waiting for the session. @throws when the caller would wait for itself, or the database is closed */
  beforeWaiting(): void;
  /** Once the session is this caller's: the engine to use. */
  engine(): Promise<PgliteEngine>;
  /** Every error of the engine, as it shall be thrown. */
  mapError(error: unknown): unknown;
}

export function pgliteDialect(driver: PgliteDriver): Dialect {
  const adapter = new PGliteAdapter();
  // "One connection only" would make kysely queue before our driver is asked; the queue is ours, after the check.
  Object.defineProperty(adapter, 'supportsMultipleConnections', { value: true });
  return {
    createAdapter: () => adapter,
    createDriver: () => driver,
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

const scripts = new WeakSet<CompiledQuery>();

/** A query that holds several statements, and no parameters. */
export function scriptQuery(text: string): CompiledQuery {
  const query = CompiledQuery.raw(text);
  scripts.add(query);
  return query;
}

/** The session for the time of one statement or one transaction. */
export class Turn implements DatabaseConnection {
  readonly #engine: PgliteEngine;
  readonly #rules: SessionRules;
  readonly #over: () => void;

  constructor(engine: PgliteEngine, work: { rules: SessionRules; over: () => void }) {
    this.#engine = engine;
    this.#rules = work.rules;
    this.#over = work.over;
  }

  /** Idempotent. */
  end(): void {
    this.#over();
  }

  executeQuery<R>(query: CompiledQuery): Promise<EngineResult<R>> {
    if (scripts.has(query)) return this.script(query.sql).then((command) => ({ rows: [], columns: [], command }));
    return this.#mapped(async () => {
      const { rows, columns, rowCount, command } = await this.#engine.send({ op: 'query', sql: query.sql, parameters: query.parameters });
      return { rows: rows as R[], numAffectedRows: BigInt(rowCount), columns, command };
    });
  }

  /** Several statements without parameters. @returns the last one's command, as the engine reports it */
  script(sql: string): Promise<string> {
    return this.#mapped(async () => (await this.#engine.send({ op: 'exec', sql })).command);
  }

  dump(file: string): Promise<number> {
    return this.#mapped(async () => (await this.#engine.send({ op: 'dump', file, gzip: !file.endsWith('.tar') })).rowCount);
  }

  /** The session is gone, and any transaction with it. */
  get dead(): boolean {
    return this.#engine.death !== undefined;
  }

  streamQuery(): AsyncIterableIterator<never> {
    throw new SeedError('internal', 'rows are not streamed: read in pages');
  }

  async #mapped<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#rules.mapError(error);
    }
  }
}

export class PgliteDriver implements Driver {
  readonly #rules: SessionRules;
  #tail: Promise<void> = Promise.resolve();

  constructor(rules: SessionRules) {
    this.#rules = rules;
  }

  async init(): Promise<void> {}

  acquireConnection(): Promise<Turn> {
    return this.acquire();
  }

  /** In the order of asking. */
  async acquire(): Promise<Turn> {
    this.#rules.beforeWaiting();
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#tail;
    this.#tail = promise;
    await before;
    try {
      return new Turn(await this.#rules.engine(), { rules: this.#rules, over: resolve });
    } catch (error) {
      resolve();
      throw error;
    }
  }

  /** Fulfils when everything that was asked for before has ended. */
  idle(): Promise<void> {
    return this.#tail;
  }

  async beginTransaction(connection: Turn, { accessMode, isolationLevel }: TransactionSettings): Promise<void> {
    await connection.script(`BEGIN ISOLATION LEVEL ${isolationLevel ?? 'read committed'}${accessMode === 'read only' ? ' READ ONLY' : ''}`);
  }

  async commitTransaction(connection: Turn): Promise<void> {
    const command = await connection.script('COMMIT');
    if (command === 'ROLLBACK') {
      throw new SeedError('internal', 'the transaction was rolled back instead of committed: an earlier statement in it had failed', {
        hint: 'let the error of a statement end its transaction',
      });
    }
  }

  async rollbackTransaction(connection: Turn): Promise<void> {
    if (!connection.dead) await connection.script('ROLLBACK');
  }

  async releaseConnection(connection: Turn): Promise<void> {
    connection.end();
  }

  async destroy(): Promise<void> {}
}
