// The embedded database: PGlite in a thread of its own, on a folder that this process alone owns.
// It never fsyncs: safe against a crash of the process, not against a power cut.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Kysely, sql } from 'kysely';
import { isSeedError, SeedError } from '#lib/error.ts';
import { Changes } from '../changes.ts';
import { databaseError } from '../database-error.ts';
import type {
  Database,
  DatabaseInfo,
  DatabaseState,
  Queries,
  StatementAnswer,
  StatementOptions,
  TransactionOptions,
  Tx,
} from '../database.ts';
import { runStatement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { Transactions } from '../transactions.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { type FreeSpace, watchFreeSpace } from './free-space.ts';
import { pgliteDialect, PgliteDriver, scriptQuery } from './pglite-driver.ts';
import { PgliteEngine } from './pglite-engine.ts';
import { EngineLife } from './pglite-life.ts';
import { upkeepDue } from './pglite-upkeep.ts';

export interface PgliteOptions {
  /** Made when it does not exist; null: in memory, gone with the process. */
  folder: string | null;
  /** A dump that a new database begins with. Default: an empty one. */
  template?: string;
  /** What goes wrong behind nobody's call: upkeep, listeners, an engine that had to be started again. */
  onError: (error: unknown) => void;
  /** Below it nothing more is written, so that what is stored stays readable. Default 64 MiB; 0: no look at the disk. */
  minFreeBytes?: number;
  /** Default 20,000. */
  upkeepEveryMs?: number;
}

const MIN_FREE_BYTES = 64 * 2 ** 20;
const FREE_SPACE_EVERY_MS = 1000;
const UPKEEP_EVERY_MS = 20_000;
const CLOSE_MS = 10_000;
const STATEMENT_MS = 5000;

/** @throws SeedError `configuration` when another process owns the folder, or it holds something else */
export async function openPglite(options: PgliteOptions): Promise<Database> {
  const { folder, template = null, minFreeBytes = MIN_FREE_BYTES, onError } = options;
  if (folder === null) {
    return begun(
      new PgliteDatabase(options, { engine: await PgliteEngine.start({ dataDir: 'memory://', template }), lock: null, space: null }),
    );
  }
  await mkdir(path.dirname(folder), { recursive: true });
  const lock = lockFolder(folder);
  let space: FreeSpace | null = null;
  try {
    if (!existsSync(path.join(folder, 'PG_VERSION'))) await createFolder(folder, template);
    if (minFreeBytes > 0) space = await watchFreeSpace(folder, { minFreeBytes, everyMs: FREE_SPACE_EVERY_MS, onError });
    return await begun(new PgliteDatabase(options, { engine: await PgliteEngine.start({ dataDir: folder, template: null }), lock, space }));
  } catch (error) {
    space?.close();
    lock.release();
    throw openingError(folder, databaseError(error));
  }
}

function openingError(folder: string, error: unknown): SeedError {
  if (isSeedError(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new SeedError('database_unavailable', `the database in ${folder} can not be opened: ${why}`, {
    cause: error,
    hint: 'restore a dump of it',
  });
}

/** kysely makes its first connection only when it is asked for it, out of the order of those who come after. */
async function begun(database: Database): Promise<Database> {
  await sql`SELECT 1`.execute(database.db);
  return database;
}

/** Under another name first: a folder that exists is whole. The thread takes initdb's 300 MB with it when it ends. */
async function createFolder(folder: string, template: string | null): Promise<void> {
  if (existsSync(folder) && (await readdir(folder)).length > 0) {
    throw new SeedError('configuration', `the folder ${folder} is not empty and holds no database`, { hint: 'choose another DATA_DIR' });
  }
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const engine = await PgliteEngine.start({ dataDir: unfinished, template });
  await engine.close();
  await rename(unfinished, folder);
}

class PgliteDatabase implements Database {
  readonly engine = 'pglite';
  readonly db: Queries;
  readonly failed: Promise<SeedError>;
  readonly #options: PgliteOptions;
  readonly #lock: FolderLock | null;
  readonly #space: FreeSpace | null;
  readonly #life: EngineLife;
  readonly #transactions: Transactions;
  readonly #changes: Changes;
  readonly #driver: PgliteDriver;
  readonly #kysely: Kysely<Tables>;
  readonly #upkeep: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  constructor(options: PgliteOptions, parts: { engine: PgliteEngine; lock: FolderLock | null; space: FreeSpace | null }) {
    this.#options = options;
    this.#life = new EngineLife(parts.engine, {
      folder: options.folder,
      isDiskLow: () => parts.space?.low() ?? false,
      onError: options.onError,
    });
    this.failed = this.#life.failed;
    this.#lock = parts.lock;
    this.#space = parts.space;
    this.#transactions = new Transactions(options.onError);
    this.#changes = new Changes(options.onError);
    this.#driver = new PgliteDriver({
      beforeWaiting: () => {
        this.#transactions.refuseBesideHandle();
        if (this.#closing !== undefined) throw new SeedError('database_unavailable', 'the database is closed');
      },
      engine: () => this.#life.liveEngine(),
      mapError: (error) => this.#life.mapError(error),
    });
    this.#kysely = new Kysely<Tables>({ dialect: pgliteDialect(this.#driver) });
    this.db = this.#kysely;
    this.#upkeep = setInterval(() => void this.#keepUp(), options.upkeepEveryMs ?? UPKEEP_EVERY_MS).unref();
  }

  transaction<T>(fn: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#transactions.run(this, this.#kysely, { fn, options });
  }

  /** Nothing inside PGlite can be interrupted, so a statement that runs too long takes its engine with it; the next one starts another. */
  async statement(text: string, options: StatementOptions = {}): Promise<StatementAnswer> {
    const { timeoutMs = STATEMENT_MS } = options;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new SeedError('deadline', `the statement ran longer than ${timeoutMs} ms and was ended`, {
      hint: 'narrow it, or raise the timeout',
    });
    try {
      return await runStatement(this, text, {
        ...options,
        onStart: () => (timer = setTimeout(() => void this.#life.engine.kill(tooLong), timeoutMs)),
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async script(tx: Tx, text: string): Promise<void> {
    await tx.executeQuery(scriptQuery(text));
  }

  notify(channel: string, payload = ''): void {
    this.#changes.notify(channel, payload);
  }

  listen(channel: string, listener: (payload: string) => void): () => void {
    return this.#changes.listen(channel, listener);
  }

  state(): DatabaseState {
    if (this.#closing !== undefined) return 'closed';
    return this.#life.failure === undefined ? 'ready' : 'failed';
  }

  async info(): Promise<DatabaseInfo> {
    const { rows } = await sql<{ version: string; size: number }>`
      SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size`.execute(this.db);
    const extensions = await sql<{ name: string; version: string }>`
      SELECT extname AS name, extversion AS version FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname`.execute(this.db);
    return {
      engine: this.engine,
      version: rows[0]?.version ?? '',
      sizeBytes: rows[0]?.size ?? 0,
      extensions: extensions.rows,
      location: this.#options.folder ?? 'memory',
      powerSafe: false,
    };
  }

  async dump(file: string): Promise<{ sizeBytes: number }> {
    const turn = await this.#driver.acquire();
    try {
      return { sizeBytes: await turn.dump(file) };
    } finally {
      turn.end();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#upkeep);
    this.#space?.close();
    const stuck = setTimeout(() => void this.#life.engine.kill(new Error('the database did not close in time')), CLOSE_MS).unref();
    try {
      await this.#driver.idle();
      await this.#life.engine.close();
    } catch (error) {
      this.#options.onError(error);
    } finally {
      clearTimeout(stuck);
      await this.#life.engine.kill(new Error('the database is closed'));
      this.#lock?.release();
    }
  }

  async #keepUp(): Promise<void> {
    try {
      for (const statement of await upkeepDue(this.db)) await sql.raw(statement).execute(this.db);
    } catch (error) {
      if (this.#closing === undefined) this.#options.onError(error);
    }
  }
}
