// `--batch`: one JSON object a line, one request each, one line of answer each.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { SeedError } from '#lib/error.ts';
import { failureOf } from './failure.ts';
import { isRecord } from './table.ts';
import type { Input } from './input.ts';

export interface BatchOptions {
  /** Path, or `-`. */
  source: string;
  stdin: Readable;
  /** The data of the answer. */
  call: (input: Input) => Promise<unknown>;
  write: (text: string) => Promise<void>;
  signal: AbortSignal;
}

/** Every line is tried; answers how many failed. @throws SeedError `bad_request` when the file can not be read, `cancelled`. */
export async function runBatch(options: BatchOptions): Promise<{ done: number; failed: number }> {
  let line = 0;
  let done = 0;
  let failed = 0;
  for await (const text of linesOf(options)) {
    line += 1;
    if (text.trim() === '') continue;
    const result = await one(text, options);
    if ('ok' in result && result.ok) done += 1;
    else failed += 1;
    await options.write(`${JSON.stringify({ line, ...result })}\n`);
  }
  return { done, failed };
}

async function one(text: string, { call, signal }: BatchOptions): Promise<Readonly<Record<string, unknown>>> {
  try {
    return { ok: true, data: (await call(inputOf(text))) ?? null };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ok: false, error: failureOf(error) };
  }
}

function inputOf(text: string): Input {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SeedError('bad_request', `the line is not JSON: ${(cause as Error).message}`, { cause, hint: 'one JSON object a line' });
  }
  if (isRecord(value)) return value;
  throw new SeedError('bad_request', 'the line is not a JSON object', {
    hint: 'the members of the input, for example {"agent": "packer"}',
  });
}

async function* linesOf({ source, stdin, signal }: BatchOptions): AsyncGenerator<string, void, undefined> {
  if (source === '-' && (stdin as { isTTY?: boolean }).isTTY === true) {
    throw new SeedError('bad_request', '--batch reads standard input, and that is a terminal', {
      hint: 'pipe it in, or give a file: --batch inputs.jsonl',
    });
  }
  const input = source === '-' ? stdin : createReadStream(source, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity, signal })) yield line;
  } catch (cause) {
    if (signal.aborted) throw new SeedError('cancelled', 'cancelled', { cause });
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : `can not be read: ${(cause as Error).message}`;
    throw new SeedError('bad_request', `--batch: ${source} ${reason}`, {
      cause,
      hint: 'give a file with JSON lines, or - for standard input',
    });
  }
  if (signal.aborted) throw new SeedError('cancelled', 'cancelled');
}
