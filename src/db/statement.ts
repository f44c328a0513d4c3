// A statement that a person typed: one at a time, read-only unless asked otherwise, cut off by rows.
import { CompiledQuery } from 'kysely';
import { isSeedError, SeedError } from '#lib/error.ts';
import type { Database, StatementAnswer, StatementOptions, Tx } from './database.ts';
import { sqlState, UNDEFINED_TABLE } from './database-error.ts';

const BATCH_ROWS = 200;
const CURSOR = 'DECLARE seed_statement NO SCROLL CURSOR FOR ';

/** What a read may begin with. COPY and DO are not refused by a read-only transaction, yet can write files. */
const CURSOR_READS = new Set(['select', 'with', 'values', 'table']);
const PLAIN_READS = new Set(['show', 'explain']);
/** What would steer the session that everybody shares, or end the transaction that the statement is in. */
const SESSION_COMMANDS = new Set(
  'set reset discard begin start commit end rollback abort savepoint release prepare execute deallocate declare fetch move close listen unlisten load'.split(
    ' ',
  ),
);

/** A write in a read-only transaction; something that needs more rights than a read has. */
const READ_ONLY = new Set(['25006', '42501']);

/**
 * A read is not a superuser's: files, the log and the server are out of its reach. Where the user is none, as a rule on a server,
 * there is nothing to give up.
 */
const GIVE_UP_RIGHTS = `SELECT CASE WHEN current_setting('is_superuser') = 'on' THEN set_config('role', 'pg_read_all_data', true) END`;

interface Fetched {
  command: string;
  columns: readonly string[];
  rows: Record<string, unknown>[];
  rowCount: number;
}

/** @throws SeedError `invalid_input`, with `details.sql_state` when the database refused it; `conflict` for a constraint */
export async function runStatement(
  database: Database,
  text: string,
  options: StatementOptions & { onStart?: (tx: Tx) => void },
): Promise<StatementAnswer> {
  const { parameters = [], readOnly = true, maxRows = 1000 } = options;
  const started = performance.now();
  const keyword = firstWord(text);
  if (readOnly && !CURSOR_READS.has(keyword) && !PLAIN_READS.has(keyword)) {
    throw new SeedError('invalid_input', `a read-only statement can not begin with ${JSON.stringify(keyword)}`, {
      hint: 'SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN; anything else needs the write mode',
    });
  }
  if (SESSION_COMMANDS.has(keyword)) {
    throw new SeedError(
      'invalid_input',
      `a statement can not begin with ${JSON.stringify(keyword)}: it is run in a transaction of its own`,
      {
        hint: 'give the statement alone',
      },
    );
  }
  const one = { sql: withoutEnd(text), parameters, maxRows };
  try {
    const work = async (tx: Tx): Promise<Fetched> => {
      options.onStart?.(tx);
      if (!readOnly) return run(tx, one.sql, parameters);
      await run(tx, GIVE_UP_RIGHTS, []);
      return CURSOR_READS.has(keyword) ? fetchByCursor(tx, one) : run(tx, one.sql, parameters);
    };
    const { command, columns, rows, rowCount } = readOnly ? await readAndForget(database, work) : await database.transaction(work);
    const kept = rows.slice(0, maxRows);
    return {
      command,
      columns,
      rows: kept,
      rowCount: rows.length > 0 ? kept.length : rowCount,
      truncated: rows.length > maxRows,
      durationMs: performance.now() - started,
    };
  } catch (error) {
    throw refused(error, { readOnly, before: readOnly && CURSOR_READS.has(keyword) ? CURSOR.length : 0 });
  }
}

/** Rolled back at its end: a read-only transaction refuses writes, yet would keep what `set_config` does to the session. */
async function readAndForget(database: Database, work: (tx: Tx) => Promise<Fetched>): Promise<Fetched> {
  const forget = new Error('read');
  let fetched: Fetched | undefined;
  try {
    await database.transaction(
      async (tx) => {
        fetched = await work(tx);
        throw forget;
      },
      { readOnly: true },
    );
  } catch (error) {
    if (error !== forget) throw error;
  }
  return fetched as Fetched;
}

/** Rows are made as they are fetched, so a query for millions costs what is shown. */
async function fetchByCursor(tx: Tx, one: { sql: string; parameters: readonly unknown[]; maxRows: number }): Promise<Fetched> {
  await run(tx, CURSOR + one.sql, one.parameters);
  const rows: Record<string, unknown>[] = [];
  let columns: readonly string[] = [];
  while (rows.length <= one.maxRows) {
    const batch = await run(tx, `FETCH FORWARD ${Math.min(BATCH_ROWS, one.maxRows + 1 - rows.length)} FROM seed_statement`, []);
    columns = batch.columns;
    rows.push(...batch.rows);
    if (batch.rows.length === 0) break;
  }
  return { command: 'SELECT', columns, rows, rowCount: rows.length };
}

async function run(tx: Tx, sql: string, parameters: readonly unknown[]): Promise<Fetched> {
  const result = await tx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(sql, [...parameters]));
  // The drivers of databases/ answer more than kysely asks for.
  const { columns = [], command = '' } = result as { columns?: readonly string[]; command?: string };
  return { command: command.split(' ')[0] ?? '', columns, rows: result.rows, rowCount: Number(result.numAffectedRows ?? 0) };
}

/** @param before characters that were put before what was typed */
function refused(thrown: unknown, { readOnly, before }: { readOnly: boolean; before: number }): unknown {
  // What a person names need not be there.
  const error = isSeedError(thrown) && sqlState(thrown.cause) === UNDEFINED_TABLE ? thrown.cause : thrown;
  const code = sqlState(error);
  if (isSeedError(error) || !/^[0-9A-Z]{5}$/.test(code)) return error;
  const { message, position, hint, detail } = error as Error & { position?: string; hint?: string; detail?: string };
  return new SeedError(
    code.startsWith('23') ? 'conflict' : 'invalid_input',
    readOnly && READ_ONLY.has(code) ? `${message}: this is the read-only mode` : message,
    {
      details: {
        sql_state: code,
        ...(position === undefined ? {} : { position: Number(position) - before }),
        ...(detail === undefined ? {} : { detail }),
      },
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    },
  );
}

/** In lower case, comments and brackets before it skipped. */
function firstWord(text: string): string {
  const [, word = ''] = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/|\()*([a-z]*)/i.exec(text) ?? [];
  return word.toLowerCase();
}

function withoutEnd(text: string): string {
  return text.replace(/[\s;]+$/, '');
}
