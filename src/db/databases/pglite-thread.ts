// The thread that PGlite runs in. On the node's own event loop every statement would stop everything else for its length, an index build
// for seconds, a runaway query for ever; and a chain of awaited statements, all microtasks, would starve timers and sockets.
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createGzip } from 'node:zlib';
import type { PGlite, Results } from '@electric-sql/pglite';

export interface ThreadData {
  /** A folder, or `memory://`. */
  dataDir: string;
  /** A tar of a folder to begin with; null: initdb, or the folder as it is. */
  template: string | null;
}

/** `query` is one statement; `exec` several without parameters; `dump` writes a file; `close` ends the thread. */
export type Request = { id: number } & (
  | { op: 'query'; sql: string; parameters: readonly unknown[] }
  | { op: 'exec'; sql: string }
  | { op: 'dump'; file: string; gzip: boolean }
  | { op: 'close' }
);

export interface Answer {
  rows: Record<string, unknown>[];
  columns: string[];
  rowCount: number;
  /** Of the last statement: `SELECT`, `COMMIT`, … */
  command: string;
}

/** What is left of an engine's error when it crosses threads. */
export interface ErrorAnswer {
  message: string;
  /** SQLSTATE or Node's code, and Postgres' other fields. */
  fields: Record<string, string>;
  /** The engine is beyond use: Postgres gave up (PANIC), or the machine under it did. */
  fatal: boolean;
}

export type Reply = { id: number; answer: Answer } | { id: number; error: ErrorAnswer };

/** The first message of the thread: id 0. */
export const READY_ID = 0;

const ERROR_FIELDS = [
  'code',
  'severity',
  'detail',
  'hint',
  'position',
  'where',
  'schema',
  'table',
  'column',
  'constraint',
  'routine',
] as const;
/** Names of what WebAssembly, its exit and its file system throw. */
const BREAKDOWNS = new Set(['RuntimeError', 'ExitStatus', 'ErrnoError']);
const NOTHING: Answer = { rows: [], columns: [], rowCount: 0, command: '' };
const EXTENSIONS = ['vector', 'citext', 'pg_trgm', 'btree_gin'] as const;

/**
 * Without a checkpointer process the log is only as short as our own checkpoints keep it (see pglite-upkeep.ts). Memory is the node's.
 * What is not in it is in the system's cache: an index is worth its page. Files of tables and indexes stay open once they were used:
 * without an end their number would grow as long as new ones are met.
 */
const SETTINGS = ['max_wal_size=128MB', 'min_wal_size=32MB', 'shared_buffers=64MB', 'random_page_cost=1.1', 'max_files_per_process=160'];

if (parentPort !== null) await serve(parentPort, workerData as ThreadData);

async function serve(port: NonNullable<typeof parentPort>, data: ThreadData): Promise<void> {
  const reply = (id: number, work: Promise<Answer>): Promise<void> =>
    work.then(
      (answer) => port.postMessage({ id, answer } satisfies Reply),
      (error: unknown) => port.postMessage({ id, error: toErrorAnswer(error) } satisfies Reply),
    );
  let engine: PGlite | undefined;
  await reply(
    READY_ID,
    open(data).then((opened) => ((engine = opened), NOTHING)),
  );
  if (engine === undefined) return port.close();
  const live = engine;
  port.on('message', (request: Request) => {
    void reply(request.id, answer(live, request)).then(() => (request.op === 'close' ? port.close() : undefined));
  });
}

async function open({ dataDir, template }: ThreadData): Promise<PGlite> {
  const [{ PGlite }, { vector }, { citext }, { pg_trgm }, { btree_gin }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite-pgvector'),
    import('@electric-sql/pglite/contrib/citext'),
    import('@electric-sql/pglite/contrib/pg_trgm'),
    import('@electric-sql/pglite/contrib/btree_gin'),
  ]);
  const engine = await PGlite.create({
    dataDir,
    extensions: { vector, citext, pg_trgm, btree_gin },
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ['-c', setting])],
    initDbStartParams: ['--wal-segsize=4'],
    ...(template === null ? {} : { loadDataDir: new Blob([await readFile(template)]) }),
  });
  const { rows } = await engine.query<{ extname: string }>('SELECT extname FROM pg_extension');
  const missing = EXTENSIONS.filter((name) => !rows.some(({ extname }) => extname === name));
  if (missing.length > 0) {
    await engine.exec(missing.map((name) => `CREATE EXTENSION ${name};`).join('\n'));
    await engine.refreshArrayTypes();
  }
  return engine;
}

async function answer(engine: PGlite, request: Request): Promise<Answer> {
  switch (request.op) {
    case 'query': {
      // PGlite swallows what breaks its WebAssembly in the middle of a statement, and then has no result.
      const result: Results<Record<string, unknown>> | undefined = await engine.query<Record<string, unknown>>(request.sql, [
        ...request.parameters,
      ]);
      if (result === undefined) throw Object.assign(new Error('the engine broke off'), { name: 'ExitStatus' });
      const { rows, fields, affectedRows, rowCount, command } = result;
      return { rows, columns: fields.map(({ name }) => name), rowCount: affectedRows ?? rowCount ?? rows.length, command: command ?? '' };
    }
    case 'exec':
      return { ...NOTHING, command: (await engine.exec(request.sql)).at(-1)?.command ?? '' };
    case 'dump':
      return { ...NOTHING, rowCount: await dump(engine, request) };
    case 'close':
      await engine.close();
      return NOTHING;
  }
}

/** @returns bytes */
async function dump(engine: PGlite, { file, gzip }: { file: string; gzip: boolean }): Promise<number> {
  // A dump is the files as they are: the checkpoint makes them whole without a replay of the log.
  await engine.exec('CHECKPOINT');
  const tar = await engine.dumpDataDir('none');
  const temporary = `${file}.${process.pid}.part`;
  try {
    const source = Readable.fromWeb(tar.stream());
    const target = createWriteStream(temporary, { mode: 0o600, flush: true });
    await (gzip ? pipeline(source, createGzip({ level: 3 }), target) : pipeline(source, target));
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return (await stat(file)).size;
}

function toErrorAnswer(thrown: unknown): ErrorAnswer {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const present = Object.entries(error).filter(
    ([name, value]) => (ERROR_FIELDS as readonly string[]).includes(name) && typeof value === 'string',
  );
  const fields = Object.fromEntries(present) as Record<string, string>;
  const fatal = ['PANIC', 'FATAL'].includes(fields.severity ?? '') || BREAKDOWNS.has(error.name);
  return { message: error.message, fields, fatal };
}
