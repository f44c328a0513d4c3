// database:query — one statement that an administrator typed.
import { parseDuration } from '#lib/duration.ts';
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';

const MAX_TIMEOUT_MS = 60_000;

export async function query(
  input: { sql?: string; file?: string; readonly: boolean; maxRows: number; timeout: string },
  { ports }: OperationContext<NodePorts>,
) {
  if ((input.sql === undefined) === (input.file === undefined)) {
    throw new SeedError('invalid_input', 'give the statement as sql or as file', {
      details: [{ path: 'sql', message: 'one of sql and file is needed' }],
    });
  }
  return ports.database.statement(input.sql ?? input.file ?? '', {
    readOnly: input.readonly,
    maxRows: input.maxRows,
    timeoutMs: Math.min(parseDuration(input.timeout), MAX_TIMEOUT_MS),
  });
}
