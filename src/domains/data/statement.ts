// database:query — one statement that an administrator typed.
import { parseDuration } from '#lib/duration.ts';
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';

const MIN_TIMEOUT_MS = 100;
const MAX_TIMEOUT_MS = 60_000;
/** Of the rows as JSON: an answer is for people. */
const MAX_ANSWER_BYTES = 4_194_304;

export async function query(
  input: { sql?: string; file?: string; readonly: boolean; maxRows: number; timeout: string },
  { ports }: OperationContext<NodePorts>,
) {
  if ((input.sql === undefined) === (input.file === undefined)) {
    throw new SeedError('invalid_input', 'give the statement as sql or as file', {
      details: [{ path: 'sql', message: 'one of sql and file is needed' }],
    });
  }
  const timeoutMs = parseDuration(input.timeout);
  if (timeoutMs < MIN_TIMEOUT_MS || timeoutMs > MAX_TIMEOUT_MS) {
    throw new SeedError('invalid_input', `a timeout of ${input.timeout} is not between 100ms and 60s`, {
      details: [{ path: 'timeout', message: 'between 100ms and 60s' }],
    });
  }
  const answer = await ports.database.statement(input.sql ?? input.file ?? '', {
    readOnly: input.readonly,
    maxRows: input.maxRows,
    timeoutMs,
  });
  const rows = withinBytes(answer.rows);
  if (rows.length === answer.rows.length) return answer;
  return { ...answer, rows, rowCount: rows.length, truncated: true };
}

/** As many rows as fit. What was written stays written, so too much of an answer is cut and not refused. */
function withinBytes(rows: readonly Record<string, unknown>[]): readonly Record<string, unknown>[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += Buffer.byteLength(JSON.stringify(row))) > MAX_ANSWER_BYTES);
  return end === -1 ? rows : rows.slice(0, end);
}
